/** The category of a character: the groups of Unicode's general categories that o200k_base's pre-tokenizer distinguishes. */
export enum Category {
  Lower,
  Upper,
  /** A letter without case, or a mark. */
  Letter,
  Number,
  /** White space except line ends. */
  Space,
  LineEnd,
  /** Punctuation, symbols and all other characters. */
  Symbol,
}

/** Groups of scripts whose words cost different numbers of tokens. */
export enum Script {
  /** The letters of ASCII. */
  Basic,
  /** Latin letters beyond ASCII: those of Western European languages and of Vietnamese. */
  Latin,
  /** Latin letters of Turkish, Polish, Czech and more. */
  LatinExtended,
  Cyrillic,
  /** Cyrillic letters that Russian does not have: those of Ukrainian, Serbian and more. */
  CyrillicExtended,
  Arabic,
  Devanagari,
  /** Other scripts with two bytes per letter in UTF-8: Greek, Hebrew, Armenian and more. */
  TwoBytes,
  /** Other scripts with three or four bytes per letter in UTF-8. */
  MoreBytes,
  Han,
  Kana,
  Hangul,
}

/** Flag of a run in which capitals and small letters alternate, a capital first. */
const ALTERNATING: u32 = 0x80;

// prettier-ignore
/** Runs of similar characters from U+0080 on: the first code point of each, its category and its script. A coarse copy of
 *  Unicode's general categories: rare characters have the category of their neighbours. */
const RUNS: StaticArray<u32> = [
  0x80, Category.Symbol, Script.Basic,
  0xa0, Category.Space, Script.Basic,
  0xa1, Category.Symbol, Script.Basic,
  0xc0, Category.Upper, Script.Latin,
  0xd7, Category.Symbol, Script.Basic,
  0xd8, Category.Upper, Script.Latin,
  0xdf, Category.Lower, Script.Latin,
  0xf7, Category.Symbol, Script.Basic,
  0xf8, Category.Lower, Script.Latin,
  0x100, Category.Lower | ALTERNATING, Script.Latin,
  0x104, Category.Lower | ALTERNATING, Script.LatinExtended,
  0x110, Category.Lower | ALTERNATING, Script.Latin,
  0x112, Category.Lower | ALTERNATING, Script.LatinExtended,
  0x139, Category.Lower | ALTERNATING, Script.LatinExtended,
  0x14a, Category.Lower | ALTERNATING, Script.LatinExtended,
  0x179, Category.Lower | ALTERNATING, Script.LatinExtended,
  0x180, Category.Lower, Script.Latin,
  0x2b0, Category.Letter, Script.Latin,
  0x370, Category.Upper, Script.TwoBytes,
  0x3ac, Category.Lower, Script.TwoBytes,
  0x400, Category.Upper, Script.Cyrillic,
  0x402, Category.Upper, Script.CyrillicExtended,
  0x410, Category.Upper, Script.Cyrillic,
  0x430, Category.Lower, Script.Cyrillic,
  0x452, Category.Lower, Script.CyrillicExtended,
  0x460, Category.Lower | ALTERNATING, Script.CyrillicExtended,
  0x530, Category.Letter, Script.TwoBytes,
  0x600, Category.Symbol, Script.Basic,
  0x610, Category.Letter, Script.Arabic,
  0x61b, Category.Symbol, Script.Basic,
  0x620, Category.Letter, Script.Arabic,
  0x660, Category.Number, Script.Basic,
  0x66a, Category.Symbol, Script.Basic,
  0x66e, Category.Letter, Script.Arabic,
  0x6d4, Category.Symbol, Script.Basic,
  0x6d5, Category.Letter, Script.Arabic,
  0x6f0, Category.Number, Script.Basic,
  0x6fa, Category.Letter, Script.Arabic,
  0x900, Category.Letter, Script.Devanagari,
  0x964, Category.Symbol, Script.Basic,
  0x966, Category.Number, Script.Basic,
  0x970, Category.Letter, Script.Devanagari,
  0x980, Category.Letter, Script.MoreBytes,
  0x1e00, Category.Lower | ALTERNATING, Script.Latin,
  0x1f00, Category.Letter, Script.MoreBytes,
  0x2000, Category.Space, Script.Basic,
  0x200b, Category.Symbol, Script.Basic,
  0x2c00, Category.Letter, Script.MoreBytes,
  0x2e00, Category.Symbol, Script.Basic,
  0x3000, Category.Space, Script.Basic,
  0x3001, Category.Symbol, Script.Basic,
  0x3005, Category.Letter, Script.Han,
  0x3008, Category.Symbol, Script.Basic,
  0x3041, Category.Letter, Script.Kana,
  0x30fb, Category.Symbol, Script.Basic,
  0x30fc, Category.Letter, Script.Kana,
  0x3105, Category.Letter, Script.MoreBytes,
  0x3190, Category.Symbol, Script.Basic,
  0x3400, Category.Letter, Script.Han,
  0xa000, Category.Letter, Script.MoreBytes,
  0xac00, Category.Letter, Script.Hangul,
  0xd7b0, Category.Symbol, Script.Basic,
  0xf900, Category.Letter, Script.Han,
  0xfb00, Category.Letter, Script.MoreBytes,
  0xfe10, Category.Symbol, Script.Basic,
  0xfe70, Category.Letter, Script.Arabic,
  0xff00, Category.Symbol, Script.Basic,
  0xff10, Category.Number, Script.Basic,
  0xff1a, Category.Symbol, Script.Basic,
  0xff21, Category.Upper, Script.MoreBytes,
  0xff3b, Category.Symbol, Script.Basic,
  0xff41, Category.Lower, Script.MoreBytes,
  0xff5b, Category.Symbol, Script.Basic,
  0xff66, Category.Letter, Script.Kana,
  0xffa0, Category.Letter, Script.MoreBytes,
  0xffe0, Category.Symbol, Script.Basic,
  0x10000, Category.Letter, Script.MoreBytes,
  0x1d000, Category.Symbol, Script.Basic,
  0x20000, Category.Letter, Script.Han,
  0x40000, Category.Symbol, Script.Basic,
  0x110000, 0, 0,
];
const FIELDS: i32 = 3;

/** The runs at which the search for a character begins, one byte each: for every 32 code points below U+0800, for every 256
 *  below U+10000, and for all others. */
const FIRST_RUNS: usize = firstRuns();

function firstRuns(): usize {
  const runs = memory.data(64 + 257);
  let run: u32 = 0;
  for (let i: u32 = 0; i <= 64 + 256; i++) {
    const point = i < 64 ? i << 5 : (i - 64) << 8;
    if (i == 64) run = 0;
    while (point >= unchecked(RUNS[(run + 1) * FIELDS])) run++;
    store<u8>(runs + i, run);
  }
  return runs;
}

/** The code points and the index of the run that was found last. The next character is usually in the same run. */
let first: u32 = 0;
let end: u32 = 0;
let found: i32 = 0;

/** The category of an ASCII character. */
export function asciiCategory(byte: u8): Category {
  const letter = <u8>((byte | 0x20) - 0x61);
  if (letter < 26) return byte & 0x20 ? Category.Lower : Category.Upper;
  if (<u8>(byte - 0x30) < 10) return Category.Number;
  if (byte == 0x20 || byte == 0x09 || byte == 0x0b || byte == 0x0c) return Category.Space;
  if (byte == 0x0a || byte == 0x0d) return Category.LineEnd;
  return Category.Symbol;
}

/** The category of a character beyond ASCII, up to U+10FFFF. {@link scriptFound} then returns its script. */
export function categoryOf(point: u32): Category {
  if (point < first || point >= end) findRun(point);
  const category = unchecked(RUNS[found + 1]);
  return category & ALTERNATING ? <Category>(((point ^ first) & 1) ^ 1) : <Category>category;
}

/** The script of the character that was last passed to {@link categoryOf}. */
@inline
export function scriptFound(): Script {
  return <Script>unchecked(RUNS[found + 2]);
}

/** The small letter for a capital letter. */
export function smallOf(capital: u32, script: Script): u32 {
  if (script <= Script.LatinExtended && capital >= 0x100) return capital + 1;
  if (script == Script.Cyrillic || script == Script.CyrillicExtended)
    return capital < 0x410 ? capital + 0x50 : capital < 0x430 ? capital + 0x20 : capital + 1;
  return capital + 0x20;
}

function findRun(point: u32): void {
  const index = point < 0x800 ? point >> 5 : 64 + min<u32>(point >> 8, 256);
  let run: i32 = load<u8>(FIRST_RUNS + <usize>index);
  while (point >= unchecked(RUNS[(run + 1) * FIELDS])) run++;
  found = run * FIELDS;
  first = unchecked(RUNS[found]);
  end = unchecked(RUNS[found + FIELDS]);
}
