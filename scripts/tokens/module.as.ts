import { Category, Script, asciiCategory, categoryOf, scriptFound, smallOf } from "../../assembly/tokens/character";
import { Estimator } from "../../assembly/tokens/estimator";
import { EMPTY_HASH, extendHash, isToken } from "../../assembly/tokens/vocabulary";
import { SLOTS, SLOT_COUNT } from "../../assembly/tokens/vocabulary_data";
import { WEIGHT_COUNT, formOf } from "../../assembly/tokens/weights";
import { WEIGHTS } from "../../assembly/tokens/weights_data";
import { WordHash } from "../../assembly/tokens/word_hash";
import { mix } from "../../assembly/memory/bytes";

export { Category, Script };

const estimator = Estimator.create();

const word = changetype<WordHash>(heap.alloc(offsetof<WordHash>()));

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

/** What a text costs, in 1/1024 of a token. */
export function estimate(at: usize, length: usize): u64 {
  estimator.feed(at, length);
  return estimator.finish();
}

export const weightsAt: usize = WEIGHTS;
export const weightCount: i32 = WEIGHT_COUNT;

/** Words that are not in the vocabulary have pairs of weights, the second of them for each letter. */
export function isPerLetter(weight: i32): bool {
  const firstForeign = formOf(Script.Latin, 0, true);
  const firstPair = WEIGHT_COUNT - 4 * (firstForeign + Script.Han - Script.Latin);
  return weight >= firstPair && ((weight - firstPair) & 1) == 1;
}

export const slotsAt: usize = SLOTS;
export const slotCount: u32 = <u32>SLOT_COUNT;

/** The hash of a text, given as so many code points of 32 bits. */
export function hashOf(at: usize, count: u32): u64 {
  const first = load<u32>(at);
  if (category(first) <= Category.Letter && script(first) < Script.Han) return wordHashOf(at, count);
  let hash = EMPTY_HASH;
  for (let i: u32 = 0; i < count; i++) hash = extendHash(hash, load<u32>(at + (i << 2)));
  return hash;
}

function wordHashOf(at: usize, count: u32): u64 {
  word.clear();
  for (let i: u32 = 0; i < count; i++) word.extend(load<u32>(at + (i << 2)));
  return word.value;
}

export function mixed(hash: u64): u64 {
  return mix(hash);
}

export function isInFilter(hash: u64): bool {
  return isToken(hash);
}

export function category(point: u32): Category {
  return point < 0x80 ? asciiCategory(<u8>point) : categoryOf(point);
}

export function script(point: u32): Script {
  if (point < 0x80) return Script.Basic;
  categoryOf(point);
  return scriptFound();
}

/** The small letter of a letter. */
export function small(point: u32): u32 {
  return category(point) == Category.Upper ? smallOf(point, script(point)) : point;
}
