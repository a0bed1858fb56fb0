/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a 64-bit hash of bytes that tells nothing of them, nor lets collisions be
 * chosen, without the 128-bit key.
 */
export function sipHash(key0: u64, key1: u64, at: usize, length: usize): u64 {
  v0 = key0 ^ 0x736f6d6570736575;
  v1 = key1 ^ 0x646f72616e646f6d;
  v2 = key0 ^ 0x6c7967656e657261;
  v3 = key1 ^ 0x7465646279746573;
  const words = at + (length & ~7);
  for (let word = at; word < words; word += 8) {
    const bits = load<u64>(word);
    v3 ^= bits;
    round();
    round();
    v0 ^= bits;
  }
  let last = (<u64>length) << 56;
  for (let i: usize = 0; i < (length & 7); i++) last |= (<u64>load<u8>(words + i)) << (i * 8);
  v3 ^= last;
  round();
  round();
  v0 ^= last;
  v2 ^= 0xff;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;

@inline
function round(): void {
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
