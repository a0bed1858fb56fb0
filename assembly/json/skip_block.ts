import { equalBytes, highBits, prefixXor } from "../memory/byte_masks";
import { BACKSLASH, NULL, TRUE } from "./characters";
import { Expect } from "./expect";
import { Nesting, WORD_DEPTH } from "./nesting";
import { endOfString, escapedBytes, wrongEscape } from "./string_end";

/** The number of bytes that must be readable from a block's first byte: 64, and 8 because a literal that begins in the block
 *  is loaded whole. */
export const BLOCK_READ: usize = 72;

/** If a block's last structural byte is before this offset and a string follows, the string is skipped at once. */
const LONG_STRING_FROM: u32 = 48;

/** The bytes of `false`, little-endian. */
const FALSE: u64 = 0x65736c6166;
const FALSE_BYTES: u64 = 0xffffffffff;

/**
 * Codes of the bytes that have a meaning outside strings, in the upper four bits; 0 for all others:
 *
 * | bits | byte       | bits | byte                        |
 * | ---- | ---------- | ---- | --------------------------- |
 * | 1000 | `,`        | 0100 | `1` to `9`                  |
 * | 1001 | `:`        | 0101 | `0`                         |
 * | 1010 | `[` or `{` | 0110 | `-`                         |
 * | 1011 | `]` or `}` | 0111 | `.`                         |
 * |      |            | 0010 | a backslash or vertical bar |
 *
 * The first table has the codes of `,` to `;`, the second those of `p` to DEL. Brackets and braces share codes.
 */
const SYMBOLS = memory.data<u8>([
  0x80, 0x60, 0x70, 0, 0x50, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x90, 0,
]);
const BRACKETS = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa0, 0x20, 0xb0, 0, 0]);
/** Vectors that repeat one byte. They are loaded from memory because V8 creates constant vectors again for each block. */
const VECTORS = memory.data<u64>([
  0x2c2c2c2c2c2c2c2c, 0x2c2c2c2c2c2c2c2c, 0x7070707070707070, 0x7070707070707070, 0x2020202020202020,
  0x2020202020202020, 0x1f1f1f1f1f1f1f1f, 0x1f1f1f1f1f1f1f1f, 0x2222222222222222, 0x2222222222222222,
]);

/** What JSON's grammar allows where {@link skipBlocks} stopped, if that is not where it began. */
export let expectedBehind: Expect = Expect.Value;

/**
 * Skips the contents of containers 64 bytes at a time. Each class of bytes has a mask with one bit per byte, and the grammar
 * (RFC 8259) is checked by arithmetic on these masks. A block is read up to its last comma, colon or bracket; the next block
 * begins after it. Returns the address where it stopped: before a block with an error, a number with an exponent, the end of
 * the outermost skipped container, which is at `outerDepth`, or more than {@link WORD_DEPTH} open containers.
 */
export function skipBlocks(nesting: Nesting, outerDepth: u32, expect: Expect, at: usize, end: usize): usize {
  let depth = <u64>nesting.depth;
  if (depth > WORD_DEPTH) return at;
  // The open containers, the innermost in the highest bit: 1 for an object.
  let kinds = nesting.word << (WORD_DEPTH - depth);
  const lowest = <u64>outerDepth;
  // What the grammar allows at the block's first byte. Each is bit 0 of a mask.
  let colonNext = u64(expect == Expect.Colon);
  let keyNext = u64(expect == Expect.Key || expect == Expect.KeyOrEnd);
  let startNext = u64(expect <= Expect.Key);
  let moreNext = u64(expect == Expect.Key || expect == Expect.Value);
  let isSpaced = false;
  const symbolCodes = v128.load(SYMBOLS);
  const bracketCodes = v128.load(BRACKETS);
  const comma = v128.load(VECTORS);
  const letterP = v128.load(VECTORS, 16);
  const space = v128.load(VECTORS, 32);
  const lastControl = v128.load(VECTORS, 48);
  const quote = v128.load(VECTORS, 64);

  while (at + BLOCK_READ <= end) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let quotes = highBits(i8x16.eq(a, quote), i8x16.eq(b, quote), i8x16.eq(c, quote), i8x16.eq(d, quote));
    let codesA = codesOf(a, symbolCodes, comma, bracketCodes, letterP, space);
    let codesB = codesOf(b, symbolCodes, comma, bracketCodes, letterP, space);
    let codesC = codesOf(c, symbolCodes, comma, bracketCodes, letterP, space);
    let codesD = codesOf(d, symbolCodes, comma, bracketCodes, letterP, space);
    const bit7 = highBits(codesA, codesB, codesC, codesD);
    codesA = i8x16.add(codesA, codesA);
    codesB = i8x16.add(codesB, codesB);
    codesC = i8x16.add(codesC, codesC);
    codesD = i8x16.add(codesD, codesD);
    const bit6 = highBits(codesA, codesB, codesC, codesD);
    codesA = i8x16.add(codesA, codesA);
    codesB = i8x16.add(codesB, codesB);
    codesC = i8x16.add(codesC, codesC);
    codesD = i8x16.add(codesD, codesD);
    const bit5 = highBits(codesA, codesB, codesC, codesD);
    codesA = i8x16.add(codesA, codesA);
    codesB = i8x16.add(codesB, codesB);
    codesC = i8x16.add(codesC, codesC);
    codesD = i8x16.add(codesD, codesD);
    const bit4 = highBits(codesA, codesB, codesC, codesD);

    let escaped: u64 = 0;
    if (bit5 & ~(bit7 | bit6)) {
      escaped = escapedBytes(equalBytes(a, b, c, d, BACKSLASH));
      quotes &= ~escaped;
    }
    // Set from the opening quote of each string to the byte before its closing quote.
    const inside = prefixXor(quotes);
    const structure = bit7 & ~inside;
    let isLong = !structure;
    if (structure) {
      const last = <u32>(63 - clz(structure));
      const region = (<u64>-1) >> (63 - last);
      const outside = region & ~inside;
      let spaces: u64 = 0;
      let wrong: u64 = 0;
      const low = i8x16.min_u(i8x16.min_u(a, b), i8x16.min_u(c, d));
      if (isSpaced || v128.any_true(controlsOf(low, lastControl))) {
        spaces = equalBytes(a, b, c, d, 0x20) | equalBytes(a, b, c, d, 0x09);
        spaces |= equalBytes(a, b, c, d, 0x0a) | equalBytes(a, b, c, d, 0x0d);
        const controls = highBits(
          controlsOf(a, lastControl),
          controlsOf(b, lastControl),
          controlsOf(c, lastControl),
          controlsOf(d, lastControl),
        );
        wrong = controls & inside & region;
      }
      if (escaped & region) wrong |= wrongEscape(at, escaped & region, end);

      const numbers = bit6 & outside;
      const digits = numbers & ~bit5;
      const points = numbers & bit5 & bit4;
      const signs = numbers & bit5 & ~bit4;
      wrong |= signs & (numbers << 1);
      wrong |= ((signs | points) << 1) & ~digits;
      wrong |= points & ~(digits << 1);
      // The addition carries from the first digit of a fraction to the byte after its last digit.
      wrong |= points & ((points << 1) + digits);
      const zeros = digits & bit4;
      wrong |= zeros & (digits >> 1) & ~((digits | points) << 1);

      const words = outside & ~(bit7 | bit6 | spaces | quotes);
      wrong |= words & (numbers << 1);
      wrong |= numbers & (words << 1);
      let literals: u64 = 0;
      let left = words & ~(words << 1);
      // At least one iteration, because the CPU cannot predict whether there is a literal.
      let turns = max<u32>(1, <u32>popcnt(left));
      do {
        const from = ctz(left);
        const bytes = load<u64>(at + <usize>from);
        const isShort = i32(<u32>bytes == TRUE) | i32(<u32>bytes == NULL);
        const isFalse = (bytes & FALSE_BYTES) == FALSE;
        literals |= select<u64>(0b11111, select<u64>(0b1111, 0, isShort), isFalse) << from;
        left &= left - 1;
      } while (--turns);
      wrong |= words & ~literals;

      const opens = structure & bit5 & ~bit4;
      const closes = structure & bit5 & bit4;
      // The bytes in objects, and those that open one.
      let objects = <u64>((<i64>kinds) >> 63);
      let newKinds = kinds;
      let newDepth = depth;
      // The highest bit is set if a bracket does not match, the outermost container ends, or one too many is opened.
      let stop: u64 = 0;
      left = opens | closes;
      // At least two iterations: most blocks contain the end of a container and the start of the next one.
      turns = max<u32>(2, <u32>popcnt(left));
      do {
        const bit = left & -left;
        // Brackets differ from braces by bit 5.
        const kind = (<u64>(load<u8>(at + <usize>ctz(left)) >> 5)) << 63;
        const isOpen = u64((bit & opens) != 0);
        const isClose = u64((bit & closes) != 0);
        newDepth += isOpen - isClose;
        stop |= (newDepth - lowest) | (WORD_DEPTH - newDepth) | ((newKinds ^ kind) & -isClose);
        newKinds = select(newKinds << 1, select((newKinds >> 1) | kind, newKinds, isOpen), isClose);
        objects = (objects & (bit - 1)) | ((<u64>((<i64>newKinds) >> 63)) & -bit);
        left ^= bit;
      } while (--turns);
      if (stop >> 63) break;

      const commas = structure & ~bit5 & ~bit4;
      const colons = structure & ~bit5 & bit4;
      const beforeKey = (commas | opens) & objects;
      const beforeStart = commas | opens | colons;
      const beforeMore = commas | colons;
      const afterKey = firstBehind(beforeKey, keyNext, spaces);
      const afterStart = firstBehind(beforeStart, startNext, spaces);
      const strings = quotes & inside & region;
      const scalars = numbers | words;
      const others = opens | (scalars & ~(scalars << 1));
      wrong |= (strings | others) & ~afterStart;
      wrong |= others & afterKey;
      wrong |= commas & afterStart;
      wrong |= closes & firstBehind(beforeMore, moreNext, spaces);
      // The addition carries from the opening quote of a key to its closing quote.
      const keyEnds = ((strings & afterKey) + inside) & ~inside;
      wrong |= (colons ^ firstBehind(keyEnds, colonNext, spaces)) & region;
      if (wrong) {
        // Most documents have either no white space or much of it. A block that fails is read again with white space.
        if (isSpaced || load<u8>(at + <usize>ctz(wrong)) > 0x20) break;
        isSpaced = true;
        continue;
      }
      kinds = newKinds;
      depth = newDepth;
      colonNext = 0;
      keyNext = beforeKey >> last;
      startNext = beforeStart >> last;
      moreNext = beforeMore >> last;
      at += <usize>last + 1;
      isLong = last < LONG_STRING_FROM && <i64>inside < 0;
    }
    if (isLong) {
      const behind = startNext ? endOfString(at, end) : 0;
      if (!behind) break;
      at = behind;
      colonNext = keyNext;
      keyNext = 0;
      startNext = 0;
      moreNext = 0;
    }
  }

  nesting.setWord(kinds >> (WORD_DEPTH - depth), <u32>depth);
  if (colonNext) expectedBehind = Expect.Colon;
  else if (!startNext) expectedBehind = Expect.CommaOrEnd;
  else if (moreNext) expectedBehind = keyNext ? Expect.Key : Expect.Value;
  else expectedBehind = keyNext ? Expect.KeyOrEnd : Expect.ValueOrEnd;
  return at;
}

/** The codes of 16 bytes: see {@link SYMBOLS}. */
@inline
function codesOf(bytes: v128, symbols: v128, comma: v128, brackets: v128, letterP: v128, space: v128): v128 {
  return v128.or(
    i8x16.swizzle(symbols, i8x16.sub(bytes, comma)),
    i8x16.swizzle(brackets, i8x16.sub(v128.or(bytes, space), letterP)),
  );
}

/** 0xff for each of 16 bytes that is a control character, 0 for others. */
@inline
function controlsOf(bytes: v128, lastControl: v128): v128 {
  return i8x16.eq(i8x16.min_u(bytes, lastControl), bytes);
}

/** The first byte after each of `marks` that is not white space. `first` is bit 0 of the result before white space is skipped. */
@inline
function firstBehind(marks: u64, first: u64, spaces: u64): u64 {
  return (((marks << 1) | first) + spaces) & ~spaces;
}
