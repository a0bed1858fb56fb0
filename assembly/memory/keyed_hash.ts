import { mix } from "./bytes";
import { sipHash } from "./siphash";

/** SipHash-1-3: what is hashed with this key never leaves the proxy. */
export const ROUNDS: i32 = 1;
export const FINAL_ROUNDS: i32 = 3;

/** The key of all hashes of this VM that stand for identities which a stranger can choose. Zero until it is set. */
let key0: u64 = 0;
let key1: u64 = 0;

/** Sets the key: random, the same on all workers that share such hashes, and before the first of them is made. */
export function setHashKey(first: u64, second: u64): void {
  key0 = first;
  key1 = second;
}

/** The two halves of the key. */
export function hashKey0(): u64 {
  return key0;
}

export function hashKey1(): u64 {
  return key1;
}

/** The keyed hash of bytes: never 0, which stands for nothing where such hashes are kept. Nobody who lacks the key can
 *  choose two runs of bytes with one hash. */
export function keyedHash(at: usize, length: usize): u64 {
  return neverZero(sipHash(key0, key1, at, length, ROUNDS, FINAL_ROUNDS));
}

/** The keyed hash of a text of `total` bytes of which the first `kept` are known: never 0. */
export function keyedTextHash(at: usize, kept: u32, total: u32): u64 {
  const hash = keyedHash(at, kept);
  return kept == total ? hash : neverZero(mix(hash ^ total));
}

/** The hash, or 1 in place of 0. */
@inline
export function neverZero(hash: u64): u64 {
  return hash ? hash : 1;
}
