const CHUNK: u64 = 1_000_000_000;
const CHUNK_DIGITS: i32 = 9;

/** Writes a number in decimal digits. Returns the number of digits, at most 20. */
export function writeDecimal(at: usize, value: u64): i32 {
  // Division of 32-bit numbers is several times as fast as that of 64-bit numbers.
  if (value < CHUNK) return writeShort(at, <u32>value);
  const length = writeDecimal(at, value / CHUNK);
  writeChunk(at + length, <u32>(value % CHUNK), CHUNK_DIGITS);
  return length + CHUNK_DIGITS;
}

/** Writes a number in decimal digits, with a minus sign if it is negative. Returns the number of bytes. */
export function writeSigned(at: usize, value: i64): i32 {
  if (value >= 0) return writeDecimal(at, value);
  store<u8>(at, 0x2d);
  return writeDecimal(at + 1, <u64>-value) + 1;
}

function writeShort(at: usize, value: u32): i32 {
  let digits = 1;
  for (let rest = value / 10; rest; rest /= 10) digits++;
  writeChunk(at, value, digits);
  return digits;
}

function writeChunk(at: usize, value: u32, digits: i32): void {
  for (let i = digits - 1; i >= 0; i--) {
    const rest = value / 10;
    store<u8>(at + i, <u8>(0x30 + value - rest * 10));
    value = rest;
  }
}
