const DOT: i32 = 0x2e;
const COLON: i32 = 0x3a;

/**
 * Whether the text is an IPv4 or IPv6 address (RFC 4291 section 2.2, without embedded IPv4), alone or as a block with a
 * prefix length (RFC 4632).
 */
export function isCidr(text: string): bool {
  return Cidr.parse(text) != null;
}

/** A block of IP addresses. */
export class Cidr {
  /** The address: 4 or 16 bytes. */
  readonly bytes: StaticArray<u8> = new StaticArray<u8>(16);
  /** Size of the address in bytes: 4 or 16. */
  size: i32 = 0;
  /** Length of the prefix in bits. */
  prefix: i32 = 0;

  /** Parses a block or a single address; null if the text is neither. */
  static parse(text: string): Cidr | null {
    const slash = text.indexOf("/");
    const address = slash < 0 ? text : text.slice(0, slash);
    const bytes = String.UTF8.encode(address);
    const block = new Cidr();
    block.size = parseAddress(changetype<usize>(bytes), bytes.byteLength, changetype<usize>(block.bytes));
    if (block.size == 0) return null;
    block.prefix = slash < 0 ? block.size * 8 : decimal(text.slice(slash + 1), block.size * 8);
    return block.prefix < 0 ? null : block;
  }

  /** Whether an address of `size` bytes is in the block. */
  holds(address: usize, size: i32): bool {
    if (size != this.size) return false;
    const whole = this.prefix >> 3;
    const own = changetype<usize>(this.bytes);
    if (memory.compare(own, address, whole) != 0) return false;
    const rest = this.prefix & 7;
    return rest == 0 || (load<u8>(own + whole) ^ load<u8>(address + whole)) >> (8 - rest) == 0;
  }
}

/**
 * Parses an address of `length` bytes at `at`. Writes its bytes to `to`, which has room for 16. Returns their number: 4
 * or 16, or 0 if the text is not an address. An IPv4 address within IPv6 (`::ffff:10.0.0.1`) gives the 4 bytes of IPv4.
 */
export function parseAddress(at: usize, length: i32, to: usize): i32 {
  let colons = 0;
  let dots = 0;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte == COLON) colons++;
    if (byte == DOT) dots++;
  }
  if (colons == 0) return parseV4(at, length, to) ? 4 : 0;
  if (dots == 0) return parseV6(at, length, to) ? 16 : 0;
  let last = length;
  while (load<u8>(at + last - 1) != COLON) last--;
  // Only the mapped form, which proxies write for IPv4 peers of a dual-stack socket.
  const isMapped = last == 7 && (load<u64>(at) & 0x00ffffffffffffff) == 0x003a666666663a3a;
  return isMapped && parseV4(at + last, length - last, to) ? 4 : 0;
}

function parseV4(at: usize, length: i32, to: usize): bool {
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= length; i++) {
    const byte = i < length ? <i32>load<u8>(at + i) : DOT;
    if (byte == DOT) {
      if (digits == 0 || part == 4) return false;
      store<u8>(to + part++, <u8>value);
      digits = 0;
      value = 0;
    } else {
      if (byte < 0x30 || byte > 0x39 || (digits > 0 && value == 0)) return false;
      value = value * 10 + (byte - 0x30);
      digits++;
      if (value > 255) return false;
    }
  }
  return part == 4;
}

function parseV6(at: usize, length: i32, to: usize): bool {
  memory.fill(to, 0, 16);
  let group = 0;
  /** The index of the group before which the zeros of `::` are inserted; -1 for none. */
  let gap = -1;
  for (let i = 0; i < length;) {
    if (isDoubleColon(at, i, length)) {
      if (gap >= 0) return false;
      gap = group;
      i += 2;
      continue;
    }
    let value = 0;
    const from = i;
    while (i < length && hexDigit(load<u8>(at + i)) >= 0) value = (value << 4) | hexDigit(load<u8>(at + i++));
    if (i == from || i > from + 4 || group == 8) return false;
    store<u8>(to + group * 2, <u8>(value >> 8));
    store<u8>(to + group * 2 + 1, <u8>value);
    group++;
    if (i == length || isDoubleColon(at, i, length)) continue;
    // A single colon separates two groups.
    if (load<u8>(at + i) != COLON || ++i == length) return false;
  }
  return gap < 0 ? group == 8 : group < 8 && spread(to, group, gap);
}

function isDoubleColon(at: usize, i: i32, length: i32): bool {
  return i + 1 < length && load<u8>(at + i) == COLON && load<u8>(at + i + 1) == COLON;
}

/** Moves the groups after `::` to the end. Always returns true. */
function spread(to: usize, groups: i32, gap: i32): bool {
  const behind = (groups - gap) * 2;
  memory.copy(to + 16 - behind, to + gap * 2, behind);
  memory.fill(to + gap * 2, 0, 16 - behind - gap * 2);
  return true;
}

function hexDigit(byte: i32): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = (byte | 0x20) - 0x61;
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

/** A decimal number up to `most`; -1 if the text is not one. */
function decimal(text: string, most: i32): i32 {
  if (text.length == 0 || text.length > 3) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    if (codeUnit < 0x30 || codeUnit > 0x39) return -1;
    value = value * 10 + (codeUnit - 0x30);
  }
  return value <= most ? value : -1;
}
