import { mix } from "../memory/bytes";
import { SLOTS, SLOT_COUNT } from "./vocabulary_data";

/** The hash of no characters. */
export const EMPTY_HASH: u64 = 0xcbf29ce484222325;

/** The hash of a text and what stands behind it: a character, or several in one number (FNV-1a over these). */
@inline
export function extendHash(hash: u64, next: u64): u64 {
  return (hash ^ next) * 0x100000001b3;
}

/** Whether the vocabulary has a token of this hash. The table is an xor filter of 4 bits (Graf and Lemire, "Xor Filters",
 *  2019): of texts that are no token, one in sixteen is taken for one. */
export function isToken(hash: u64): bool {
  const bits = mix(hash);
  const third: u64 = SLOT_COUNT / 3;
  const first = ((bits & 0xfffff) * third) >> 20;
  const second = (((bits >> 20) & 0xfffff) * third) >> 20;
  const last = (((bits >> 40) & 0xfffff) * third) >> 20;
  const found = slot(first) ^ slot(third + second) ^ slot(2 * third + last);
  return (found & 15) == <u32>(bits >> 60);
}

@inline
function slot(index: u64): u32 {
  return (<u32>load<u8>(SLOTS + <usize>(index >> 1))) >> (((<u32>index) & 1) << 2);
}
