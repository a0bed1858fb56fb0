/** Header fields with several lines that a recipient has combined into one, separated by commas (RFC 9110, section 5.3). */

const COMMA: u8 = 0x2c;
/** The number of commas after which the search for a repeated line stops. */
const COMMAS_LIMIT: i32 = 16;

/** The length of one line of a combined field whose lines are all equal: 1 for `a, a`, and 3 for `a,b, a,b`. Returns
 *  `length` if the value is not a repetition. */
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

/** The offset of the comma after the list member at `from`; `length` if that is the last member. */
export function memberEnd(at: usize, from: i32, length: i32): i32 {
  while (from < length && load<u8>(at + from) != COMMA) from++;
  return from;
}

/** The offset of the first byte from `from` on that is not a space or tab; `length` if there is none. */
export function skipBlanks(at: usize, from: i32, length: i32): i32 {
  while (from < length && isBlank(load<u8>(at + from))) from++;
  return from;
}

/** The offset after the last byte before `end` that is not a space or tab; 0 if there is none. */
export function skipBlanksBack(at: usize, end: i32): i32 {
  while (end > 0 && isBlank(load<u8>(at + end - 1))) end--;
  return end;
}

/** Whether the rest of the value, from the comma at offset `comma` on, only repeats the first `size` bytes. */
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
