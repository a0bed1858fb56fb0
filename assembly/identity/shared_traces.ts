import { Bytes } from "../memory/bytes";
import { Hmac } from "../memory/hmac";
import { neverZero } from "../memory/keyed_hash";
import { SHA256_SIZE } from "../memory/sha256";

const digest: usize = memory.data(32);

/** Session ids whose traces are remembered: a power of two. */
const KNOWN_LIMIT: i32 = 1024;
/** Bytes of one: the hash of the id, and both halves of the trace's id. */
const KNOWN_SIZE: i32 = 24;

if (SHA256_SIZE > 32) ERROR("A digest has no room.");

/**
 * Names the traces of sessions so that all proxies with the same key give a session the same trace: by HMAC-SHA-256 of its
 * `Mcp-Session-Id`, cut to 16 bytes. Computing one takes some microseconds, so the latest are remembered.
 */
export class SharedTraces {
  /** What {@link find} found: the 128 bits of the trace's id, of which neither half is 0. */
  high: u64 = 0;
  low: u64 = 0;
  private hmac: Hmac;
  private known: Bytes = Bytes.ofSize(KNOWN_LIMIT * KNOWN_SIZE);

  constructor(key: string) {
    this.hmac = new Hmac(key);
  }

  /** Finds the trace of the session of this id, `length` bytes. `hash`: a keyed hash of the id; 0 where there is none, whose
   *  trace has the id 0. */
  find(hash: u64, at: usize, length: i32): void {
    const place = this.known.at + <usize>(((<i32>hash) & (KNOWN_LIMIT - 1)) * KNOWN_SIZE);
    if (load<u64>(place) != hash) {
      this.hmac.write(at, length, digest);
      store<u64>(place, hash);
      // Hexadecimal digits show the bytes of the digest in their order.
      store<u64>(place, neverZero(bswap<u64>(load<u64>(digest))), 8);
      store<u64>(place, neverZero(bswap<u64>(load<u64>(digest, 8))), 16);
    }
    this.high = load<u64>(place, 8);
    this.low = load<u64>(place, 16);
  }
}
