import { Properties } from "../host/properties";
import { keyedHash } from "../memory/keyed_hash";
import { CallerKey } from "./keys";
import { findPeerAddress } from "./peer_address";

/** Identifies the caller of a stream by the address of its peer. */
export class Callers {
  /** The address that {@link resolve} found, `length` bytes; empty if there is none. Valid until the next host call. */
  at: usize = 0;
  length: i32 = 0;

  constructor(private properties: Properties) {}

  /** The key of the current stream's caller; 0 if there is no address. Makes a host call. */
  resolve(): CallerKey {
    this.length = 0;
    if (!findPeerAddress(this.properties)) return 0;
    this.at = this.properties.at;
    this.length = this.properties.length;
    return keyedHash(this.at, this.length);
  }
}
