import { isToken, packKey } from "./vocabulary";
import { Weight, weightOf } from "./weights";

/** No token of the vocabulary has more ASCII symbols, with the space before and the line ends behind them. */
export const LONGEST_SYMBOLS: u32 = 8;
/** Where a piece is several tokens, they are looked for among its first symbols: of a longer search the vocabulary would
 *  take too much for a token. */
const LONGEST_PART: u32 = 4;
const SPACE: u8 = 0x20;

/** What a piece of several ASCII symbols costs, with the space before and the line ends behind them. Eight bytes behind it
 *  must be readable. */
@inline
export function symbolsCost(at: usize, length: u32): u32 {
  if (length <= LONGEST_SYMBOLS && isToken(packKey(symbols(at, length), 0))) return weightOf(Weight.One);
  return unknownSymbolsCost(at, length);
}

/** What symbols cost that are not one token: those of the longest tokens that they begin with. */
function unknownSymbolsCost(from: usize, length: u32): u32 {
  let cost = weightOf(Weight.One);
  let at = from;
  const end = from + length;
  let size = tokenSize(at, length, load<u8>(at) == SPACE ? 2 : 1);
  while ((at += size) < end) {
    const left = <u32>(end - at);
    if (size == LONGEST_PART && left >= size && load<u32>(at) == load<u32>(at - size)) {
      cost += weightOf(Weight.RepeatedSymbols);
    } else {
      size = tokenSize(at, left, 1);
      cost += weightOf(Weight.NextSymbol);
    }
  }
  return cost;
}

/** How many of these symbols are the longest token; `least` where none is. */
function tokenSize(at: usize, length: u32, least: u32): u32 {
  let size = min(length, LONGEST_PART);
  while (size > least && !isToken(packKey(symbols(at, size), 0))) size--;
  return size;
}

/** Up to eight symbols, zeros behind them. */
@inline
function symbols(at: usize, length: u32): u64 {
  return load<u64>(at) & ((<u64>-1) >> (64 - 8 * length));
}
