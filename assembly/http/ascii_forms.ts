/** Small letters, digits and signs that other characters of Unicode become where a server folds them. */

/** The first code points of runs of letters, A to Z and then a to z. */
const CIRCLED: u32 = 0x24b6;
const MATHEMATICAL: u32 = 0x1d400;
const MATHEMATICAL_END: u32 = 0x1d6a4;
const MATHEMATICAL_DIGITS: u32 = 0x1d7ce;
const MATHEMATICAL_DIGITS_END: u32 = 0x1d800;
/** Fullwidth forms of the visible characters of ASCII, in their order. */
const FULLWIDTH: u32 = 0xff01;
const ONE_DOT_LEADER: u32 = 0x2024;

/**
 * The ASCII character that a lenient reader may take a code point for; 0 where none is known. A code point below 128 (of
 * an overlong UTF-8 sequence) is itself; fullwidth, circled and mathematical forms lose their style (as in Unicode's NFKC
 * and in the best-fit tables of Windows).
 */
export function asciiForm(codePoint: u32): u8 {
  if (codePoint < 0x80) return <u8>codePoint;
  if (codePoint - FULLWIDTH < 94) return <u8>(codePoint - FULLWIDTH + 0x21);
  if (codePoint == ONE_DOT_LEADER) return 0x2e;
  // Both alphabets of a run fold to the same one, since case does not matter.
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
