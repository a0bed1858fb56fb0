import { Category, Script, asciiCategory, categoryOf, scriptFound, smallOf } from "./character";
import { MAX_SYMBOLS, symbolsCost } from "./symbols";
import { decode, decodedSize } from "./utf8";
import { EMPTY_KEY, extendKey, isToken, packKey } from "./vocabulary";
import { Form, Weight, foreignWordWeights, weightOf, wordCost, wordWeights } from "./weights";
import { MAX_CONTRACTION_LETTERS, MAX_WORD_LETTERS } from "./window";

/** The maximum number of bytes in a piece. Longer pieces are counted as several. */
export const MAX_PIECE_BYTES: u32 = 128;
/** The maximum number of letters in tokens of the vocabulary with letters beyond ASCII. */
export const MAX_FOREIGN_LETTERS: u32 = 24;
/** The maximum number of digits in a token. */
const TOKEN_DIGITS: u32 = 3;
/** The maximum number of digits in a piece: a multiple of {@link TOKEN_DIGITS}, at most {@link MAX_PIECE_BYTES}. */
const MAX_NUMBER_DIGITS: u32 = 126;

/** The number of equal symbols in a row from which on they share tokens. */
const REPEATS: u32 = 4;

const SPACE: u32 = 0x20;
const SPACE_KEY: u64 = extendKey(EMPTY_KEY, SPACE);
/** Represents the character before a word if no character belongs to it. */
const NOTHING: u32 = u32.MAX_VALUE;
const APOSTROPHE: u32 = 0x27;
const SLASH: u32 = 0x2f;

/**
 * Splits a text into pieces, as o200k_base's pre-tokenizer does, and adds up their costs. A piece in the filter of frequent
 * tokens costs one token. The cost of any other piece is estimated from its form and length. Reads every script;
 * {@link countWindow} does the same for several pieces of ASCII at once.
 */
@unmanaged
export class Pieces {
  /** The cost of the pieces so far, in 1/1024 of a token. */
  cost: u64;
  /** The last piece was a word. */
  isBehindWord: bool;
  /** The current character, its category and script, and its size in bytes. */
  private point: u32;
  private category: Category;
  private script: Script;
  private size: u32;
  /** The address after the last byte that may be read. */
  private end: usize;

  reset(): void {
    this.cost = 0;
    this.isBehindWord = false;
  }

  /** Counts the piece at `from`, and returns its end. At least {@link MAX_PIECE_BYTES} bytes must follow before `end`, unless the
   *  text ends there. */
  count(from: usize, end: usize): usize {
    this.end = end;
    const limit = min(end, from + MAX_PIECE_BYTES);
    const wasBehindWord = this.isBehindWord;
    this.isBehindWord = false;
    this.read(from);
    switch (this.category) {
      case Category.Number:
        return this.countNumber(from, limit);
      case Category.Space:
      case Category.LineEnd:
        return this.countWhite(from, limit);
      case Category.Symbol: {
        const symbol = this.point;
        const next = from + this.size;
        if (next < limit && this.read(next) <= Category.Letter) {
          // A single symbol belongs to the letters after it.
          return this.countLetters(next, limit, symbol, wasBehindWord);
        }
        return this.countSymbols(from, from, limit);
      }
      default:
        return this.countLetters(from, limit, NOTHING, false);
    }
  }

  /** Reads the character at `at`, and returns its category. */
  private read(at: usize): Category {
    const byte = load<u8>(at);
    if (byte < 0x80) {
      this.point = byte;
      this.size = 1;
      this.script = Script.Basic;
      return (this.category = asciiCategory(byte));
    }
    let point: u32;
    const bytes = load<u32>(at);
    if ((bytes & 0xc0c0f0) == 0x8080e0 && at + 3 <= this.end) {
      point = ((bytes & 0x0f) << 12) | ((bytes & 0x3f00) >> 2) | ((bytes >> 16) & 0x3f);
      this.size = 3;
    } else {
      point = decode(at, this.end);
      this.size = decodedSize;
    }
    const category = categoryOf(point);
    this.point = point;
    this.script = scriptFound();
    this.category = category;
    return category;
  }

  /** Counts a number. Up to three digits are one token. A digit beyond ASCII is a token by itself. */
  private countNumber(from: usize, limit: usize): usize {
    if (this.point >= 0x80) {
      this.add(Weight.One);
      return from + this.size;
    }
    const end = min(limit, from + MAX_NUMBER_DIGITS);
    let at = from;
    while (at < end && <u8>(load<u8>(at) - 0x30) < 10) at++;
    this.cost += <u64>((<u32>(at - from) + TOKEN_DIGITS - 1) / TOKEN_DIGITS) * weightOf(Weight.One);
    return at;
  }

  /** Counts white space. Up to its last line end, it is a piece. Without a line end, its last character may belong to the next
   *  piece. */
  private countWhite(from: usize, limit: usize): usize {
    let at = from;
    let last = from;
    let point: u32 = 0;
    let lineEnd: usize = 0;
    let length: u32 = 0;
    do {
      last = at;
      point = this.point;
      at += this.size;
      length++;
      if (this.category == Category.LineEnd) lineEnd = at;
    } while (at < limit && isWhite(this.read(at)));
    if (lineEnd) {
      this.add(Weight.One);
      return lineEnd;
    }
    if (at >= limit) {
      this.add(Weight.One);
      return at;
    }
    if (length > 1) this.add(Weight.One);
    if (this.category <= Category.Letter) return this.countLetters(at, limit, point, false);
    if (this.category == Category.Symbol && point == SPACE) return this.countSymbols(last, at, limit);
    this.add(Weight.One);
    return at;
  }

  /** Counts the symbols from `first` on, with the line ends and slashes after them. `from` is the address of the space before
   *  them, or `first` if there is none. */
  private countSymbols(from: usize, first: usize, limit: usize): usize {
    let key = from < first ? SPACE_KEY : EMPTY_KEY;
    let at = first;
    let cost: u64 = 0;
    let length: u32 = 0;
    let isForeign = false;
    let hasTail = false;
    let last: u32 = 0;
    let repeats: u32 = 0;
    while (at < limit) {
      this.read(at);
      const point = this.point;
      if (this.category == Category.LineEnd) hasTail = true;
      else if (this.category != Category.Symbol || (hasTail && point != SLASH)) break;
      at += this.size;
      key = extendKey(key, point);
      repeats = point == last ? repeats + 1 : 1;
      last = point;
      if (point >= 0x80) isForeign = true;
      if (repeats >= REPEATS) cost += weightOf(Weight.RepeatedSymbol);
      else if (point >= 0x80) cost += weightOf(foreignSymbol(point, length == 0));
      else cost += weightOf(length ? Weight.NextSymbol : Weight.One);
      length++;
    }
    if (!isForeign) this.cost += length == 1 ? weightOf(Weight.One) : symbolsCost(from, <u32>(at - from));
    else this.cost += length <= MAX_SYMBOLS && isToken(key) ? weightOf(Weight.One) : cost;
    return at;
  }

  /** Counts the letters from `at` on. The first letter has been read. `before` is a character that may belong to them, or
   *  {@link NOTHING}. */
  private countLetters(at: usize, limit: usize, before: u32, isSuffix: bool): usize {
    if (this.script >= Script.Han) return this.countGlyphs(at, limit, before);
    let key = EMPTY_KEY;
    let first: u64 = 0;
    let rest: u64 = 0;
    let length: u32 = 0;
    let capitals: u32 = 0;
    let hasSmall = false;
    let script = Script.Basic;
    do {
      let point = this.point;
      if (this.category == Category.Upper) {
        if (hasSmall) break;
        capitals++;
        point = smallOf(point, this.script);
      } else if (this.category == Category.Lower) {
        hasSmall = true;
      }
      if (this.script > script) script = this.script;
      if (length < 8) first |= (<u64>point) << (8 * length);
      else if (length < MAX_WORD_LETTERS) rest |= (<u64>point) << (8 * length - 64);
      key = extendKey(key, point);
      length++;
      at += this.size;
    } while (at < limit && this.read(at) <= Category.Letter && this.script < Script.Han);
    this.isBehindWord = true;
    if (isSuffix && before == APOSTROPHE && length <= MAX_CONTRACTION_LETTERS) {
      this.add(Weight.Contraction);
      return at;
    }
    if (before >= 0x80 && before != NOTHING) {
      this.addBefore(before);
      before = NOTHING;
    }
    if (script == Script.Basic) {
      const weights = wordWeights(before, <u32>(before != NOTHING), formOf(capitals, length));
      this.cost += wordCost(weights, length <= MAX_WORD_LETTERS && isToken(packKey(first, rest)), length);
    } else {
      const weights = foreignWordWeights(script, before);
      this.cost += wordCost(weights, length <= MAX_FOREIGN_LETTERS && isToken(key), length);
    }
    return at;
  }

  /** Like {@link countLetters}, for scripts without spaces between words, or whose words are rarely tokens. */
  private countGlyphs(at: usize, limit: usize, before: u32): usize {
    let key: u64 = 0;
    if (before == SPACE) {
      key = extendKey(SPACE_KEY, this.point);
      if (isToken(key)) this.addGlyph(Weight.Han);
      else key = 0;
    }
    if (before != NOTHING && key == 0) {
      if (isSpace(before)) this.addGlyph(Weight.SpaceBeforeHan);
      else this.addBefore(before);
    }
    if (key == 0) key = this.beginGlyphs();
    at += this.size;
    while (at < limit && this.read(at) <= Category.Letter && this.script >= Script.Han) {
      const longer = extendKey(key, this.point);
      key = isToken(longer) ? longer : this.beginGlyphs();
      at += this.size;
    }
    return at;
  }

  /** Begins a token with the current glyph, and returns the token's key. */
  private beginGlyphs(): u64 {
    const key = extendKey(EMPTY_KEY, this.point);
    this.addGlyph(isToken(key) ? Weight.Han : Weight.RareHan);
    return key;
  }

  /** Adds the weight for the current glyph's script that corresponds to `weight`, a weight for Han. */
  @inline
  private addGlyph(weight: Weight): void {
    this.add(<i32>weight + <i32>this.script - <i32>Script.Han);
  }

  /** Adds the cost of a character before letters that is a token by itself. */
  private addBefore(point: u32): void {
    this.add(point < 0x80 || isSpace(point) ? Weight.One : foreignSymbol(point, true));
  }

  @inline
  private add(weight: i32): void {
    this.cost += weightOf(weight);
  }
}

/** The weight of a symbol beyond ASCII that begins a token. */
function foreignSymbol(point: u32, isFirst: bool): Weight {
  if (isToken(extendKey(EMPTY_KEY, point))) return isFirst ? Weight.One : Weight.NextSymbol;
  return point < 0x800 ? Weight.SymbolOfTwo : point < 0x10000 ? Weight.SymbolOfThree : Weight.SymbolOfFour;
}

/** The form of a word of ASCII letters. Its capitals come first. */
function formOf(capitals: u32, length: u32): Form {
  if (capitals == 0) return Form.Small;
  if (capitals == length) return Form.Capitals;
  return capitals == 1 ? Form.Capitalized : Form.Mixed;
}

@inline
function isWhite(category: Category): bool {
  return category == Category.Space || category == Category.LineEnd;
}

@inline
function isSpace(point: u32): bool {
  return point == SPACE || point == 0x09 || point == 0xa0 || point == 0x3000;
}
