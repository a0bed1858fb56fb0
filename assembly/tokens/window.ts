import { highBits, sameBytes } from "../memory/byte_masks";
import { symbolsCost } from "./symbols";
import { isToken, packKey } from "./vocabulary";
import { Form, Weight, weightOf, wordCost, wordWeights } from "./weights";

/** The number of bytes that are read at once: one bit of a mask for each. */
export const WINDOW: u32 = 64;
/** The number of bytes that must be readable from a window's start. The first 16 bytes of its last word are loaded at once. */
export const WINDOW_READ: usize = 80;

const APOSTROPHE: u8 = 0x27;
/** The maximum number of letters after the apostrophe of a contraction. */
export const MAX_CONTRACTION_LETTERS: u32 = 2;
/** The maximum number of letters in tokens of the vocabulary with ASCII letters only. */
export const MAX_WORD_LETTERS: u32 = 16;
/** Masks: the 16 bytes from offset `16 - n` on select the first n of 16 bytes. */
const KEEP: usize = memory.data<u64>([-1, -1, 0, 0]);

/** Ranges of bytes: the first byte and the number of bytes, both plus 0x80 for comparisons of signed numbers. They are in
 *  memory because the code would contain each of them sixteen times. */
const SMALL: usize = memory.data<u8>([0x61 + 0x80, 26 + 0x80]);
const CAPITAL: usize = memory.data<u8>([0x41 + 0x80, 26 + 0x80]);
const DIGIT: usize = memory.data<u8>([0x30 + 0x80, 10 + 0x80]);
const WHITE: usize = memory.data<u8>([0x09 + 0x80, 5 + 0x80]);
/** Space, line feed, carriage return and slash. They are in memory to keep the code small. */
const BYTES: usize = memory.data<u8>([0x20, 0x0a, 0x0d, 0x2f]);

/** The cost of the last window's pieces, in 1/1024 of a token. */
export let windowCost: u64 = 0;

/**
 * Adds up the costs of the ASCII pieces at the start of `length` bytes at `at`. `length` is {@link WINDOW}, or less if the text
 * ends there. A piece must begin at `at`, but not with an apostrophe after a word. Each class of characters has a mask with
 * one bit per byte, and the pieces are computed from these masks. Writes the cost to {@link windowCost}. Returns the size of
 * the pieces in bytes; 0 if no piece is certain to end.
 */
export function countWindow(at: usize, length: u32): u32 {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  const all: u64 = length < WINDOW ? ((<u64>1) << length) - 1 : -1;

  const foreign = highBits(a, b, c, d) & all;
  const smalls = between(a, b, c, d, SMALL);
  let capitals = between(a, b, c, d, CAPITAL);
  let letters = smalls | capitals;
  let digits = between(a, b, c, d, DIGIT);

  let size = length;
  let last: u64 = 0;
  if (length == WINDOW || foreign) {
    let ends = (((letters << 1) & ~letters) | ((digits << 1) & ~digits)) & all;
    // A letter or digit of another script could continue the word or number before it.
    if (foreign) ends &= (foreign - 1) & ~foreign;
    do {
      if (ends == 0) return 0;
      size = 63 - <u32>clz(ends);
      ends ^= (<u64>1) << size;
    } while (load<u8>(at + size) == APOSTROPHE);
  } else {
    last = (<u64>1) << (length - 1);
  }
  const mask = ((<u64>1) << size) - 1;
  letters &= mask;
  capitals &= mask;
  digits &= mask;

  const spaces = sameBytes(a, b, c, d, v128.load_splat<u8>(BYTES)) & mask;
  let white = spaces;
  let lineEnds: u64 = 0;
  const others = between(a, b, c, d, WHITE) & mask;
  if (others) {
    const lineFeeds = sameBytes(a, b, c, d, v128.load_splat<u8>(BYTES, 1));
    lineEnds = (lineFeeds | sameBytes(a, b, c, d, v128.load_splat<u8>(BYTES, 2))) & mask;
    white |= others & ~lineEnds;
  }
  let symbols = mask & ~(letters | digits | white | lineEnds);
  // The line ends and slashes that belong to the symbols before them.
  let tails = lineEnds & (symbols << 1);
  if (tails) {
    const both = lineEnds | (sameBytes(a, b, c, d, v128.load_splat<u8>(BYTES, 3)) & mask);
    tails |= both & ~(both + tails);
    symbols &= ~tails;
    lineEnds &= ~tails;
  }

  // A single symbol belongs to the word after it, unless a space belongs to the symbol.
  const firstSymbols = symbols & ~(symbols << 1);
  const loneSymbols = firstSymbols & ~((symbols | tails) >> 1);
  const joined = ((loneSymbols & ~(spaces << 1)) | white) & (letters >> 1);
  let runs = firstSymbols & ~loneSymbols;

  const firstDigits = digits & ~(digits << 1);
  const whiteEnds = white & ~((white | lineEnds) >> 1);
  const unjoined = whiteEnds & ((digits >> 1) | ((white ^ spaces) & (symbols >> 1)) | last);
  let ones =
    popcnt((loneSymbols & ~joined) | firstDigits | (whiteEnds & (white << 1) & ~last) | (lineEnds & ~(lineEnds << 1))) +
    popcnt(unjoined);
  // White space between line ends is in the same piece as both.
  const indents = white & (lineEnds << 1);
  if (indents) ones -= popcnt((white + indents) & ~white & lineEnds);
  const fourth = digits & (digits << 1) & (digits << 2) & (digits << 3);
  for (let next = (firstDigits << 3) & fourth; next; next = (next << 3) & fourth) ones += popcnt(next);
  let cost = ones * weightOf(Weight.One);

  while (runs) {
    let from = <u32>ctz(runs);
    runs &= runs - 1;
    let to = from + <u32>ctz(~(symbols >> from));
    to += <u32>ctz(~(tails >> to));
    from -= (<u32>((spaces << 1) >> from)) & 1;
    cost += symbolsCost(at + from, to - from);
  }

  let words = letters & (~(letters << 1) | (capitals & ~(capitals << 1)));
  const stops = ~letters | words;
  const afterJoined = joined << 1;
  while (words) {
    const from = <u32>ctz(words);
    words &= words - 1;
    const count = <u32>ctz((stops >> from) >> 1) + 1;
    const word = at + from;
    const before = load<u8>(word - 1);
    const isJoined = (<u32>(afterJoined >> from)) & 1;
    const kept = v128.load(KEEP + 16 - min(count, MAX_WORD_LETTERS));
    const small = v128.and(v128.or(v128.load(word), i8x16.splat(0x20)), kept);
    const isKnown =
      i32(isToken(packKey(i64x2.extract_lane(small, 0), i64x2.extract_lane(small, 1)))) &
      i32(count <= MAX_WORD_LETTERS);
    const span = ((<u64>1) << count) - 1;
    const capitalsOf = (capitals >> from) & span;
    let form: usize = select<usize>(Form.Capitalized, Form.Mixed, capitalsOf == 1);
    form = select<usize>(Form.Capitals, form, capitalsOf == span);
    form = select<usize>(Form.Small, form, capitalsOf == 0);
    let own = wordCost(wordWeights(before, isJoined, form), <bool>isKnown, count);
    if (
      before == APOSTROPHE &&
      count <= MAX_CONTRACTION_LETTERS &&
      from > 1 &&
      ((joined & (letters << 1)) >> (from - 1)) & 1
    ) {
      own = weightOf(Weight.Contraction);
    }
    cost += own;
  }
  windowCost = cost;
  return size;
}

/** A bit for each of 64 bytes that is in the range at this address: see {@link SMALL}. */
@inline
function between(a: v128, b: v128, c: v128, d: v128, range: usize): u64 {
  const first = v128.load_splat<u8>(range);
  const count = v128.load_splat<u8>(range, 1);
  return highBits(
    isBetween(a, first, count),
    isBetween(b, first, count),
    isBetween(c, first, count),
    isBetween(d, first, count),
  );
}

@inline
function isBetween(bytes: v128, first: v128, count: v128): v128 {
  // The bytes in the range become the lowest signed numbers.
  return i8x16.lt_s(i8x16.sub(bytes, first), count);
}
