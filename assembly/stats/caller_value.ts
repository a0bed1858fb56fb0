import { Bytes } from "../memory/bytes";
import { labelValue, writeEscape } from "./label_value";

const PERCENT: u8 = 0x25;
const ESCAPE_SIZE: i32 = 3;
const SCHEME_END = Bytes.of("://");

/**
 * The name of a caller as a label value: like {@link labelValue}, but never with three symbols in a row, except for the
 * `://` after a scheme. In a mesh that replaces symbols by `_`, three of them end a label or a value. Callers choose
 * their clients' names, and must not be able to forge labels. In a longer run, every second symbol is percent-encoded:
 * `a---b` becomes `a-%2D-b`.
 */
export function callerValue(at: usize, length: i32): Bytes {
  const value = labelValue(at, length);
  const size = rewrite(value, 0);
  if (size == value.length) return value;
  const safe = Bytes.ofSize(size);
  rewrite(value, safe.at);
  return safe;
}

/** Writes the value to `to`, unless that is 0. Returns the size of the output in bytes. */
function rewrite(value: Bytes, to: usize): i32 {
  const schemeSize = schemeSizeOf(value);
  if (to) memory.copy(to, value.at, schemeSize);
  let size = schemeSize;
  let isSecond = schemeSize > 0;
  for (let i = schemeSize; i < value.length; i++) {
    const byte = load<u8>(value.at + i);
    const isSymbolHere = isSymbol(byte);
    if (isSymbolHere && isSecond && byte != PERCENT && i + 1 < value.length && isSymbol(load<u8>(value.at + i + 1))) {
      if (to) writeEscape(to + size, byte);
      size += ESCAPE_SIZE;
      isSecond = false;
    } else {
      if (to) store<u8>(to + size, byte);
      size++;
      isSecond = isSymbolHere && !isSecond;
    }
  }
  return size;
}

/** Size in bytes of a scheme with its `://`; 0 if the value does not begin with one. */
function schemeSizeOf(value: Bytes): i32 {
  let size = 0;
  while (size < value.length && !isSymbol(load<u8>(value.at + size))) size++;
  const end = size + SCHEME_END.length;
  return size > 0 && end <= value.length && SCHEME_END.equals(value.at + size, SCHEME_END.length) ? end : 0;
}

function isSymbol(byte: u8): bool {
  return <u8>((byte | 0x20) - 0x61) >= 26 && <u8>(byte - 0x30) >= 10;
}
