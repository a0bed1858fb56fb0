import { Category, Script, asciiCategory, categoryOf, scriptFound, smallOf } from "../../assembly/tokens/character";
import { Estimator } from "../../assembly/tokens/estimator";
import { MAX_FOREIGN_LETTERS } from "../../assembly/tokens/pieces";
import { MAX_SYMBOLS } from "../../assembly/tokens/symbols";
import {
  EMPTY_KEY,
  PACKED,
  extendKey,
  isToken,
  packKey,
  filterBits,
  filterOffset,
  spread,
} from "../../assembly/tokens/vocabulary";
import { FILTER_WORDS, FILTER_WORD_COUNT } from "../../assembly/tokens/vocabulary_data";
import { FIRST_FOREIGN, FIRST_WORD, FOREIGN_BEFORES, WEIGHT_COUNT, WORD_WEIGHTS } from "../../assembly/tokens/weights";
import { WEIGHTS } from "../../assembly/tokens/weights_data";
import { MAX_WORD_LETTERS } from "../../assembly/tokens/window";

export { Category, Script };

const estimator = Estimator.create();

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

/** The estimated cost of a text, in 1/1024 of a token. */
export function estimate(at: usize, length: usize): u64 {
  estimator.feed(at, length);
  return estimator.finish();
}

export const weightsAt: usize = WEIGHTS;
export const weightCount: u32 = WEIGHT_COUNT;

/** Whether a weight is added once for each letter of a word: the last of a word's three weights. */
export function isPerLetter(weight: u32): bool {
  return weight >= FIRST_WORD && (weight - FIRST_WORD) % WORD_WEIGHTS == 2;
}

/** The script beyond ASCII whose words have this weight; {@link Script.Basic} for any other weight. */
export function scriptOf(weight: u32): Script {
  if (weight < FIRST_FOREIGN) return Script.Basic;
  return <Script>(Script.Latin + (weight - FIRST_FOREIGN) / (FOREIGN_BEFORES * WORD_WEIGHTS));
}

/** The maximum lengths of the texts that the estimator looks up, in characters. */
export const maxWordLetters: u32 = MAX_WORD_LETTERS;
export const maxForeignLetters: u32 = MAX_FOREIGN_LETTERS;
export const maxSymbols: u32 = MAX_SYMBOLS;

export const filterWordsAt: usize = FILTER_WORDS;
export const filterWordCount: u32 = FILTER_WORD_COUNT;

/** The key of a text, given as `count` code points of 32 bits. */
export function keyOf(at: usize, count: u32): u64 {
  let key = EMPTY_KEY;
  let first: u64 = 0;
  let rest: u64 = 0;
  let isAscii = count <= PACKED;
  for (let i: u32 = 0; i < count; i++) {
    const point = load<u32>(at + (i << 2));
    key = extendKey(key, point);
    if (point >= 0x80) isAscii = false;
    if (i < 8) first |= (<u64>point) << (8 * i);
    else rest |= (<u64>point) << (8 * i - 64);
  }
  return isAscii ? packKey(first, rest) : key;
}

/** Adds a key to the filter. */
export function addKey(key: u64): void {
  const bits = spread(key);
  const word = FILTER_WORDS + filterOffset(bits);
  store<u64>(word, load<u64>(word) | filterBits(bits));
}

export function isInFilter(key: u64): bool {
  return isToken(key);
}

export function category(point: u32): Category {
  return point < 0x80 ? asciiCategory(<u8>point) : categoryOf(point);
}

export function script(point: u32): Script {
  if (point < 0x80) return Script.Basic;
  categoryOf(point);
  return scriptFound();
}

/** The small letter for a capital letter. Other characters are returned unchanged. */
export function small(point: u32): u32 {
  return category(point) == Category.Upper ? smallOf(point, script(point)) : point;
}
