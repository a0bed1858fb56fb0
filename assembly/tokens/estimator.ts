import { Category, Script, asciiCategory, categoryOf, scriptFound } from "./character";
import { DIGITS, Piece, Pieces, SPACE } from "./pieces";
import { EMPTY_HASH, extendHash, isToken } from "./vocabulary";
import { Form, Weight, knownWordCost, unknownWordCost } from "./weights";
import { PACK } from "./word_hash";

/** Estimates how many tokens a text is, as its bytes stream by, cut anywhere. What is frequent goes in fewer steps than
 *  character by character, to the same end. */
@unmanaged
export class Estimator extends Pieces {
  /** The character being read, and its bytes still to come. */
  private point: u32;
  private bytesLeft: u32;

  /** Ready for another text. */
  reset(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<Estimator>());
  }

  /** The next bytes of the text. */
  feed(at: usize, length: usize): void {
    const end = at + length;
    while (at < end) {
      const byte = load<u8>(at);
      if (byte < 0x80) {
        if (this.bytesLeft) this.take(0xfffd);
        if (this.piece == Piece.Word) {
          if (isSmallLetter(byte)) {
            at = this.takeSmallWords(at, end);
            continue;
          }
          if (isCapital(byte) && !this.hasSmall) {
            this.extendWord(byte | 0x20);
            this.length++;
            this.capitals++;
            at++;
            continue;
          }
          const size = this.beginNextWord(byte, at, end);
          if (size) {
            at += size;
            continue;
          }
        }
        if (isDigit(byte)) {
          at = this.takeDigits(at, end);
          continue;
        }
        this.takeCategory(asciiCategory(byte), Script.Basic, byte);
      } else {
        this.takePart(byte);
      }
      at++;
    }
  }

  /** What the text costs, in 1/1024 of a token: it is over. Ready for another one. */
  finish(): u64 {
    if (this.bytesLeft) this.take(0xfffd);
    this.settle(Category.LineEnd);
    const sum = this.sum;
    this.reset();
    return sum;
  }

  /** Goes on with a word in small letters. */
  private takeSmallLetters(at: usize, end: usize): usize {
    const from = at;
    while (at < end) {
      const letter = load<u8>(at);
      if (!isSmallLetter(letter)) break;
      this.extendWord(letter);
      at++;
    }
    this.length += <u32>(at - from);
    this.hasSmall = true;
    return at;
  }

  /** Goes on with a word in small letters, and with those that follow with one space between: what the other methods do
   *  letter by letter, in a few steps a word. */
  private takeSmallWords(from: usize, end: usize): usize {
    let at = this.takeSmallLetters(from, end);
    if (!beginsSmallWord(at, end)) return at;
    this.settleWord();
    this.beginWord(SPACE);
    let hash: u64 = 0;
    let last: u64 = 0;
    let length: u32 = 0;
    while (true) {
      const letters = v128.load(at + 1);
      const others = i8x16.bitmask(i8x16.gt_u(i8x16.sub(letters, i8x16.splat(0x61)), i8x16.splat(25)));
      length = ctz(others | 0x10000);
      hash = EMPTY_HASH;
      last = i64x2.extract_lane(letters, 0);
      if (length >= PACK) {
        hash = extendHash(hash, last);
        last = i64x2.extract_lane(letters, 1);
      }
      if (length == 2 * PACK) hash = extendHash(hash, last);
      // What stands behind the word is no part of it.
      last &= ~((<u64>-1) << ((length % PACK) * 8));
      at += 1 + length;
      if (length == 2 * PACK || !beginsSmallWord(at, end)) break;
      this.sum += smallWordCost(hash ^ last, length);
    }
    this.hash = hash;
    this.pack = last;
    this.packed = length % PACK;
    this.length = length;
    this.hasSmall = true;
    return at;
  }

  /** Begins the word behind the one in hand, where as usual a space, an ASCII symbol or both stand between: as
   *  {@link takeCategory} does for each. Returns how many bytes they are, 0 for anything else. */
  private beginNextWord(byte: u8, at: usize, end: usize): usize {
    if (at + 1 >= end) return 0;
    const next = load<u8>(at, 1);
    if (isAsciiLetter(next)) {
      const isSpace = byte == SPACE;
      if (!isSpace && asciiCategory(byte) != Category.Symbol) return 0;
      this.settleWord();
      this.beginWord(byte);
      this.behindWord = !isSpace;
      return 1;
    }
    if (next != SPACE || at + 2 >= end || !isAsciiLetter(load<u8>(at, 2))) return 0;
    if (asciiCategory(byte) != Category.Symbol) return 0;
    this.settleWord();
    this.add(Weight.One);
    this.beginWord(SPACE);
    return 2;
  }

  private takeDigits(from: usize, end: usize): usize {
    if (this.piece != Piece.Number) {
      this.settle(Category.Number);
      this.piece = Piece.Number;
      this.length = DIGITS;
    }
    let length = this.length;
    let at = from;
    do {
      if (length == DIGITS) {
        this.add(Weight.One);
        length = 0;
      }
      length++;
    } while (++at < end && isDigit(load<u8>(at)));
    this.length = length;
    return at;
  }

  /** A byte of a character beyond ASCII (UTF-8, RFC 3629). */
  private takePart(byte: u32): void {
    if (byte < 0xc0) {
      if (!this.bytesLeft) return this.take(0xfffd);
      this.point = (this.point << 6) | (byte & 0x3f);
      if (--this.bytesLeft == 0) this.take(this.point);
      return;
    }
    if (this.bytesLeft) this.take(0xfffd);
    this.bytesLeft = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    this.point = byte & (0x3f >> this.bytesLeft);
  }

  private take(point: u32): void {
    this.bytesLeft = 0;
    const category = categoryOf(point);
    this.takeCategory(category, scriptFound(), point);
  }
}

/** What a word in small letters of no more than {@link LONGEST_TOKEN} costs, with the space before it. */
@inline
function smallWordCost(hash: u64, length: u32): u64 {
  return select<u64>(knownWordCost(Form.Small, SPACE), unknownWordCost(Form.Small, true, length), isToken(hash));
}

/** Whether a space and a small letter stand next, and enough bytes behind to read sixteen letters at once. */
@inline
function beginsSmallWord(at: usize, end: usize): bool {
  return at + 17 <= end && load<u8>(at) == SPACE && isSmallLetter(load<u8>(at + 1));
}

@inline
function isCapital(byte: u8): bool {
  return <u8>(byte - 0x41) < 26;
}

@inline
function isDigit(byte: u8): bool {
  return <u8>(byte - 0x30) < 10;
}

@inline
function isSmallLetter(byte: u8): bool {
  return <u8>(byte - 0x61) < 26;
}

@inline
function isAsciiLetter(byte: u8): bool {
  return <u8>((byte | 0x20) - 0x61) < 26;
}
