import { TEXT_LIMIT } from "../../json/string_decoder";
import { isPlainUri } from "./plain_uri";

const BRACE_OPEN: u8 = 0x7b;
const BRACE_CLOSE: u8 = 0x7d;
/** Sample values for expressions: a word, a number, a path, a whole URI. */
const FILLINGS: string[] = ["a", "1", "a/a", "a:a"];
/** Buffer for an expanded template. An expression has at least two bytes, and its value at most three. */
const FILLED: usize = heap.alloc(2 * <usize>TEXT_LIMIT);

/** Number of bytes of a URI template (RFC 6570) before its first expression, or of all bytes if it has none. */
export function fixedLength(at: usize, length: i32): i32 {
  let i = 0;
  while (i < length && load<u8>(at + i) != BRACE_OPEN) i++;
  return i;
}

/** Whether a template of at most 256 bytes, expanded with sample values, can give a URI that is {@link isPlainUri}. */
export function mayBePlainUri(at: usize, length: i32): bool {
  for (let i = 0; i < FILLINGS.length; i++) {
    if (isPlainUri(FILLED, fill(at, length, unchecked(FILLINGS[i])))) return true;
  }
  return false;
}

/** Writes the template to {@link FILLED}, with `text` in place of each expression. Returns the length in bytes. */
function fill(at: usize, length: i32, text: string): i32 {
  let size: i32 = 0;
  let i = 0;
  while (i < length) {
    const byte = load<u8>(at + i++);
    if (byte != BRACE_OPEN) {
      store<u8>(FILLED + size++, byte);
      continue;
    }
    while (i < length && load<u8>(at + i++) != BRACE_CLOSE) {}
    for (let j = 0; j < text.length; j++) store<u8>(FILLED + size++, <u8>text.charCodeAt(j));
  }
  return size;
}
