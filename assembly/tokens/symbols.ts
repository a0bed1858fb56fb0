import { isToken, packKey } from "./vocabulary";
import { Weight, weightOf } from "./weights";

/** The maximum number of ASCII symbols in tokens of the vocabulary, including the space before and the line ends after them. */
export const MAX_SYMBOLS: u32 = 8;
/** The maximum number of symbols in one token of a piece of several tokens. With longer candidates, the Bloom filter would
 *  report too many that are not tokens. */
const MAX_PART_SYMBOLS: u32 = 4;
const SPACE: u8 = 0x20;

/** The cost of a piece of several ASCII symbols, including the space before and the line ends after them, in 1/1024 of a
 *  token. Eight bytes after the piece must be readable. */
@inline
export function symbolsCost(at: usize, length: u32): u32 {
  if (length <= MAX_SYMBOLS && isToken(packKey(symbols(at, length), 0))) return weightOf(Weight.One);
  return unknownSymbolsCost(at, length);
}

/** The cost of symbols that are not one token, in 1/1024 of a token. They are split into the longest tokens from the left. */
function unknownSymbolsCost(from: usize, length: u32): u32 {
  let cost = weightOf(Weight.One);
  let at = from;
  const end = from + length;
  let size = tokenSize(at, length, load<u8>(at) == SPACE ? 2 : 1);
  while ((at += size) < end) {
    const left = <u32>(end - at);
    if (size == MAX_PART_SYMBOLS && left >= size && load<u32>(at) == load<u32>(at - size)) {
      cost += weightOf(Weight.RepeatedSymbols);
    } else {
      size = tokenSize(at, left, 1);
      cost += weightOf(Weight.NextSymbol);
    }
  }
  return cost;
}

/** The length of the longest token at the start of these symbols; `least` if none is longer. */
function tokenSize(at: usize, length: u32, least: u32): u32 {
  let size = min(length, MAX_PART_SYMBOLS);
  while (size > least && !isToken(packKey(symbols(at, size), 0))) size--;
  return size;
}

/** The first `length` symbols, one to eight, as a number whose other bytes are zero. */
@inline
function symbols(at: usize, length: u32): u64 {
  return load<u64>(at) & ((<u64>-1) >> (64 - 8 * length));
}
