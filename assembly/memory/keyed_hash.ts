import { mix } from "./bytes";
import { sipHash } from "./siphash";

/** SipHash-1-3 is sufficient: hashes with this key never leave the proxy. */
export const ROUNDS: i32 = 1;
export const FINAL_ROUNDS: i32 = 3;

/** The key of all hashes in this VM of values that an untrusted party can choose. Zero until {@link setHashKey} sets it. */
let key0: u64 = 0;
let key1: u64 = 0;

/** Sets the key. It must be random, be set before the first hash is computed, and be the same on all workers that share
 *  hashes. */
export function setHashKey(first: u64, second: u64): void {
  key0 = first;
  key1 = second;
}

/** The first half of the key. */
export function hashKey0(): u64 {
  return key0;
}

export function hashKey1(): u64 {
  return key1;
}

/** The keyed hash of bytes. Never 0, since 0 means "none" wherever such hashes are stored. Nobody without the key can
 *  construct a collision. */
export function keyedHash(at: usize, length: usize): u64 {
  return neverZero(sipHash(key0, key1, at, length, ROUNDS, FINAL_ROUNDS));
}

/** The keyed hash of a text of `total` bytes, computed from its first `kept` bytes and its length. Never 0. */
export function keyedTextHash(at: usize, kept: u32, total: u32): u64 {
  const hash = keyedHash(at, kept);
  return kept == total ? hash : neverZero(mix(hash ^ total));
}

/** Replaces the hash 0 with 1. */
@inline
export function neverZero(hash: u64): u64 {
  return hash ? hash : 1;
}
