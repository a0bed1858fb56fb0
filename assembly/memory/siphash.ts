/**
 * SipHash (Aumasson and Bernstein, 2012): a 64-bit hash with a 128-bit key. Without the key, the hash reveals nothing about
 * the bytes, and nobody can construct collisions. SipHash-2-4 is for secrets; SipHash-1-3, which takes half the time, is for
 * hashes that stay inside the proxy.
 */

/** The size of the state in bytes: four words. */
export const SIP_STATE_SIZE: usize = 32;

/** The buffer for the state of {@link sipHash} and {@link sipEnd}. */
const working: usize = memory.data(32, 8);
const lastWord: usize = memory.data(8, 8);
/** Zero words for the final rounds, at most four. Absorbing a zero word only runs the rounds. */
const ZEROS: usize = memory.data(32, 8);

/** The hash of `length` bytes, with `rounds` rounds per word and `finalRounds` (at most 4) at the end. */
export function sipHash(key0: u64, key1: u64, at: usize, length: usize, rounds: i32, finalRounds: i32): u64 {
  sipBegin(working, key0, key1);
  const end = at + (length & ~7);
  sipAbsorb(working, at, end, rounds);
  let last = (<u64>length) << 56;
  for (let i: usize = 0; i < (length & 7); i++) last |= (<u64>load<u8>(end + i)) << (i * 8);
  return sipEnd(working, last, rounds, finalRounds);
}

/** Initializes the state at `state` with a key. */
export function sipBegin(state: usize, key0: u64, key1: u64): void {
  store<u64>(state, key0 ^ 0x736f6d6570736575);
  store<u64>(state, key1 ^ 0x646f72616e646f6d, 8);
  store<u64>(state, key0 ^ 0x6c7967656e657261, 16);
  store<u64>(state, key1 ^ 0x7465646279746573, 24);
}

/** Absorbs the 8-byte words in [at, end) into the state. */
export function sipAbsorb(state: usize, at: usize, end: usize, rounds: i32): void {
  let v0 = load<u64>(state);
  let v1 = load<u64>(state, 8);
  let v2 = load<u64>(state, 16);
  let v3 = load<u64>(state, 24);
  for (; at < end; at += 8) {
    const word = load<u64>(at);
    v3 ^= word;
    for (let i = 0; i < rounds; i++) {
      v0 += v1;
      v1 = rotl<u64>(v1, 13) ^ v0;
      v0 = rotl<u64>(v0, 32);
      v2 += v3;
      v3 = rotl<u64>(v3, 16) ^ v2;
      v0 += v3;
      v3 = rotl<u64>(v3, 21) ^ v0;
      v2 += v1;
      v1 = rotl<u64>(v1, 17) ^ v2;
      v2 = rotl<u64>(v2, 32);
    }
    v0 ^= word;
  }
  store<u64>(state, v0);
  store<u64>(state, v1, 8);
  store<u64>(state, v2, 16);
  store<u64>(state, v3, 24);
}

/** The hash of all bytes that the state has absorbed. The state does not change and may absorb more. `last` holds the final
 *  0 to 7 bytes that do not fill a word, the first one lowest; its highest byte is the lowest byte of the total length. */
export function sipEnd(state: usize, last: u64, rounds: i32, finalRounds: i32): u64 {
  if (state != working) memory.copy(working, state, SIP_STATE_SIZE);
  store<u64>(lastWord, last);
  sipAbsorb(working, lastWord, lastWord + sizeof<u64>(), rounds);
  store<u64>(working, load<u64>(working, 16) ^ 0xff, 16);
  sipAbsorb(working, ZEROS, ZEROS + finalRounds * sizeof<u64>(), 1);
  return load<u64>(working) ^ load<u64>(working, 8) ^ load<u64>(working, 16) ^ load<u64>(working, 24);
}
