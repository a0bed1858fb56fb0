import { Category, Script, asciiCategory, categoryOf, scriptFound, smallOf } from "./character";
import { LONGEST_SYMBOLS, symbolsCost } from "./symbols";
import { decode, decodedSize } from "./utf8";
import { EMPTY_KEY, extendKey, isToken, packKey } from "./vocabulary";
import { Form, Weight, foreignWordWeights, weightOf, wordCost, wordWeights } from "./weights";
import { LONGEST_CONTRACTION, LONGEST_WORD } from "./window";

/** Bytes of a piece at most: longer ones are taken for several. */
export const LONGEST_PIECE: u32 = 128;
/** No token of the vocabulary has more letters where some are beyond ASCII. */
const LONGEST_FOREIGN: u32 = 24;
/** Digits that are one token. */
const DIGITS: u32 = 3;
/** Digits of a piece at most, all of whose tokens are full. */
const LONGEST_NUMBER: u32 = 126;

/** The number of equal symbols in a row from which on they share tokens. */
const REPEATS: u32 = 4;

const SPACE: u32 = 0x20;
const SPACE_KEY: u64 = extendKey(EMPTY_KEY, SPACE);
/** Stands for the character before a word if none belongs to it. */
const NOTHING: u32 = u32.MAX_VALUE;
const APOSTROPHE: u32 = 0x27;
const SLASH: u32 = 0x2f;

/**
 * Takes a text apart as o200k_base's pre-tokenizer does, one piece after the other, and adds up what they cost: a piece in
 * a filter of frequent tokens costs one token, any other is estimated by its form and length. Reads every script;
 * {@link takeWindow} does the same for several pieces of ASCII at once.
 */
@unmanaged
export class Pieces {
  /** What the pieces cost, in 1/1024 of a token. */
  cost: u64;
  /** The last piece was a word. */
  isBehindWord: bool;
  /** The current character, what it is, and its bytes. */
  private point: u32;
  private category: Category;
  private script: Script;
  private size: u32;
  /** Where the text that may be read ends. */
  private end: usize;

  reset(): void {
    this.cost = 0;
    this.isBehindWord = false;
  }

  /** Takes the piece at `from`, which is within the {@link LONGEST_PIECE} bytes before `end`, or the text ends there.
   *  Returns where it ends. */
  take(from: usize, end: usize): usize {
    this.end = end;
    const limit = min(end, from + LONGEST_PIECE);
    const wasBehindWord = this.isBehindWord;
    this.isBehindWord = false;
    this.read(from);
    switch (this.category) {
      case Category.Number:
        return this.takeNumber(from, limit);
      case Category.Space:
      case Category.LineEnd:
        return this.takeWhite(from, limit);
      case Category.Symbol: {
        const symbol = this.point;
        const next = from + this.size;
        if (next < limit && this.read(next) <= Category.Letter) {
          // A single symbol belongs to the letters behind it.
          return this.takeLetters(next, limit, symbol, wasBehindWord);
        }
        return this.takeSymbols(from, from, limit);
      }
      default:
        return this.takeLetters(from, limit, NOTHING, false);
    }
  }

  /** Reads a character. Returns its category. */
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

  /** Up to three digits are a token. Those beyond ASCII are one each. */
  private takeNumber(from: usize, limit: usize): usize {
    if (this.point >= 0x80) {
      this.add(Weight.One);
      return from + this.size;
    }
    const end = min(limit, from + LONGEST_NUMBER);
    let at = from;
    while (at < end && <u8>(load<u8>(at) - 0x30) < 10) at++;
    this.cost += <u64>((<u32>(at - from) + DIGITS - 1) / DIGITS) * weightOf(Weight.One);
    return at;
  }

  /** White space up to its last line end is a piece. Without one, its last character may belong to what follows. */
  private takeWhite(from: usize, limit: usize): usize {
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
    if (this.category <= Category.Letter) return this.takeLetters(at, limit, point, false);
    if (this.category == Category.Symbol && point == SPACE) return this.takeSymbols(last, at, limit);
    this.add(Weight.One);
    return at;
  }

  /** Symbols from `first` on, the space before them at `from` or none, and the line ends and slashes behind them. */
  private takeSymbols(from: usize, first: usize, limit: usize): usize {
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
    else this.cost += length <= LONGEST_SYMBOLS && isToken(key) ? weightOf(Weight.One) : cost;
    return at;
  }

  /** Letters from `at` on, the first of them already read, behind a character that may belong to them, or {@link NOTHING}. */
  private takeLetters(at: usize, limit: usize, before: u32, isSuffix: bool): usize {
    if (this.script >= Script.Han) return this.takeGlyphs(at, limit, before);
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
      else if (length < LONGEST_WORD) rest |= (<u64>point) << (8 * length - 64);
      key = extendKey(key, point);
      length++;
      at += this.size;
    } while (at < limit && this.read(at) <= Category.Letter && this.script < Script.Han);
    this.isBehindWord = true;
    if (isSuffix && before == APOSTROPHE && length <= LONGEST_CONTRACTION) {
      this.add(Weight.Contraction);
      return at;
    }
    if (before >= 0x80 && before != NOTHING) {
      this.addBefore(before);
      before = NOTHING;
    }
    if (script == Script.Basic) {
      const weights = wordWeights(before, <u32>(before != NOTHING), formOf(capitals, length));
      this.cost += wordCost(weights, length <= LONGEST_WORD && isToken(packKey(first, rest)), length);
    } else {
      const weights = foreignWordWeights(script, before);
      this.cost += wordCost(weights, length <= LONGEST_FOREIGN && isToken(key), length);
    }
    return at;
  }

  /** Like {@link takeLetters}, for characters of scripts without word spaces, or whose words are seldom tokens. */
  private takeGlyphs(at: usize, limit: usize, before: u32): usize {
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

  /** Begins a token with the current glyph. Returns its key. */
  private beginGlyphs(): u64 {
    const key = extendKey(EMPTY_KEY, this.point);
    this.addGlyph(isToken(key) ? Weight.Han : Weight.RareHan);
    return key;
  }

  /** Adds the weight of the current glyph's script: `weight` is that of Han. */
  @inline
  private addGlyph(weight: Weight): void {
    this.add(<i32>weight + <i32>this.script - <i32>Script.Han);
  }

  /** Adds what a character costs that is a token of its own before letters. */
  private addBefore(point: u32): void {
    this.add(point < 0x80 || isSpace(point) ? Weight.One : foreignSymbol(point, true));
  }

  @inline
  private add(weight: i32): void {
    this.cost += weightOf(weight);
  }
}

/** What a symbol beyond ASCII costs that begins a token. */
function foreignSymbol(point: u32, isFirst: bool): Weight {
  if (isToken(extendKey(EMPTY_KEY, point))) return isFirst ? Weight.One : Weight.NextSymbol;
  return point < 0x800 ? Weight.SymbolOfTwo : point < 0x10000 ? Weight.SymbolOfThree : Weight.SymbolOfFour;
}

/** How a word of ASCII letters is written. Its capitals come first. */
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
