/** Collects the highest bit of each of 64 bytes. Bit n of the result belongs to byte n. */
@inline
export function highBits(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = (<u32>i8x16.bitmask(a)) | ((<u32>i8x16.bitmask(b)) << 16);
  const high = (<u32>i8x16.bitmask(c)) | ((<u32>i8x16.bitmask(d)) << 16);
  return (<u64>low) | ((<u64>high) << 32);
}

/** Finds `byte` in 64 bytes. Bit n of the result is set if byte n equals it. */
@inline
export function equalBytes(a: v128, b: v128, c: v128, d: v128, byte: u8): u64 {
  return sameBytes(a, b, c, d, i8x16.splat(byte));
}

/** {@link equalBytes}, with the byte sixteen times. Loaded from memory, it makes less code than a constant, of which each use
 *  holds a copy. */
@inline
export function sameBytes(a: v128, b: v128, c: v128, d: v128, same: v128): u64 {
  return highBits(i8x16.eq(a, same), i8x16.eq(b, same), i8x16.eq(c, same), i8x16.eq(d, same));
}

/** Each bit of the result is the sum, modulo 2, of all bits up to and including its position. */
@inline
export function prefixXor(bits: u64): u64 {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ (bits << 32);
}
