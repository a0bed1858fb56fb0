import { Category, Script, asciiCategory, categoryOf, scriptFound, smallOf } from "./character";
import { EMPTY_HASH, extendHash, isToken } from "./vocabulary";
import { Form, Weight, formOf, knownWordCost, unknownWordCost, weightOf } from "./weights";

/** What the characters read last are part of. */
enum Piece {
  None,
  /** White space. */
  Space,
  Number,
  /** Punctuation and symbols. */
  Symbols,
  /** The line ends behind them, which belong to the same piece. */
  SymbolsEnd,
  /** Letters of a script with words. */
  Word,
  /** Letters of a script without, or whose words are seldom tokens. */
  Glyphs,
}

const SPACE: u32 = 0x20;
/** The hash of a space. */
const SPACE_HASH: u64 = extendHash(EMPTY_HASH, SPACE);
const APOSTROPHE: u32 = 0x27;
const SLASH: u32 = 0x2f;
/** From so many on, like symbols in a row share tokens. */
const REPEATS: u32 = 4;
const LONGEST_CONTRACTION: u32 = 2;
/** No token has more letters; the vocabulary, which may err, is not asked for longer words. */
const LONGEST_TOKEN: u32 = 24;

/**
 * Estimates how many tokens a text is, as it streams by, cut anywhere: takes it apart as o200k_base's pre-tokenizer does,
 * counts a piece that is in a filter of frequent tokens as one, and any other by its form and length. All sums are in
 * 1/1024 of a token.
 */
@unmanaged
export class Estimator {
  private sum: u64;
  private piece: Piece;
  /** The hash of the word or token in hand. */
  private hash: u64;
  /** The character before it that belongs to it: a space, or a symbol; 0 for none. */
  private before: u32;
  /** Characters of the piece: of white space those since the last line end. */
  private length: u32;
  private hasLineEnd: bool;
  private capitals: u32;
  private hasSmall: bool;
  private script: Script;
  /** What the symbol read last costs alone. */
  private symbol: Weight;
  /** The piece came right behind a word, maybe with a single symbol between. */
  private behindWord: bool;
  /** The character read last, and how often in a row. */
  private last: u32;
  private repeats: u32;
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
        if (this.piece == Piece.Word && isSmallLetter(byte)) {
          at = this.takeSmallWords(at, end);
          continue;
        }
        if (byte == SPACE && this.piece == Piece.Word && at + 1 < end && isAsciiLetter(load<u8>(at + 1))) {
          // As most words follow each other: the same as below, in one step.
          this.settleWord();
          this.beginWord(SPACE);
          at++;
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

  @inline
  private beginWord(before: u32): void {
    this.piece = Piece.Word;
    this.hash = EMPTY_HASH;
    this.before = before;
    this.symbol = Weight.One;
    this.behindWord = false;
    this.length = 0;
    this.capitals = 0;
    this.hasSmall = false;
    this.script = Script.Basic;
  }

  /** Goes on with a word in small letters, and with those that follow with one space between: as {@link takeLetter} and
   *  {@link settleWord} do, in fewer steps. */
  private takeSmallWords(at: usize, end: usize): usize {
    let hash = this.hash;
    let length = this.length;
    let isFirst = true;
    while (true) {
      const from = at;
      while (at < end) {
        const letter = load<u8>(at);
        if (!isSmallLetter(letter)) break;
        hash = extendHash(hash, letter);
        at++;
      }
      length += <u32>(at - from);
      if (at + 1 >= end || load<u8>(at) != SPACE || !isSmallLetter(load<u8>(at + 1))) break;
      if (isFirst) {
        isFirst = false;
        this.hash = hash;
        this.length = length;
        this.hasSmall = true;
        this.settleWord();
        this.beginWord(SPACE);
      } else {
        this.sum += smallWordCost(hash, length);
      }
      hash = EMPTY_HASH;
      length = 0;
      at++;
    }
    this.hash = hash;
    this.length = length;
    this.hasSmall = true;
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

  private takeCategory(category: Category, script: Script, point: u32): void {
    switch (category) {
      case Category.Lower:
      case Category.Upper:
      case Category.Letter:
        if (script >= Script.Han) this.takeGlyph(script, point);
        else this.takeLetter(category, script, point);
        break;
      case Category.Number:
        if (this.piece == Piece.Number && this.length < 3) {
          this.length++;
          if (point < 0x80) break;
        } else {
          this.settle(category);
          this.piece = Piece.Number;
          this.length = 1;
        }
        this.add(Weight.One);
        break;
      case Category.Space:
        if (this.piece != Piece.Space) {
          this.settle(category);
          this.piece = Piece.Space;
        }
        this.length++;
        this.last = point;
        break;
      case Category.LineEnd:
        if (this.piece == Piece.Symbols || this.piece == Piece.SymbolsEnd) {
          this.takeSymbol(point);
          this.piece = Piece.SymbolsEnd;
          break;
        }
        if (this.piece != Piece.Space) this.settle(category);
        this.piece = Piece.Space;
        this.hasLineEnd = true;
        this.length = 0;
        break;
      default:
        if (this.piece == Piece.Symbols || (this.piece == Piece.SymbolsEnd && point == SLASH)) {
          this.takeSymbol(point);
          break;
        }
        this.settle(category);
        this.piece = Piece.Symbols;
        this.takeSymbol(point);
    }
  }

  private takeLetter(category: Category, script: Script, point: u32): void {
    if (this.piece != Piece.Word || (category == Category.Upper && this.hasSmall)) {
      this.settle(category);
      this.piece = Piece.Word;
      this.hash = EMPTY_HASH;
    }
    this.hash = extendHash(this.hash, category == Category.Upper ? smallOf(point, script) : point);
    this.length++;
    if (category == Category.Upper) this.capitals++;
    else if (category == Category.Lower) this.hasSmall = true;
    if (script > this.script) this.script = script;
  }

  private takeGlyph(script: Script, point: u32): void {
    const kind = <i32>script - <i32>Script.Han;
    if (this.piece == Piece.Glyphs) {
      const longer = extendHash(this.hash, point);
      if (isToken(longer)) {
        this.hash = longer;
        return;
      }
    } else {
      this.settle(Category.Letter);
      this.piece = Piece.Glyphs;
      if (this.before == SPACE) {
        this.hash = extendHash(SPACE_HASH, point);
        if (isToken(this.hash)) return this.add(Weight.Han + kind);
      }
      if (this.before) this.add(isSpace(this.before) ? Weight.SpaceBeforeHan + kind : <i32>this.symbol);
    }
    this.hash = extendHash(EMPTY_HASH, point);
    this.add((isToken(this.hash) ? Weight.Han : Weight.RareHan) + kind);
  }

  /** One more symbol, or a line end behind symbols: it joins the token in hand, or begins the next. */
  private takeSymbol(point: u32): void {
    const isFirst = this.length++ == 0;
    if (!isFirst && point == this.last) {
      if (++this.repeats >= REPEATS) return this.add(Weight.RepeatedSymbol);
    } else {
      this.repeats = 1;
      this.last = point;
    }
    if (!isFirst || this.before) {
      const longer = extendHash(isFirst ? SPACE_HASH : this.hash, point);
      if (isToken(longer)) {
        this.hash = longer;
        if (isFirst) this.add(Weight.One);
        return;
      }
      if (isFirst) this.add(Weight.NextSymbol);
    }
    this.hash = extendHash(EMPTY_HASH, point);
    this.symbol = symbolWeight(point, this.hash, isFirst);
    this.add(this.symbol);
  }

  /** The piece in hand is over, and one that begins with a character of `next` follows. */
  private settle(next: Category): void {
    let before: u32 = 0;
    let behindWord = false;
    if (this.piece == Piece.Space) {
      before = this.settleSpace(next);
      this.symbol = Weight.One;
    } else if (this.piece == Piece.Word) {
      this.settleWord();
      behindWord = true;
    } else if (this.piece == Piece.Symbols && next <= Category.Letter && this.length == 1 && this.before == 0) {
      // A single symbol belongs to the letters behind it: they settle what it costs.
      before = this.last;
      behindWord = this.behindWord;
      this.sum -= weightOf(this.symbol);
    }
    this.before = before;
    this.behindWord = behindWord;
    this.length = 0;
    this.hasLineEnd = false;
    this.capitals = 0;
    this.hasSmall = false;
    this.script = Script.Basic;
    this.piece = Piece.None;
  }

  /** White space is over. Returns the space that belongs to what follows. */
  private settleSpace(next: Category): u32 {
    if (this.hasLineEnd) this.add(Weight.One);
    if (this.length == 0) return 0;
    const isOnly = this.length == 1;
    if (next <= Category.Letter || (next == Category.Symbol && this.last == SPACE)) {
      if (!isOnly) this.add(Weight.One);
      return this.last;
    }
    this.add(Weight.One);
    if (!isOnly && next != Category.LineEnd) this.add(Weight.One);
    return 0;
  }

  private settleWord(): void {
    const before = this.before;
    if (before == APOSTROPHE && this.behindWord && this.length <= LONGEST_CONTRACTION) {
      return this.add(Weight.Contraction);
    }
    const form = formOf(this.script, this.capitals, this.hasSmall);
    if (this.length <= LONGEST_TOKEN && isToken(this.hash)) {
      this.sum += knownWordCost(form, before);
      return;
    }
    const afterSpace = before == SPACE;
    if (before && !afterSpace) this.add(this.symbol);
    this.sum += unknownWordCost(form, afterSpace, this.length);
  }

  @inline
  private add(weight: i32): void {
    this.sum += weightOf(weight);
  }
}

/** What a word in small letters costs, with the space before it. */
@inline
function smallWordCost(hash: u64, length: u32): u64 {
  const isKnown = length <= LONGEST_TOKEN && isToken(hash);
  return isKnown ? knownWordCost(Form.Small, SPACE) : unknownWordCost(Form.Small, true, length);
}

/** What a symbol costs that begins a token. */
function symbolWeight(point: u32, hash: u64, isFirst: bool): Weight {
  if (point < 0x80 || isToken(hash)) return isFirst ? Weight.One : Weight.NextSymbol;
  return point < 0x800 ? Weight.SymbolOfTwo : point < 0x10000 ? Weight.SymbolOfThree : Weight.SymbolOfFour;
}

@inline
function isSpace(point: u32): bool {
  return point == SPACE || point == 0x09 || point == 0xa0 || point == 0x3000;
}

@inline
function isSmallLetter(byte: u8): bool {
  return <u8>(byte - 0x61) < 26;
}

@inline
function isAsciiLetter(byte: u8): bool {
  return <u8>((byte | 0x20) - 0x61) < 26;
}
