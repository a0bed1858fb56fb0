import { Bytes, lower } from "../memory/bytes";

/** The UTF-8 bytes of the two letters beyond ASCII that fold to ASCII letters: U+017F to `s`, U+212A to `k`. */
const LONG_S: u16 = 0xbfc5;
const KELVIN_0: u8 = 0xe2;
const KELVIN_1: u8 = 0x84;
const KELVIN_2: u8 = 0xaa;

/** Whether a name equals `name` except for the case of letters, as Go's encoding/json compares names: by Unicode's simple
 *  folding, which maps two letters beyond ASCII to ASCII letters. */
export function foldsTo(at: usize, length: i32, name: Bytes): bool {
  const own = name.at;
  const size = name.length;
  if (length < size) return false;
  let i = 0;
  for (let j = 0; j < size; j++) {
    if (i >= length) return false;
    const wanted = lower(load<u8>(own + j));
    const byte = load<u8>(at + i);
    if (lower(byte) == wanted) i++;
    else if (wanted == 0x73 && i + 2 <= length && load<u16>(at + i) == LONG_S) i += 2;
    else if (wanted == 0x6b && i + 3 <= length && isKelvin(at + i)) i += 3;
    else return false;
  }
  return i == length;
}

function isKelvin(at: usize): bool {
  return load<u8>(at) == KELVIN_0 && load<u8>(at, 1) == KELVIN_1 && load<u8>(at, 2) == KELVIN_2;
}
