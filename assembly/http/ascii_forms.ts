/** Maps Unicode characters to the lower-case letters, digits and signs that servers may fold them to. */

/** The first code points of ranges that contain alphabets, each A to Z and then a to z. */
const CIRCLED: u32 = 0x24b6;
const MATHEMATICAL: u32 = 0x1d400;
const MATHEMATICAL_END: u32 = 0x1d6a4;
const MATHEMATICAL_DIGITS: u32 = 0x1d7ce;
const MATHEMATICAL_DIGITS_END: u32 = 0x1d800;
/** The first of the fullwidth forms, which have the order of the visible ASCII characters. */
const FULLWIDTH: u32 = 0xff01;
const ONE_DOT_LEADER: u32 = 0x2024;

/**
 * The ASCII character (letters in lower case) for which a lenient server may take a code point; 0 if none is known. A code
 * point below 128 (from an overlong UTF-8 sequence) maps to itself. Fullwidth, circled and mathematical forms lose their
 * style, as in Unicode's NFKC and in the best-fit tables of Windows.
 */
export function asciiForm(codePoint: u32): u8 {
  if (codePoint < 0x80) return <u8>codePoint;
  if (codePoint - FULLWIDTH < 94) return <u8>(codePoint - FULLWIDTH + 0x21);
  if (codePoint == ONE_DOT_LEADER) return 0x2e;
  // Capital and small letters map to the same letters, since paths are compared ignoring case.
  if (codePoint - CIRCLED < 52) return letter(codePoint - CIRCLED);
  if (codePoint - MATHEMATICAL < MATHEMATICAL_END - MATHEMATICAL) return letter(codePoint - MATHEMATICAL);
  if (codePoint - MATHEMATICAL_DIGITS < MATHEMATICAL_DIGITS_END - MATHEMATICAL_DIGITS)
    return <u8>(0x30 + ((codePoint - MATHEMATICAL_DIGITS) % 10));
  return 0;
}

@inline
function letter(index: u32): u8 {
  return <u8>(0x61 + (index % 26));
}
