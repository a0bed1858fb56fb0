/** One caller may use a quarter of what a worker holds, if callers can be told apart. */
export const CALLER_PART: u32 = 4;

/** The configuration's `hold`: how requests are held until the gate has decided about them. */
export class HoldConfig {
  /** The proxy is configured to hold the headers of held requests as well. */
  headers: bool = false;
  /** Maximum size in bytes of a held body. */
  maxBodyBytes: u32 = 524_288;
  /** Maximum number of requests that a worker holds at one time. */
  maxStreams: i32 = 1000;
  /** Maximum total size in bytes of the bodies that a worker holds at one time. */
  maxBytes: u32 = 67_108_864;
  /** One caller may use one in this number of `maxStreams` and of `maxBytes`. */
  callerPart: u32 = CALLER_PART;
}
