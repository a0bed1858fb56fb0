import { Script } from "./character";
import { WEIGHTS } from "./weights_data";

/** What the parts of a text cost, in 1/1024 of a token; the words' weights follow from {@link FIRST_WORD} on. */
export enum Weight {
  /** What is always one token: a run of spaces, one of line ends, up to three digits, a symbol alone. */
  One,
  /** An apostrophe behind a word with one or two letters. */
  Contraction,
  /** Another token in a run of symbols that the vocabulary does not have. */
  NextSymbol,
  /** Four more symbols like the four before them. */
  RepeatedSymbols,
  /** Symbols beyond ASCII that are no token, by their bytes. */
  SymbolOfTwo,
  SymbolOfThree,
  SymbolOfFour,
  /** One more symbol like several before it, where some of the run are beyond ASCII. */
  RepeatedSymbol,
  /** A space that is not part of the token behind it. */
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

/** How a word of ASCII letters is written, as bytes from the weights of the first form. */
export enum Form {
  Small = 0,
  Capitalized = 6,
  Capitals = 12,
  Mixed = 18,
}
const FORMS: u32 = 4;

/** What comes before a word and may be one token with it. */
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
  /** Other symbols that tokens often begin with. */
  Joining,
  Other,
}
const BEFORES: u32 = Before.Other + 1;

const SPACE: u32 = 0x20;
/** What comes before a word with other letters: nothing, a space, anything else. */
export const FOREIGN_BEFORES: u32 = 3;

/** Of each way to write a word three weights: of a word in the vocabulary; of any other, and of each of its letters. */
export const WORD_WEIGHTS: u32 = 3;
const WORD_BYTES: u32 = WORD_WEIGHTS << 1;
/** Words of ASCII letters by {@link Before} and {@link Form}, then others by script and what comes before. */
export const FIRST_WORD: u32 = Weight.RareHangul + 1;
export const FIRST_FOREIGN: u32 = FIRST_WORD + BEFORES * FORMS * WORD_WEIGHTS;
/** How many weights there are. Where this grows, weights_data.ts needs as many numbers before `npm run tune:tokens`. */
export const WEIGHT_COUNT: u32 = FIRST_FOREIGN + (Script.Han - Script.Latin) * FOREIGN_BEFORES * WORD_WEIGHTS;

/** Bytes from the weights of one {@link Before} to those of the next. */
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
/** Of each ASCII character before a word, where the weights of its {@link Before} begin. */
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

/** The weights of words of ASCII letters behind an ASCII character that belongs to them (1) or does not (0). */
@inline
export function wordWeights(before: u32, isJoined: u32, form: usize): u64 {
  const offset = load<u8>(BEFORE_OFFSETS + (before & 0x7f)) & (0 - isJoined);
  return load<u64>(WEIGHTS + FIRST_WORD * 2 + <usize>offset + form);
}

/** The weights of words with other letters of a script, behind an ASCII character that belongs to them or anything else. */
export function foreignWordWeights(script: Script, before: u32): u64 {
  const row = (<i32>script - Script.Latin) * FOREIGN_BEFORES + (before >= 0x80 ? 0 : before == SPACE ? 1 : 2);
  return load<u64>(WEIGHTS + FIRST_FOREIGN * 2 + <usize>row * WORD_BYTES);
}

/** What a word of `letters` letters costs by its weights. */
@inline
export function wordCost(weights: u64, isKnown: bool, letters: u32): u64 {
  const unknown = ((weights >> 16) & 0xffff) + ((weights >> 32) & 0xffff) * letters;
  return select<u64>(weights & 0xffff, unknown, isKnown);
}
