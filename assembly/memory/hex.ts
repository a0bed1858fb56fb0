/** The hexadecimal digit, in lower case, of a value below 16. */
@inline
export function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

/** The number of digits that {@link writeHex} writes. */
export const HEX_SIZE: i32 = 16;

/** Writes a number to `at` as 16 hexadecimal digits in lower case. */
export function writeHex(at: usize, value: u64): void {
  for (let i = 0; i < HEX_SIZE; i++) {
    store<u8>(at + i, hexDigit(<u8>((value >> (60 - i * 4)) & 15)));
  }
}
