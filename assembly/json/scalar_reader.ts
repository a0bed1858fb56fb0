import { BACKSLASH, QUOTE, endOfPlainText } from "./characters";
import { NumberState, isCompleteNumber, nextNumberState } from "./number";
import { endOfText } from "./string_end";
import { TEXT_LIMIT, STRING_DECODER_SIZE, StringDecoder } from "./string_decoder";
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
 * Reads one key, string, number or literal (RFC 8259, sections 3, 6 and 7) at a time, from chunks that may be cut anywhere.
 * Call one of the `begin` methods, then {@link read} with each chunk until it returns another token than {@link Token.More}.
 */
@unmanaged
export class ScalarReader {
  /** The address of the newest key's, string's or number's text, valid until the next call. */
  textAt: usize;
  /** The length in bytes of the text that is kept, at most {@link TEXT_LIMIT}. */
  textLength: i32;
  /** The length in bytes of the whole text, which may exceed {@link textLength}. */
  textTotal: u32;
  /** The newest key or string contains escape sequences. */
  textEscaped: bool;
  /** The newest key or string contains an escaped surrogate without its partner. */
  textLossy: bool;
  /** The kind of the unfinished scalar; None if there is none. */
  open: Scalar;
  /** The address after the last byte that {@link read} used. */
  at: usize;
  private number: NumberState;
  /** The unfinished literal, and the number of its letters that are still to come. */
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

  /** Begins a number before its first byte is read. */
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

  /** Sets the newest text to a complete string without escape sequences. */
  @inline
  setPlainString(at: usize, total: u32): void {
    this.setText(at, total);
    this.textEscaped = false;
    this.textLossy = false;
  }

  /** Sets the newest text. The flags are unchanged. */
  @inline
  setText(at: usize, total: u32): void {
    this.textAt = at;
    this.textTotal = total;
    this.textLength = total < TEXT_LIMIT ? total : TEXT_LIMIT;
  }

  /** Whether the unfinished scalar is a number that may end here. */
  get isCompleteNumber(): bool {
    return this.open == Scalar.Number && isCompleteNumber(this.number);
  }

  /** Continues the unfinished scalar with the bytes in [at, end). Returns its token when it is complete, More if the bytes are
   *  used up, Error at a byte that the grammar does not allow. If `isSkipped`, the text of a string is not kept. */
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

  /** The text of a scalar that is cut or contains escape sequences. It follows this object in memory. */
  @inline
  private get text(): StringDecoder {
    return changetype<StringDecoder>(changetype<usize>(this) + offsetof<ScalarReader>());
  }
}

/** The size in bytes of a {@link ScalarReader} and its text. */
@inline
export const SCALAR_READER_SIZE: usize = offsetof<ScalarReader>() + STRING_DECODER_SIZE;
