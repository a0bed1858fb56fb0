import { HeaderBlock } from "./header_block";

/** Sends local replies: responses that the module sends in place of the upstream. */
export abstract class Replies {
  /**
   * Sends a local reply to the current stream, whose request does not reach the upstream. The proxy sends it when the
   * callback ends; it passes through the module's response callbacks.
   * @param status the HTTP status.
   * @param details the response code details in the proxy's access log: ASCII without spaces.
   * @param at the body, `length` bytes; no body if `length` is 0.
   * @returns false if the host refuses; then nothing is sent.
   */
  abstract send(status: i32, details: string, at: usize, length: i32, headers: HeaderBlock): bool;
}
