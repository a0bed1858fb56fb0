import { FILTER_WORDS, FILTER_WORD_COUNT } from "./vocabulary_data";

/** The maximum number of ASCII bytes in a key of {@link packKey}. */
export const PACKED: u32 = 16;
/** The key of the empty text. */
export const EMPTY_KEY: u64 = 0xcbf29ce484222325;

/** The key of an ASCII text of up to {@link PACKED} bytes: `first` has its first eight bytes, `rest` the others, both filled
 *  up with zeros. */
@inline
export function packKey(first: u64, rest: u64): u64 {
  return first ^ (rest * 0x9e3779b97f4a7c15);
}

/** The key of a text that is not only ASCII: `key` is the key of all its characters except the last, `point` the last one. */
@inline
export function extendKey(key: u64, point: u32): u64 {
  return (key ^ point) * 0x100000001b3;
}

/** Whether the vocabulary has a token with this key. The table is a Bloom filter in which all bits of a key are in one word
 *  of 64 bits (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). About 6 % of other texts
 *  are reported as tokens. */
@inline
export function isToken(key: u64): bool {
  const bits = spread(key);
  const wanted = filterBits(bits);
  return (load<u64>(FILTER_WORDS + filterOffset(bits)) & wanted) == wanted;
}

/** Hashes a key to 64 bits. The upper bits depend on all bits of the key. */
@inline
export function spread(key: u64): u64 {
  const bits = key * 0x9fb21c651e98df25;
  return (bits ^ (bits >> 32)) * 0xd6e8feb86659fd93;
}

/** The bits that a key sets in its word of the filter. `bits` is the result of {@link spread}. */
@inline
export function filterBits(bits: u64): u64 {
  return ((<u64>1) << (bits >> 47)) | ((<u64>1) << (bits >> 41)) | ((<u64>1) << (bits >> 35));
}

/** The offset in bytes of a key's word in the filter. `bits` is the result of {@link spread}. */
@inline
export function filterOffset(bits: u64): usize {
  return ((<usize>(bits >> 53)) & (FILTER_WORD_COUNT - 1)) << 3;
}
