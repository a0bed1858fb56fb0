import { HeaderBlock } from "./header_block";

/** HTTP requests that the module sends to clusters of the proxy. */
export abstract class Callouts {
  /** The token of the latest callout. Its response has the same token. */
  token: u32 = 0;

  /**
   * Sends a request. The plugin instance receives the response in a separate callback, with status 503 or 504 if the server
   * fails or does not answer in time. Too expensive for every message: it allocates a managed object, and Envoy spends about
   * 60 µs of CPU on a callout.
   * @param cluster the name of the cluster.
   * @param headers must contain `:method`, `:path` and `:authority`.
   * @param at the body, `length` bytes; no body if `length` is 0. The host copies it.
   * @param timeoutMs milliseconds until the callout fails; 0 for no limit.
   * @returns false if the host does not send it because the cluster is unknown or has no endpoints, or a header is missing.
   *   Then no response follows.
   */
  abstract send(cluster: string, headers: HeaderBlock, at: usize, length: i32, timeoutMs: u32): bool;
}

/** Sends nothing. For a host without callouts. */
export class NoCallouts extends Callouts {
  send(_cluster: string, _headers: HeaderBlock, _at: usize, _length: i32, _timeoutMs: u32): bool {
    return false;
  }
}
