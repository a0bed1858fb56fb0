import { Script } from "./character";
import { WEIGHTS } from "./weights_data";

/** What the parts of a text cost, in 1/1024 of a token; the words' weights follow from {@link FIRST_KNOWN} on. */
export enum Weight {
  /** What is always one token: a run of spaces, one of line ends, up to three digits, the first symbol of a run. */
  One,
  /** An apostrophe behind a word with one or two letters. */
  Contraction,
  /** A symbol that begins another token of its run. */
  NextSymbol,
  /** Symbols beyond ASCII that are no token, by their bytes. */
  SymbolOfTwo,
  SymbolOfThree,
  SymbolOfFour,
  /** One more symbol like several before it. */
  RepeatedSymbol,
  /** A space that is not part of the token behind it. */
  SpaceBeforeHan,
  SpaceBeforeKana,
  SpaceBeforeHangul,
  /** A token that begins with a character which is one itself. */
  Han,
  Kana,
  Hangul,
  /** A token that begins with a character which is none. */
  RareHan,
  RareKana,
  RareHangul,
}

/** How a word of ASCII letters is written. */
export enum Form {
  Small,
  Capitalized,
  Capitals,
  Mixed,
  /** It has other letters. */
  Foreign,
}

const SPACE: u32 = 0x20;

/** What stands before a known word and may be one token with it. */
enum Before {
  Space,
  Nothing,
  Underscore,
  Dot,
  Hyphen,
  Slash,
  Parenthesis,
  Quote,
  Other,
}

/** Of words in the vocabulary: a weight for each {@link Before} and {@link Form}. */
const FIRST_KNOWN: i32 = Weight.RareHangul + 1;
const FORMS: i32 = Form.Foreign + 1;
/** Of other words: four weights for each form, foreign ones by script: of a word without a space before it and of each of
 *  its letters, then of one with a space. */
const FIRST_UNKNOWN: i32 = FIRST_KNOWN + (Before.Other + 1) * FORMS;

/** How many weights there are. */
export const WEIGHT_COUNT: i32 = FIRST_UNKNOWN + 4 * (Form.Foreign + (Script.Han - Script.Latin));

@inline
export function weightOf(weight: i32): u32 {
  return load<u16>(WEIGHTS + ((<usize>weight) << 1));
}

/** The form of a word; foreign ones are told apart by their script. */
@inline
export function formOf(script: Script, capitals: u32, hasSmall: bool): i32 {
  if (script != Script.Basic) return Form.Foreign + (<i32>script - Script.Latin);
  if (capitals == 0) return Form.Small;
  if (!hasSmall) return Form.Capitals;
  return capitals == 1 ? Form.Capitalized : Form.Mixed;
}

/** What a word costs that the vocabulary has, with the character before it; 0 for none. */
@inline
export function knownWordCost(form: i32, before: u32): u32 {
  return weightOf(FIRST_KNOWN + placeOf(before) * FORMS + min<i32>(form, Form.Foreign));
}

/** What a word costs that the vocabulary does not have, with the space before it. */
@inline
export function unknownWordCost(form: i32, afterSpace: bool, letters: u32): u64 {
  const first = FIRST_UNKNOWN + 4 * form + (afterSpace ? 2 : 0);
  return weightOf(first) + <u64>weightOf(first + 1) * letters;
}

function placeOf(before: u32): Before {
  switch (before) {
    case SPACE:
      return Before.Space;
    case 0:
      return Before.Nothing;
    case 0x5f: // _
      return Before.Underscore;
    case 0x2e: // .
      return Before.Dot;
    case 0x2d: // -
      return Before.Hyphen;
    case 0x2f: // /
      return Before.Slash;
    case 0x28: // (
      return Before.Parenthesis;
    case 0x22: // "
    case 0x27: // '
    case 0x60: // `
      return Before.Quote;
    default:
      return Before.Other;
  }
}
