/**
 * Functions to write the wire format of Protocol Buffers. All `put…` functions return the address after the written
 * bytes.
 */

/** Size of a varint in bytes. */
@inline
export function varintSize(value: u64): i32 {
  // One byte for each 7 bits.
  return <i32>((70 - clz(value | 1)) / 7);
}

/** Writes a varint. */
export function putVarint(at: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>(value | 0x80));
    value >>= 7;
  }
  store<u8>(at, <u8>value);
  return at + 1;
}

/** Writes the beginning of a field with a value of `length` bytes. `tag` belongs to a field with a number below 16. */
@inline
export function putField(at: usize, tag: u8, length: u32): usize {
  store<u8>(at, tag);
  return putVarint(at + 1, length);
}

/** Size in bytes of a whole field with a value of `length` bytes and a field number below 16. */
@inline
export function fieldSize(length: i32): i32 {
  return 1 + varintSize(length) + length;
}

/** Copies bytes. */
@inline
export function putBytes(at: usize, from: usize, length: i32): usize {
  memory.copy(at, from, length);
  return at + length;
}
