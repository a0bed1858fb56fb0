import { SLOTS, SLOT_COUNT } from "./vocabulary_data";

/** ASCII bytes of a text that {@link packKey} takes. */
export const PACKED: u32 = 16;
/** The key of no characters. */
export const EMPTY_KEY: u64 = 0xcbf29ce484222325;

/** The key of an ASCII text of up to {@link PACKED} bytes, zeros behind it: its first eight bytes and the others. */
@inline
export function packKey(first: u64, rest: u64): u64 {
  return first ^ (rest * 0x9e3779b97f4a7c15);
}

/** The key of a text that has other characters too: that of all characters but the last, and the last one. */
@inline
export function extendKey(key: u64, point: u32): u64 {
  return (key ^ point) * 0x100000001b3;
}

/** Whether the vocabulary has a token of this key. The table is a Bloom filter in which all bits of a key are in one slot
 *  of 64 bits (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007): of texts that are no
 *  token, some 6 % are taken for one. */
@inline
export function isToken(key: u64): bool {
  const bits = spread(key);
  const wanted = slotBits(bits);
  return (load<u64>(SLOTS + slotOffset(bits)) & wanted) == wanted;
}

/** Spreads a key over 64 bits, of which the upper ones depend on all of the key's. */
@inline
export function spread(key: u64): u64 {
  const bits = key * 0x9fb21c651e98df25;
  return (bits ^ (bits >> 32)) * 0xd6e8feb86659fd93;
}

/** The bits that a key sets in its slot. */
@inline
export function slotBits(bits: u64): u64 {
  return ((<u64>1) << (bits >> 47)) | ((<u64>1) << (bits >> 41)) | ((<u64>1) << (bits >> 35));
}

/** Where the slot of a key is, in bytes from the first one. */
@inline
export function slotOffset(bits: u64): usize {
  return ((<usize>(bits >> 53)) & (SLOT_COUNT - 1)) << 3;
}
