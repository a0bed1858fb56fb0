/** Functions that read and compare bytes outside managed memory. All of them are linear in the length. */

/** Whether the `length` bytes at `at` are the ASCII text `text`. */
export function equalsText(at: usize, length: usize, text: string): bool {
  if (length != text.length) return false;
  const other = changetype<usize>(text);
  for (let i: usize = 0; i < length; i++) {
    if (load<u8>(at + i) != load<u16>(other + (i << 1))) return false;
  }
  return true;
}

/** Whether the bytes at `at` begin with the ASCII text `text`. */
export function startsWithText(at: usize, length: usize, text: string): bool {
  return length >= <usize>text.length && equalsText(at, text.length, text);
}

/** Whether the `length` bytes at `at` are the ASCII text `text`, ignoring the case of ASCII letters. `text` is in lower
 *  case. */
export function equalsIgnoringCase(at: usize, length: usize, text: string): bool {
  if (length != text.length) return false;
  const other = changetype<usize>(text);
  for (let i: usize = 0; i < length; i++) {
    if (lower(load<u8>(at + i)) != load<u16>(other + (i << 1))) return false;
  }
  return true;
}

/** The offset of the ASCII text `text` in the bytes, ignoring the case of ASCII letters; -1 if it is not found. `text` is in
 *  lower case. */
export function indexOfIgnoringCase(at: usize, length: usize, text: string): isize {
  const size = <usize>text.length;
  for (let i: usize = 0; i + size <= length; i++) {
    if (equalsIgnoringCase(at + i, size, text)) return i;
  }
  return -1;
}

/** The byte, with an ASCII capital letter converted to lower case. */
@inline
export function lower(byte: u8): u8 {
  return <u8>(byte - 0x41) < 26 ? byte | 0x20 : byte;
}

/** A 64-bit hash of bytes (FNV-1a with a final mix) that continues from `seed`. It has no key and is the same on all
 *  proxies, so hash only values that the operator chooses. Use {@link keyedHash} for all others. */
export function hashBytes(at: usize, length: usize, seed: u64 = 0xcbf29ce484222325): u64 {
  let hash = seed;
  for (let i: usize = 0; i < length; i++) hash = (hash ^ load<u8>(at + i)) * 0x100000001b3;
  return mix(hash);
}

/** Mixes the bits of a 64-bit number (the finalizer of splitmix64). */
@inline
export function mix(value: u64): u64 {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/** Replaces each byte that is not printable ASCII with a question mark. */
export function makePrintable(at: usize, length: i32): void {
  for (let i = 0; i < length; i++) {
    if (<u8>(load<u8>(at + i) - 0x20) > 0x5e) store<u8>(at + i, 0x3f);
  }
}

/** Copies ASCII text to unmanaged memory that is never freed. Only for texts that are known when the module starts. */
export function permanentBytes(text: string): usize {
  const at = heap.alloc(text.length + 1);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at);
  return at;
}

/** Bytes in managed memory, for data that lives as long as its owner. */
export class Bytes {
  private constructor(private block: StaticArray<u8>) {}

  /** `length` zero bytes, to be overwritten. */
  static ofSize(length: i32): Bytes {
    return new Bytes(new StaticArray<u8>(length));
  }

  /** A copy of the bytes at `at`. */
  static copy(at: usize, length: i32): Bytes {
    const bytes = Bytes.ofSize(length);
    memory.copy(bytes.at, at, length);
    return bytes;
  }

  /** The UTF-8 encoding of a text. */
  static of(text: string): Bytes {
    const block = new StaticArray<u8>(String.UTF8.byteLength(text));
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, changetype<usize>(block));
    return new Bytes(block);
  }

  get at(): usize {
    return changetype<usize>(this.block);
  }

  get length(): i32 {
    return this.block.length;
  }

  equals(at: usize, length: i32): bool {
    return this.length == length && memory.compare(this.at, at, length) == 0;
  }
}
