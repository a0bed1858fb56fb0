import { Script } from "./character";
import { WEIGHTS } from "./weights_data";

/** Indexes of the weights, which are costs in 1/1024 of a token. The weights of words begin at {@link FIRST_WORD}. */
export enum Weight {
  /** A piece that is always one token: a run of spaces, a run of line ends, up to three digits, or a single symbol. */
  One,
  /** An apostrophe and one or two letters after a word. */
  Contraction,
  /** A further token in a run of symbols that the vocabulary does not contain. */
  NextSymbol,
  /** Four symbols that repeat the four before them. */
  RepeatedSymbols,
  /** A symbol beyond ASCII that is not in the vocabulary, with two (three, four) bytes in UTF-8. */
  SymbolOfTwo,
  SymbolOfThree,
  SymbolOfFour,
  /** A symbol that repeats several before it, in a run with symbols beyond ASCII. */
  RepeatedSymbol,
  /** A space before a Han (Kana, Hangul) character that is not part of the same token. */
  SpaceBeforeHan,
  SpaceBeforeKana,
  SpaceBeforeHangul,
  /** A token whose first character is a token by itself. */
  Han,
  Kana,
  Hangul,
  /** A character that is not a token by itself. */
  RareHan,
  RareKana,
  RareHangul,
}

/** The form of a word of ASCII letters. Each value is the offset of its weights in bytes from those of the first form. */
export enum Form {
  Small = 0,
  Capitalized = 6,
  Capitals = 12,
  Mixed = 18,
}
const FORMS: u32 = 4;

/** The character before a word, which may be one token with it. */
enum Before {
  Nothing,
  Space,
  Tab,
  Underscore,
  Dot,
  Hyphen,
  Slash,
  Parenthesis,
  Quote,
  /** Another symbol with which tokens often begin. */
  Joining,
  Other,
}
const BEFORES: u32 = Before.Other + 1;

const SPACE: u32 = 0x20;
/** The number of cases before a word with letters beyond ASCII: nothing, a space, or another character. */
export const FOREIGN_BEFORES: u32 = 3;

/** The number of weights for each form of a word: the cost of a word in the vocabulary, and the fixed cost and the cost per
 *  letter of any other word. */
export const WORD_WEIGHTS: u32 = 3;
const WORD_BYTES: u32 = WORD_WEIGHTS << 1;
/** The index of the first weight of words of ASCII letters, ordered by {@link Before} and {@link Form}. */
export const FIRST_WORD: u32 = Weight.RareHangul + 1;
/** The index of the first weight of words with other letters, ordered by script and the character before. */
export const FIRST_FOREIGN: u32 = FIRST_WORD + BEFORES * FORMS * WORD_WEIGHTS;
/** The number of weights. If it grows, add numbers to weights_data.ts before running `npm run tune:tokens`. */
export const WEIGHT_COUNT: u32 = FIRST_FOREIGN + (Script.Han - Script.Latin) * FOREIGN_BEFORES * WORD_WEIGHTS;

/** The distance in bytes between the weights of two consecutive values of {@link Before}. */
const BEFORE_SIZE: u32 = FORMS * WORD_BYTES;
const SP: u8 = <u8>(Before.Space * BEFORE_SIZE);
const TB: u8 = <u8>(Before.Tab * BEFORE_SIZE);
const UN: u8 = <u8>(Before.Underscore * BEFORE_SIZE);
const DT: u8 = <u8>(Before.Dot * BEFORE_SIZE);
const HY: u8 = <u8>(Before.Hyphen * BEFORE_SIZE);
const SL: u8 = <u8>(Before.Slash * BEFORE_SIZE);
const PA: u8 = <u8>(Before.Parenthesis * BEFORE_SIZE);
const QU: u8 = <u8>(Before.Quote * BEFORE_SIZE);
const JO: u8 = <u8>(Before.Joining * BEFORE_SIZE);
const OT: u8 = <u8>(Before.Other * BEFORE_SIZE);
// prettier-ignore
/** For each ASCII character before a word, the offset in bytes of the weights of its {@link Before}. */
const BEFORE_OFFSETS: usize = memory.data<u8>([
  OT, OT, OT, OT, OT, OT, OT, OT, OT, TB, OT, OT, OT, OT, OT, OT,
  OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT,
  SP, OT, QU, JO, JO, OT, OT, QU, PA, OT, OT, OT, JO, HY, DT, SL,
  OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, JO, OT, JO, JO, OT, OT,
  OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT,
  OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, JO, JO, OT, OT, UN,
  QU, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT,
  OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT, OT,
]);

@inline
export function weightOf(weight: i32): u32 {
  return load<u16>(WEIGHTS + ((<usize>weight) << 1));
}

/** The three weights of a word of ASCII letters, 16 bits each, the first lowest. `isJoined` is 1 if the ASCII character
 *  `before` belongs to the word, otherwise 0. */
@inline
export function wordWeights(before: u32, isJoined: u32, form: usize): u64 {
  const offset = load<u8>(BEFORE_OFFSETS + (before & 0x7f)) & (0 - isJoined);
  return load<u64>(WEIGHTS + FIRST_WORD * 2 + <usize>offset + form);
}

/** The three weights of a word with letters of a script beyond ASCII, 16 bits each, the first lowest. `before` is the ASCII
 *  character that belongs to the word, or any value from 0x80 on if there is none. */
export function foreignWordWeights(script: Script, before: u32): u64 {
  const row = (<i32>script - Script.Latin) * FOREIGN_BEFORES + (before >= 0x80 ? 0 : before == SPACE ? 1 : 2);
  return load<u64>(WEIGHTS + FIRST_FOREIGN * 2 + <usize>row * WORD_BYTES);
}

/** The cost of a word of `letters` letters, in 1/1024 of a token. `isKnown` says whether the vocabulary contains it. */
@inline
export function wordCost(weights: u64, isKnown: bool, letters: u32): u64 {
  const unknown = ((weights >> 16) & 0xffff) + ((weights >> 32) & 0xffff) * letters;
  return select<u64>(weights & 0xffff, unknown, isKnown);
}
