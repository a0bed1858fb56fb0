import { Bytes } from "../memory/bytes";
import { Hmac } from "../memory/hmac";
import { neverZero } from "../memory/keyed_hash";
import { SHA256_SIZE } from "../memory/sha256";

const digest: usize = memory.data(32);

/** The number of cached trace ids: a power of two. */
const KNOWN_LIMIT: i32 = 1024;
/** The size of a cache entry in bytes: the hash of the session id, and both halves of the trace id. */
const KNOWN_SIZE: i32 = 24;

if (SHA256_SIZE > 32) ERROR("The buffer is too small for a digest.");

/**
 * Computes the trace ids of sessions so that all proxies with the same key give a session the same trace: the HMAC-SHA-256
 * of its `Mcp-Session-Id`, cut to 16 bytes. Each takes some microseconds, so the latest ones are cached.
 */
export class SharedTraces {
  /** The trace id that {@link find} found: 128 bits, neither half 0 unless there is no session id. */
  high: u64 = 0;
  low: u64 = 0;
  private hmac: Hmac;
  private known: Bytes = Bytes.ofSize(KNOWN_LIMIT * KNOWN_SIZE);

  constructor(key: string) {
    this.hmac = new Hmac(key);
  }

  /** Finds the trace id for a session id, `length` bytes. `hash` is a keyed hash of the session id; 0 if there is none, and
   *  then the trace id is 0. */
  find(hash: u64, at: usize, length: i32): void {
    const place = this.known.at + <usize>(((<i32>hash) & (KNOWN_LIMIT - 1)) * KNOWN_SIZE);
    if (load<u64>(place) != hash) {
      this.hmac.write(at, length, digest);
      store<u64>(place, hash);
      // Written in hexadecimal, the number shows the digest's bytes in their order.
      store<u64>(place, neverZero(bswap<u64>(load<u64>(digest))), 8);
      store<u64>(place, neverZero(bswap<u64>(load<u64>(digest, 8))), 16);
    }
    this.high = load<u64>(place, 8);
    this.low = load<u64>(place, 16);
  }
}
