/** The character that replaces invalid UTF-8. */
const REPLACEMENT: u32 = 0xfffd;

/** The last code point of Unicode. */
const LAST: u32 = 0x10ffff;

/** The size in bytes of the character that {@link decode} read last. */
export let decodedSize: u32 = 0;

/** Decodes the character at `at` (UTF-8, RFC 3629) in a text that ends at `end`. Returns U+FFFD if it is invalid or cut. */
export function decode(at: usize, end: usize): u32 {
  const lead = load<u8>(at);
  decodedSize = 1;
  if (lead < 0x80) return lead;
  if (lead < 0xc0) return REPLACEMENT;
  const more: u32 = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  let point: u32 = (<u32>lead) & (0x3f >> more);
  while (decodedSize <= more) {
    if (at + decodedSize >= end) return REPLACEMENT;
    const next = load<u8>(at + decodedSize);
    if ((next & 0xc0) != 0x80) return REPLACEMENT;
    point = (point << 6) | (next & 0x3f);
    decodedSize++;
  }
  return min(point, LAST);
}
