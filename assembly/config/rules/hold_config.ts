/** One caller may use this part of what a worker holds: a quarter. */
export const CALLER_PART: u32 = 4;

/** The configuration's `hold`: how requests are held until the gate has decided them. */
export class HoldConfig {
  /** The proxy is allowed to keep the headers of held requests from the server, too. */
  headers: bool = false;
  /** Bytes of the largest body that is held. */
  maxBodyBytes: u32 = 524_288;
  /** Requests that a worker holds at one time. One caller has at most a quarter of them. */
  maxStreams: i32 = 1000;
  /** Bytes of all bodies that a worker holds at one time. One caller has at most a quarter of them. */
  maxBytes: u32 = 67_108_864;
}
