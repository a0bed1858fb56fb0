/** Bits of the index of a label value (a server, caller, tool or prompt) in shared data and in packed keys. */
export const LABEL_INDEX_BITS: u64 = 11;

/** Whether a number read from shared data can be the index of a label value. */
@inline
export function isLabelIndex(number: u64): bool {
  return number < 1 << LABEL_INDEX_BITS;
}
