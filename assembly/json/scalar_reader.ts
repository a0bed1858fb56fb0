import { BACKSLASH, QUOTE, endOfPlainText } from "./characters";
import { NumberState, isCompleteNumber, nextNumberState } from "./number";
import { endOfText } from "./string_end";
import { TEXT_LIMIT, TEXT_SIZE, Text } from "./text";
import { Token } from "./token";

/** The kinds of scalars. */
export enum Scalar {
  None,
  Key,
  String,
  Number,
  /** `true`, `false` or `null`. */
  Literal,
}

/**
 * Reads one key, string, number or literal (RFC 8259 sections 3, 6 and 7) at a time, cut anywhere: begin it, then call
 * {@link read} with each chunk until it returns something else than {@link Token.More}.
 */
@unmanaged
export class ScalarReader {
  /** The text of the newest key, string or number: valid until the next call. At most {@link TEXT_LIMIT} bytes. */
  textAt: usize;
  textLength: i32;
  /** Bytes of the whole text. The end of a text longer than {@link TEXT_LIMIT} is not kept. */
  textTotal: u32;
  /** The newest key or string contains escape sequences. */
  textEscaped: bool;
  /** One of its escape sequences is a surrogate without its partner. */
  textLossy: bool;
  /** The kind of the unfinished scalar; None if there is none. */
  open: Scalar;
  /** The address after the last byte that {@link read} used. */
  at: usize;
  private number: NumberState;
  /** The unfinished literal, and how many of its letters are still to come. */
  private literal: Token;
  private lettersLeft: u32;

  reset(): void {
    this.textAt = 0;
    this.textLength = 0;
    this.textTotal = 0;
    this.textEscaped = false;
    this.textLossy = false;
    this.open = Scalar.None;
    this.text.clear();
  }

  /** Begins a string or key whose opening quote has been read. */
  beginString(kind: Scalar): void {
    this.open = kind;
    this.text.clear();
  }

  /** Begins a number of which no byte has been read. */
  beginNumber(): void {
    this.open = Scalar.Number;
    this.number = NumberState.Start;
    this.text.clear();
  }

  /** Begins a literal whose first letter has been read. */
  beginLiteral(literal: Token, lettersLeft: u32): void {
    this.open = Scalar.Literal;
    this.literal = literal;
    this.lettersLeft = lettersLeft;
  }

  /** Takes bytes that are a whole string without escapes. */
  @inline
  takePlainString(at: usize, total: u32): void {
    this.setText(at, total);
    this.textEscaped = false;
    this.textLossy = false;
  }

  /** Takes bytes as the newest text. The flags stay as they are. */
  @inline
  setText(at: usize, total: u32): void {
    this.textAt = at;
    this.textTotal = total;
    this.textLength = total < TEXT_LIMIT ? total : TEXT_LIMIT;
  }

  /** Whether the bytes so far are a number that may end here. */
  get isCompleteNumber(): bool {
    return this.open == Scalar.Number && isCompleteNumber(this.number);
  }

  /** Continues the unfinished scalar with the bytes in [at, end): its token once it is complete, More if the bytes are used
   *  up, Error at a byte that the grammar does not allow. If `isSkipped`, the text of a string is not kept. */
  read(at: usize, end: usize, isSkipped: bool): Token {
    if (this.open == Scalar.Number) return this.readNumber(at, end);
    if (this.open == Scalar.Literal) return this.readLiteral(at, end);
    return this.readString(at, end, isSkipped);
  }

  private readString(at: usize, end: usize, isSkipped: bool): Token {
    const text = this.text;
    while (at < end) {
      if (text.escaping) {
        if (!text.continueEscape(load<u8>(at++))) return Token.Error;
        continue;
      }
      const stop = isSkipped ? endOfText(at, end) : endOfPlainText(at, end);
      if (!isSkipped) text.append(at, stop - at);
      at = stop;
      if (at == end) break;
      const byte = load<u8>(at++);
      if (byte == BACKSLASH) {
        text.beginEscape();
      } else if (byte == QUOTE) {
        this.at = at;
        text.finish();
        this.setText(text.bytes, text.length);
        this.textEscaped = text.hasEscapes;
        this.textLossy = text.isLossy;
        const isKey = this.open == Scalar.Key;
        this.open = Scalar.None;
        return isKey ? Token.Key : Token.String;
      } else {
        return Token.Error;
      }
    }
    this.at = at;
    return Token.More;
  }

  private readNumber(from: usize, end: usize): Token {
    let at = from;
    let state = this.number;
    while (at < end) {
      const next = nextNumberState(state, load<u8>(at));
      if (next == NumberState.Wrong) return Token.Error;
      if (next == NumberState.Over) {
        this.text.append(from, at - from);
        this.setText(this.text.bytes, this.text.length);
        this.at = at;
        this.open = Scalar.None;
        return Token.Number;
      }
      state = next;
      at++;
    }
    this.text.append(from, at - from);
    this.number = state;
    this.at = at;
    return Token.More;
  }

  private readLiteral(at: usize, end: usize): Token {
    const letters = this.literal == Token.True ? "true" : this.literal == Token.False ? "false" : "null";
    while (at < end) {
      const expected = <u8>letters.charCodeAt(letters.length - this.lettersLeft);
      if (load<u8>(at) != expected) return Token.Error;
      at++;
      if (--this.lettersLeft == 0) {
        this.at = at;
        this.open = Scalar.None;
        return this.literal;
      }
    }
    this.at = at;
    return Token.More;
  }

  /** The text of a scalar that is cut or contains escapes: right behind this object. */
  @inline
  private get text(): Text {
    return changetype<Text>(changetype<usize>(this) + offsetof<ScalarReader>());
  }
}

/** Bytes of a {@link ScalarReader} and of the text behind it. */
@inline
export const SCALAR_READER_SIZE: usize = offsetof<ScalarReader>() + TEXT_SIZE;
