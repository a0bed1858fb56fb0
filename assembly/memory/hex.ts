/** The number of digits that {@link writeHex} writes. */
export const HEX_SIZE: i32 = 16;

/** Writes a number to `at` as 16 hexadecimal digits in lower case. */
export function writeHex(at: usize, value: u64): void {
  for (let i = 0; i < HEX_SIZE; i++) {
    const digit = <u8>((value >> (60 - i * 4)) & 15);
    store<u8>(at + i, digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}
