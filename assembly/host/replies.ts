import { HeaderBlock } from "./header_block";

/** Answers streams in place of their upstreams. */
export abstract class Replies {
  /**
   * Answers the current stream, which does not go on to its upstream. The proxy sends the answer once the callback is
   * over, through the module's own response callbacks.
   * @param status the HTTP status.
   * @param details what the proxy's access log shows as the response's code details: ASCII without blanks.
   * @param at the body, `length` bytes; 0 bytes for none.
   * @returns false where the host refuses: then nothing is sent.
   */
  abstract send(status: i32, details: string, at: usize, length: i32, headers: HeaderBlock): bool;
}
