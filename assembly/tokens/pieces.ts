import { Category, Script, smallOf } from "./character";
import { EMPTY_HASH, extendHash, isToken } from "./vocabulary";
import { Weight, formOf, knownWordCost, unknownWordCost, weightOf } from "./weights";
import { WordHash } from "./word_hash";

/** What the characters read last are part of. */
export enum Piece {
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

export const SPACE: u32 = 0x20;
/** The hash of a space. */
const SPACE_HASH: u64 = extendHash(EMPTY_HASH, SPACE);
const APOSTROPHE: u32 = 0x27;
const SLASH: u32 = 0x2f;
/** From so many on, like symbols in a row share tokens. */
const REPEATS: u32 = 4;
const LONGEST_CONTRACTION: u32 = 2;
/** Digits that are one token. */
export const DIGITS: u32 = 3;
/** No token has more letters; the vocabulary, which may err, is not asked for longer words. */
const LONGEST_TOKEN: u32 = 24;

/** Splits a text as o200k_base's pre-tokenizer does, character by character, and adds up the cost of its pieces: a piece
 *  in a filter of frequent tokens costs one token, any other is estimated by its form and length. All sums are in 1/1024
 *  of a token. The {@link WordHash} of the current word is right behind the object. */
@unmanaged
export class Pieces {
  sum: u64;
  /** The hash of the glyphs or symbols that may become one token. */
  private tokenHash: u64;
  piece: Piece;
  /** The character before it that belongs to it: a space, or a symbol; 0 for none. */
  before: u32;
  /** Characters of the piece: of white space those since the last line end. */
  length: u32;
  hasLineEnd: bool;
  capitals: u32;
  hasSmall: bool;
  script: Script;
  /** What the symbol read last costs alone. */
  symbol: Weight;
  /** The piece came right behind a word, maybe with a single symbol between. */
  behindWord: bool;
  /** The character read last, and how often in a row. */
  last: u32;
  repeats: u32;

  /** Forgets the text read so far. */
  reset(): void {
    memory.fill(changetype<usize>(this), 0, PIECES_SIZE);
  }

  /** Begins a word after `before`, a space or a symbol. */
  @inline
  beginWord(before: u32): void {
    this.piece = Piece.Word;
    this.word.clear();
    this.before = before;
    this.symbol = Weight.One;
    this.behindWord = false;
    this.length = 0;
    this.capitals = 0;
    this.hasSmall = false;
    this.script = Script.Basic;
  }

  takeCategory(category: Category, script: Script, point: u32): void {
    switch (category) {
      case Category.Lower:
      case Category.Upper:
      case Category.Letter:
        if (script >= Script.Han) this.takeGlyph(script, point);
        else this.takeLetter(category, script, point);
        break;
      case Category.Number:
        // Beyond ASCII each costs a token: those of ASCII are taken by takeDigits.
        if (this.piece == Piece.Number && this.length < DIGITS) {
          this.length++;
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
      this.word.clear();
    }
    this.word.extend(category == Category.Upper ? smallOf(point, script) : point);
    this.length++;
    if (category == Category.Upper) this.capitals++;
    else if (category == Category.Lower) this.hasSmall = true;
    if (script > this.script) this.script = script;
  }

  private takeGlyph(script: Script, point: u32): void {
    const kind = <i32>script - <i32>Script.Han;
    if (this.piece == Piece.Glyphs) {
      const longer = extendHash(this.tokenHash, point);
      if (isToken(longer)) {
        this.tokenHash = longer;
        return;
      }
    } else {
      this.settle(Category.Letter);
      this.piece = Piece.Glyphs;
      if (this.before == SPACE) {
        this.tokenHash = extendHash(SPACE_HASH, point);
        if (isToken(this.tokenHash)) return this.add(Weight.Han + kind);
      }
      if (this.before) this.add(isSpace(this.before) ? Weight.SpaceBeforeHan + kind : <i32>this.symbol);
    }
    this.tokenHash = extendHash(EMPTY_HASH, point);
    this.add((isToken(this.tokenHash) ? Weight.Han : Weight.RareHan) + kind);
  }

  /** One more symbol, or a line end behind symbols: it joins the current token, or begins the next. */
  private takeSymbol(point: u32): void {
    const isFirst = this.length++ == 0;
    if (!isFirst && point == this.last) {
      if (++this.repeats >= REPEATS) return this.add(Weight.RepeatedSymbol);
    } else {
      this.repeats = 1;
      this.last = point;
    }
    if (!isFirst || this.before) {
      const longer = extendHash(isFirst ? SPACE_HASH : this.tokenHash, point);
      if (isToken(longer)) {
        this.tokenHash = longer;
        if (isFirst) this.add(Weight.One);
        return;
      }
      if (isFirst) this.add(Weight.NextSymbol);
    }
    this.tokenHash = extendHash(EMPTY_HASH, point);
    this.symbol = symbolWeight(point, this.tokenHash, isFirst);
    this.add(this.symbol);
  }

  /** Ends the current piece. The next one begins with a character of category `next`. */
  settle(next: Category): void {
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

  settleWord(): void {
    const before = this.before;
    if (before == APOSTROPHE && this.behindWord && this.length <= LONGEST_CONTRACTION) {
      return this.add(Weight.Contraction);
    }
    const form = formOf(this.script, this.capitals, this.hasSmall);
    if (this.length <= LONGEST_TOKEN && isToken(this.word.value)) {
      this.sum += knownWordCost(form, before);
      return;
    }
    const afterSpace = before == SPACE;
    if (before && !afterSpace) this.add(this.symbol);
    this.sum += unknownWordCost(form, afterSpace, this.length);
  }

  @inline
  add(weight: i32): void {
    this.sum += weightOf(weight);
  }

  /** The current word. */
  @inline
  get word(): WordHash {
    return changetype<WordHash>(changetype<usize>(this) + offsetof<Pieces>());
  }
}

/** Bytes of {@link Pieces} and of the word behind them. */
@inline
export const PIECES_SIZE: usize = offsetof<Pieces>() + offsetof<WordHash>();

/** What a symbol costs that begins a token. */
function symbolWeight(point: u32, hash: u64, isFirst: bool): Weight {
  if (point < 0x80 || isToken(hash)) return isFirst ? Weight.One : Weight.NextSymbol;
  return point < 0x800 ? Weight.SymbolOfTwo : point < 0x10000 ? Weight.SymbolOfThree : Weight.SymbolOfFour;
}

@inline
function isSpace(point: u32): bool {
  return point == SPACE || point == 0x09 || point == 0xa0 || point == 0x3000;
}
