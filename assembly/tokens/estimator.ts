import { Category, Script, asciiCategory, categoryOf, scriptFound } from "./character";
import { DIGITS, PIECES_SIZE, Piece, Pieces, SPACE } from "./pieces";
import { EMPTY_HASH, extendHash, isToken } from "./vocabulary";
import { Form, Weight, knownWordCost, unknownWordCost } from "./weights";
import { PACK } from "./word_hash";

/** Estimates how many tokens a text has, from bytes that may be cut anywhere. Decodes UTF-8 and feeds {@link Pieces}
 *  character by character; frequent content takes fewer steps with the same result. */
@unmanaged
export class Estimator {
  /** The character being read, and its bytes still to come. */
  private point: u32;
  private bytesLeft: u32;

  static create(): Estimator {
    const self = changetype<Estimator>(heap.alloc(ESTIMATOR_SIZE));
    self.reset();
    return self;
  }

  /** Ready for another text. */
  reset(): void {
    this.bytesLeft = 0;
    this.pieces.reset();
  }

  /** The next bytes of the text. */
  feed(at: usize, length: usize): void {
    const pieces = this.pieces;
    const end = at + length;
    while (at < end) {
      const byte = load<u8>(at);
      if (byte < 0x80) {
        if (this.bytesLeft) this.take(0xfffd);
        if (pieces.piece == Piece.Word) {
          if (isSmallLetter(byte)) {
            at = this.takeSmallWords(at, end);
            continue;
          }
          if (isCapital(byte) && !pieces.hasSmall) {
            pieces.word.extend(byte | 0x20);
            pieces.length++;
            pieces.capitals++;
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
        pieces.takeCategory(asciiCategory(byte), Script.Basic, byte);
      } else {
        this.takePart(byte);
      }
      at++;
    }
  }

  /** What the text costs, in 1/1024 of a token: it is over. Ready for another one. */
  finish(): u64 {
    const pieces = this.pieces;
    if (this.bytesLeft) this.take(0xfffd);
    pieces.settle(Category.LineEnd);
    const sum = pieces.sum;
    this.reset();
    return sum;
  }

  /** Goes on with a word in small letters. */
  private takeSmallLetters(at: usize, end: usize): usize {
    const pieces = this.pieces;
    const from = at;
    while (at < end) {
      const letter = load<u8>(at);
      if (!isSmallLetter(letter)) break;
      pieces.word.extend(letter);
      at++;
    }
    pieces.length += <u32>(at - from);
    pieces.hasSmall = true;
    return at;
  }

  /** Goes on with a word in small letters, and with those that follow with one space between: what the other methods do
   *  letter by letter, in a few steps a word. */
  private takeSmallWords(from: usize, end: usize): usize {
    const pieces = this.pieces;
    let at = this.takeSmallLetters(from, end);
    if (!beginsSmallWord(at, end)) return at;
    pieces.settleWord();
    pieces.beginWord(SPACE);
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
      pieces.sum += smallWordCost(hash ^ last, length);
    }
    pieces.word.set(hash, last, length % PACK);
    pieces.length = length;
    pieces.hasSmall = true;
    return at;
  }

  /** Begins the word behind the current one, where as usual a space, an ASCII symbol or both stand between: as
   *  {@link takeCategory} does for each. Returns how many bytes they are, 0 for anything else. */
  private beginNextWord(byte: u8, at: usize, end: usize): usize {
    const pieces = this.pieces;
    if (at + 1 >= end) return 0;
    const next = load<u8>(at, 1);
    if (isAsciiLetter(next)) {
      const isSpace = byte == SPACE;
      if (!isSpace && asciiCategory(byte) != Category.Symbol) return 0;
      pieces.settleWord();
      pieces.beginWord(byte);
      pieces.behindWord = !isSpace;
      return 1;
    }
    if (next != SPACE || at + 2 >= end || !isAsciiLetter(load<u8>(at, 2))) return 0;
    if (asciiCategory(byte) != Category.Symbol) return 0;
    pieces.settleWord();
    pieces.add(Weight.One);
    pieces.beginWord(SPACE);
    return 2;
  }

  private takeDigits(from: usize, end: usize): usize {
    const pieces = this.pieces;
    if (pieces.piece != Piece.Number) {
      pieces.settle(Category.Number);
      pieces.piece = Piece.Number;
      pieces.length = DIGITS;
    }
    let length = pieces.length;
    let at = from;
    do {
      if (length == DIGITS) {
        pieces.add(Weight.One);
        length = 0;
      }
      length++;
    } while (++at < end && isDigit(load<u8>(at)));
    pieces.length = length;
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
    this.pieces.takeCategory(category, scriptFound(), point);
  }

  @inline
  private get pieces(): Pieces {
    return changetype<Pieces>(changetype<usize>(this) + offsetof<Estimator>());
  }
}

/** Bytes of an {@link Estimator} and of its parts behind it. */
@inline
export const ESTIMATOR_SIZE: usize = offsetof<Estimator>() + PIECES_SIZE;

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
