/** Header fields of several lines that a recipient has joined to one, with commas between (RFC 9110, section 5.3). */

const COMMA: u8 = 0x2c;
/** Values with more commas that differ are not looked at further. */
const COMMAS_LIMIT: i32 = 16;

/** The bytes of one line of a field whose lines all have the same value: of `a, a` those of `a`, of `a,b, a,b` those of `a,b`.
 *  `length` where the value is no such list. */
export function lineLength(at: usize, length: i32): i32 {
  let commas = 0;
  for (let i = 0; i < length && commas < COMMAS_LIMIT; i++) {
    if (load<u8>(at + i) != COMMA) continue;
    commas++;
    const size = skipBlanksBack(at, i);
    if (size > 0 && isRepeated(at, size, i, length)) return size;
  }
  return length;
}

/** The offset of the comma behind the list's member at `from`; `length` where that is the last one. */
export function memberEnd(at: usize, from: i32, length: i32): i32 {
  while (from < length && load<u8>(at + from) != COMMA) from++;
  return from;
}

/** The offset of the first byte from `from` on that is no blank. */
export function skipBlanks(at: usize, from: i32, length: i32): i32 {
  while (from < length && isBlank(load<u8>(at + from))) from++;
  return from;
}

/** The offset behind the last byte before `end` that is no blank. */
export function skipBlanksBack(at: usize, end: i32): i32 {
  while (end > 0 && isBlank(load<u8>(at + end - 1))) end--;
  return end;
}

/** Whether from the comma at offset `comma` on the first `size` bytes come again and again. */
function isRepeated(at: usize, size: i32, comma: i32, length: i32): bool {
  while (comma < length) {
    const line = skipBlanks(at, comma + 1, length);
    if (line + size > length || memory.compare(at + line, at, size) != 0) return false;
    comma = skipBlanks(at, line + size, length);
    if (comma < length && load<u8>(at + comma) != COMMA) return false;
  }
  return true;
}

function isBlank(byte: u8): bool {
  return byte == 0x20 || byte == 0x09;
}
