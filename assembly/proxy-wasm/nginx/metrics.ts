import { HEX_SIZE, writeHex } from "../../memory/hex";
import { keyedHash } from "../../memory/keyed_hash";
import { HostMetrics } from "../metrics";

/**
 * The longest name of a metric in bytes. NGINX accepts 256 by default, which include `pw:`, the module's name in nginx.conf
 * (here up to 8 bytes) and a colon. A longer name would stop the module.
 */
const LIMIT: i32 = 244;
/** The number of bytes of a shortened label value that are kept, in front of `~` and a hash of the whole value. */
const KEPT: i32 = 8;
/** The number of hexadecimal digits of that hash, whose key all workers share. A value has a few hundred others to differ from,
 *  and nobody without the key can choose values with the same hash. */
const DIGITS: i32 = 8;
const SHORTENED: i32 = KEPT + 1 + DIGITS;
const HASH: usize = memory.data(16);
/** The size of the buffer for a name. */
const ROOM: i32 = 2048;
const NAME: usize = heap.alloc(ROOM + sizeof<u32>());

const EQUALS: u32 = 0x3d2e3d;
const BETWEEN: u32 = 0x3b2e3b;
/** The length of both separators. */
const SEPARATOR: i32 = 3;
const SERIES = "mcp_series=.=";

/** NGINX's metrics. Names that are too long for it get shorter label values, so that the series stay distinct. */
export class NginxMetrics extends HostMetrics {
  counter(name: usize, length: i32): u32 {
    return super.counter(NAME, fit(name, length));
  }

  gauge(name: usize, length: i32): u32 {
    return super.gauge(NAME, fit(name, length));
  }

  histogram(name: usize, length: i32): u32 {
    return super.histogram(NAME, fit(name, length));
  }
}

/** Writes the name to `NAME`, shortened if it is too long. Returns its length. */
function fit(name: usize, length: i32): i32 {
  memory.copy(NAME, name, min(length, ROOM));
  let size = min(length, ROOM);
  while (size > LIMIT) {
    const shorter = shorten(size);
    if (shorter == size) return replaceLabels(size);
    size = shorter;
  }
  return size;
}

/** Shortens the longest label value of the name in `NAME`. Returns the length of the name; unchanged if all values are short. */
function shorten(size: i32): i32 {
  let longest: i32 = SHORTENED;
  let from: i32 = 0;
  let start: i32 = 0;
  for (let i = 0; i + SEPARATOR <= size; i++) {
    const mark = load<u32>(NAME + i) & 0xffffff;
    if (mark == EQUALS) start = i + SEPARATOR;
    else if (mark == BETWEEN && start && i - start > longest) {
      longest = i - start;
      from = start;
    }
    if (mark == BETWEEN) start = 0;
  }
  if (!from) return size;
  const hash = keyedHash(NAME + from, longest);
  let kept = KEPT;
  // A character of UTF-8 is kept whole or not at all.
  while (kept && (load<u8>(NAME + from + kept) & 0xc0) == 0x80) kept--;
  const end = from + longest;
  const at = NAME + from + kept;
  store<u8>(at, 0x7e);
  writeHex(HASH, hash);
  memory.copy(at + 1, HASH, DIGITS);
  const next = at + 1 + DIGITS;
  memory.copy(next, NAME + end, size - end);
  return <i32>(next - NAME) + size - end;
}

/** Replaces all labels by one with their hash. Returns the length of the name. */
function replaceLabels(size: i32): i32 {
  let from = size;
  while (from > SEPARATOR && (load<u32>(NAME + from - SEPARATOR) & 0xffffff) != BETWEEN) from--;
  const hash = keyedHash(NAME, from);
  const last = min(size - from, LIMIT - SERIES.length - HEX_SIZE - SEPARATOR);
  memory.copy(NAME + SERIES.length + HEX_SIZE + SEPARATOR, NAME + from, last);
  String.UTF8.encodeUnsafe(changetype<usize>(SERIES), SERIES.length, NAME);
  writeHex(NAME + SERIES.length, hash);
  store<u16>(NAME + SERIES.length + HEX_SIZE, 0x2e3b);
  store<u8>(NAME + SERIES.length + HEX_SIZE + 2, 0x3b);
  return SERIES.length + HEX_SIZE + SEPARATOR + last;
}
