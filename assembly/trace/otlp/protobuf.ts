/** Writing the wire format of Protocol Buffers. All functions that write return the address behind what they wrote. */

/** Bytes of a varint. */
@inline
export function varintSize(value: u64): i32 {
  // One byte for each 7 bits.
  return <i32>((70 - clz(value | 1)) / 7);
}

/** A varint. */
export function putVarint(at: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>(value | 0x80));
    value >>= 7;
  }
  store<u8>(at, <u8>value);
  return at + 1;
}

/** The beginning of a field whose value has `length` bytes. `tag` is that of a field below 16. */
@inline
export function putField(at: usize, tag: u8, length: u32): usize {
  store<u8>(at, tag);
  return putVarint(at + 1, length);
}

/** Bytes of a field whose value has `length` bytes, with its beginning. */
@inline
export function fieldSize(length: i32): i32 {
  return 1 + varintSize(length) + length;
}

/** Bytes as they are. */
@inline
export function putBytes(at: usize, from: usize, length: i32): usize {
  memory.copy(at, from, length);
  return at + length;
}
