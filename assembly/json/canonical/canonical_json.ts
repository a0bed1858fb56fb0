import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  endOfPlainText,
  hexValue,
  isDigit,
  isSpace,
  unescaped,
} from "../characters";
import { NumberState, isCompleteNumber, nextNumberState } from "../number";
import { Utf8Validator } from "../utf8";
import { compareKeys, sameKey, writeCharacter } from "./canonical_text";
import { numberFormAt, wasHard, writeNumberForm } from "./number_form";

/** The maximum size of a text in bytes. */
export const CANONICAL_LIMIT: i32 = 65536;
/** The maximum number of open containers. */
const DEPTH_LIMIT: i32 = 128;
/** The maximum number of members in all open objects. No member is shorter than `"":0,`. */
const MEMBER_LIMIT: i32 = CANONICAL_LIMIT / 5 + 1;
/** The maximum number of a text's numbers that need long arithmetic. Each takes several microseconds. */
const HARD_NUMBER_LIMIT: i32 = 256;

/** A member of an object: its offset in the text and its length, in bytes. */
@unmanaged
class Member {
  at: u16;
  length: u16;
}

const MEMBER_SIZE: usize = offsetof<Member>();

/**
 * Computes the canonical form of JSON text (RFC 8785) in fixed memory. Call {@link read}, then {@link next} for each piece of
 * the form, then check {@link isSound}. The time for n bytes is O(n log n).
 *
 * The text is first rewritten with sorted members and canonical strings, which never makes it longer. Numbers, which may
 * become longer, are converted when the pieces are returned.
 */
export class CanonicalJson {
  /** The address of the piece that {@link next} found, valid until the next call. */
  at: usize = 0;
  /** The length of the piece in bytes. */
  length: usize = 0;
  /** The rewritten text. */
  private text: usize = heap.alloc(CANONICAL_LIMIT);
  private textEnd: usize = 0;
  /** The sorted members of one object, before they are copied back. */
  private sorted: usize = heap.alloc(CANONICAL_LIMIT);
  private members: usize = heap.alloc(<usize>MEMBER_LIMIT * MEMBER_SIZE);
  private memberCount: i32 = 0;
  private utf8: Utf8Validator = changetype<Utf8Validator>(heap.alloc(offsetof<Utf8Validator>()));
  private source: usize = 0;
  private sourceEnd: usize = 0;
  private to: usize = 0;
  private depth: i32 = 0;
  private hardNumbers: i32 = 0;
  private hasForm: bool = false;

  /** @param kept the names of the outermost object's members that are part of the form */
  constructor(private kept: string[]) {}

  /** Reads an object. Returns false if it has no canonical form: it is not valid JSON in UTF-8, contains a duplicate name or a
   *  surrogate without its partner, or exceeds a limit. */
  read(at: usize, length: i32): bool {
    this.hasForm = false;
    if (length > CANONICAL_LIMIT) return false;
    this.utf8.reset();
    if (!this.utf8.feed(at, length) || !this.utf8.isComplete) return false;
    this.source = at;
    this.sourceEnd = at + length;
    this.to = this.text;
    this.depth = 0;
    this.memberCount = 0;
    this.hardNumbers = 0;
    this.skipSpaces();
    if (this.peek() != BRACE_OPEN || !this.readObject()) return false;
    this.skipSpaces();
    if (this.source != this.sourceEnd) return false;
    this.textEnd = this.to;
    this.at = this.text;
    this.length = 0;
    this.hasForm = true;
    this.to = this.text;
    return true;
  }

  /** Moves to the next piece. Returns false if there is none. */
  next(): bool {
    const from = this.to;
    if (!this.hasForm || from == this.textEnd) return false;
    const byte = load<u8>(from);
    if (isNumberStart(byte)) return this.nextNumber(from);
    let end = from;
    while (end < this.textEnd) {
      const other = load<u8>(end);
      if (other == QUOTE) end = this.endOfString(end + 1);
      else if (isNumberStart(other)) break;
      else end++;
    }
    this.to = end;
    this.at = from;
    this.length = end - from;
    return true;
  }

  /** Whether the text has a canonical form. Valid when {@link next} has returned false. */
  get isSound(): bool {
    return this.hasForm;
  }

  private nextNumber(from: usize): bool {
    let end = from + 1;
    while (end < this.textEnd && isNumberPart(load<u8>(end))) end++;
    this.to = end;
    this.at = numberFormAt;
    this.length = writeNumberForm(from, <i32>(end - from));
    if (wasHard) this.hardNumbers++;
    if (!this.length || this.hardNumbers > HARD_NUMBER_LIMIT) this.hasForm = false;
    return this.hasForm;
  }

  /** The address after the string of the rewritten text whose content begins at `at`. */
  private endOfString(at: usize): usize {
    while (true) {
      at = endOfPlainText(at, this.textEnd);
      if (load<u8>(at) == QUOTE) return at + 1;
      at += 2;
    }
  }

  private readValue(): bool {
    this.skipSpaces();
    const byte = this.peek();
    if (byte == QUOTE) return this.readString();
    if (byte == BRACE_OPEN) return this.readObject();
    if (byte == BRACKET_OPEN) return this.readArray();
    if (byte == 0x74) return this.readLiteral("true");
    if (byte == 0x66) return this.readLiteral("false");
    if (byte == 0x6e) return this.readLiteral("null");
    return this.readNumber();
  }

  private readObject(): bool {
    if (++this.depth > DEPTH_LIMIT) return false;
    const first = this.memberCount;
    this.copy(1);
    const start = this.to;
    let isNext = !this.closes(BRACE_CLOSE);
    while (isNext) {
      const member = this.to;
      this.skipSpaces();
      if (this.peek() != QUOTE || !this.readString()) return false;
      this.skipSpaces();
      if (this.peek() != COLON) return false;
      this.copy(1);
      if (!this.readValue()) return false;
      this.addMember(member);
      this.skipSpaces();
      if (this.peek() != COMMA) break;
      // Commas are written once members are sorted.
      this.source++;
    }
    if (isNext && !this.closes(BRACE_CLOSE)) return false;
    if (!this.sortMembers(first, start)) return false;
    this.memberCount = first;
    store<u8>(this.to++, BRACE_CLOSE);
    this.depth--;
    return true;
  }

  private readArray(): bool {
    if (++this.depth > DEPTH_LIMIT) return false;
    this.copy(1);
    if (!this.closes(BRACKET_CLOSE)) {
      while (true) {
        if (!this.readValue()) return false;
        this.skipSpaces();
        if (this.peek() != COMMA) break;
        this.copy(1);
      }
      if (!this.closes(BRACKET_CLOSE)) return false;
    }
    store<u8>(this.to++, BRACKET_CLOSE);
    this.depth--;
    return true;
  }

  /** Adds the member from `at` to the end of the written text. */
  private addMember(at: usize): void {
    const member = this.memberAt(this.memberCount++);
    member.at = <u16>(at - this.text);
    member.length = <u16>(this.to - at);
  }

  /** Sorts the members from index `first` on, whose text begins at `start`, and separates them by commas. Returns false if two
   *  have the same name. */
  private sortMembers(first: i32, start: usize): bool {
    const count = this.memberCount - first;
    this.heapSort(first, count);
    let to = this.sorted;
    for (let i = 0; i < count; i++) {
      const member = this.memberAt(first + i);
      const at = this.text + member.at;
      if (i > 0 && compareKeys(this.text + this.memberAt(first + i - 1).at, at) == 0) return false;
      if (this.depth == 1 && !this.keeps(at)) continue;
      if (to != this.sorted) store<u8>(to++, COMMA);
      memory.copy(to, at, member.length);
      to += member.length;
    }
    memory.copy(start, this.sorted, to - this.sorted);
    this.to = start + (to - this.sorted);
    return true;
  }

  /** Whether the outermost object's member with the key at this address is part of the form. */
  private keeps(key: usize): bool {
    for (let i = 0; i < this.kept.length; i++) {
      if (sameKey(key, unchecked(this.kept[i]))) return true;
    }
    return false;
  }

  private heapSort(first: i32, count: i32): void {
    for (let root = count / 2 - 1; root >= 0; root--) this.siftDown(first, root, count);
    for (let end = count - 1; end > 0; end--) {
      this.swap(first, first + end);
      this.siftDown(first, 0, end);
    }
  }

  private siftDown(first: i32, root: i32, count: i32): void {
    while (true) {
      let child = 2 * root + 1;
      if (child >= count) return;
      if (child + 1 < count && this.compare(first + child, first + child + 1) < 0) child++;
      if (this.compare(first + root, first + child) >= 0) return;
      this.swap(first + root, first + child);
      root = child;
    }
  }

  private compare(a: i32, b: i32): i32 {
    return compareKeys(this.text + this.memberAt(a).at, this.text + this.memberAt(b).at);
  }

  private swap(a: i32, b: i32): void {
    const one = changetype<usize>(this.memberAt(a));
    const other = changetype<usize>(this.memberAt(b));
    const kept = load<u32>(one);
    store<u32>(one, load<u32>(other));
    store<u32>(other, kept);
  }

  @inline
  private memberAt(index: i32): Member {
    return changetype<Member>(this.members + <usize>index * MEMBER_SIZE);
  }

  /** Reads a string, from its opening quote. Returns false if it is not valid. */
  private readString(): bool {
    this.copy(1);
    while (true) {
      const plain = endOfPlainText(this.source, this.sourceEnd);
      this.copy(plain - this.source);
      const byte = this.peek();
      if (byte == QUOTE) {
        this.copy(1);
        return true;
      }
      if (byte != BACKSLASH || !this.readEscape()) return false;
    }
  }

  private readEscape(): bool {
    this.source++;
    const letter = this.peek();
    this.source++;
    if (letter == 0x75) return this.readUnit();
    const plain = unescaped(letter);
    if (plain < 0) return false;
    this.to = writeCharacter(this.to, plain);
    return true;
  }

  /** Reads the digits after `\u`, and the second half of a surrogate pair. Returns false if they are not valid. */
  private readUnit(): bool {
    let character = this.readHex();
    if (character >= 0xdc00 && character <= 0xdfff) return false;
    if (character >= 0xd800 && character <= 0xdbff) {
      if (this.sourceEnd - this.source < 6 || load<u16>(this.source) != 0x755c) return false;
      this.source += 2;
      const low = this.readHex();
      if (low < 0xdc00 || low > 0xdfff) return false;
      character = 0x10000 + ((character - 0xd800) << 10) + (low - 0xdc00);
    }
    if (character > 0x10ffff) return false;
    this.to = writeCharacter(this.to, character);
    return true;
  }

  /** Reads four hexadecimal digits. Returns their value; a value above 0xffff if they are not valid. */
  private readHex(): u32 {
    if (this.sourceEnd - this.source < 4) return u32.MAX_VALUE;
    let value: u32 = 0;
    for (let i = 0; i < 4; i++) {
      const digit = hexValue(load<u8>(this.source++));
      if (digit > 15) return u32.MAX_VALUE;
      value = (value << 4) | digit;
    }
    return value;
  }

  /** Copies a number unchanged. Returns false if it is not valid. */
  private readNumber(): bool {
    let state = NumberState.Start;
    let end = this.source;
    while (end < this.sourceEnd) {
      const next = nextNumberState(state, load<u8>(end));
      if (next == NumberState.Wrong) return false;
      if (next == NumberState.Over) break;
      state = next;
      end++;
    }
    if (!isCompleteNumber(state)) return false;
    this.copy(end - this.source);
    return true;
  }

  private readLiteral(word: string): bool {
    const length = <usize>word.length;
    if (this.sourceEnd - this.source < length) return false;
    for (let i: usize = 0; i < length; i++) {
      if (load<u8>(this.source + i) != <u8>word.charCodeAt(<i32>i)) return false;
    }
    this.copy(length);
    return true;
  }

  /** Whether the next byte is this closing bracket. If so, it is read, but not written. */
  private closes(bracket: u8): bool {
    this.skipSpaces();
    if (this.peek() != bracket) return false;
    this.source++;
    return true;
  }

  private skipSpaces(): void {
    while (this.source < this.sourceEnd && isSpace(load<u8>(this.source))) this.source++;
  }

  /** The next byte of the source; 0 at its end. JSON contains no byte 0. */
  @inline
  private peek(): u8 {
    return this.source < this.sourceEnd ? load<u8>(this.source) : 0;
  }

  /** Copies bytes of the source. */
  @inline
  private copy(size: usize): void {
    memory.copy(this.to, this.source, size);
    this.source += size;
    this.to += size;
  }
}

@inline
function isNumberStart(byte: u8): bool {
  return isDigit(byte) || byte == 0x2d;
}

@inline
function isNumberPart(byte: u8): bool {
  return isNumberStart(byte) || byte == 0x2e || byte == 0x2b || (byte | 0x20) == 0x65;
}
