import { BACKSLASH, QUOTE, endOfPlainText } from "./characters";
import { NumberState, nextNumberState } from "./number";
import { Expect, isEscape } from "./skip";
import { TEXT_LIMIT, Text } from "./text";
import { Fault, Token } from "./token";

export enum Scalar {
  None,
  Key,
  String,
  Number,
  /** `true`, `false` or `null`. */
  Literal,
}

export const NOT_SKIPPING: i32 = -1;

/** The part of the tokenizer that reads keys, strings, numbers and literals, cut anywhere. */
@unmanaged
export class Scalars {
  /** The text of the newest key, string or number: valid until the next call. At most {@link TEXT_LIMIT} bytes. */
  textAt: usize;
  textLength: i32;
  /** Bytes of the whole text, of which a long one's end is not kept. */
  textTotal: u32;
  /** The newest key or string is written with escape sequences. */
  textEscaped: bool;
  /** And one of them is a surrogate without its partner. */
  textLossy: bool;
  fault: Fault;

  protected at: usize;
  protected end: usize;
  protected expect: Expect;
  protected scalar: Scalar;
  protected number: NumberState;
  /** The literal being read and how many of its letters are still to come. */
  protected literal: Token;
  protected lettersLeft: u32;
  /** The depth at which skipping ends once a value is complete there. */
  protected resumeDepth: i32;
  /** The text of a scalar that is cut, or has escapes. */
  protected text: Text;

  protected beginLiteral(literal: Token, lettersLeft: u32): Token {
    this.at++;
    this.scalar = Scalar.Literal;
    this.literal = literal;
    this.lettersLeft = lettersLeft;
    return Token.More;
  }

  protected beginNumber(): Token {
    this.scalar = Scalar.Number;
    this.number = NumberState.Start;
    this.text.clear();
    return Token.More;
  }

  /** Goes on with an unfinished scalar: its token once it is whole. */
  protected continueScalar(): Token {
    if (this.scalar == Scalar.Number) return this.continueNumber();
    if (this.scalar == Scalar.Literal) return this.continueLiteral();
    return this.continueString();
  }

  private continueString(): Token {
    const text = this.text;
    const end = this.end;
    const isSilent = this.resumeDepth != NOT_SKIPPING;
    let at = this.at;
    while (at < end) {
      if (text.escaping) {
        if (!text.continueEscape(load<u8>(at++))) return this.fail(Fault.Syntax);
        continue;
      }
      const stop = endOfPlainText(at, end);
      if (!isSilent) text.append(at, stop - at);
      at = stop;
      if (at == end) break;
      const byte = load<u8>(at++);
      if (byte == BACKSLASH) {
        if (isSilent && at < end && isEscape(load<u8>(at))) at++;
        else text.beginEscape();
      } else if (byte == QUOTE) {
        this.at = at;
        text.finish();
        this.setText(text.bytes, text.length);
        this.textEscaped = text.hasEscapes;
        this.textLossy = text.isLossy;
        const isKey = this.scalar == Scalar.Key;
        this.scalar = Scalar.None;
        if (!isKey) return Token.String;
        this.expect = Expect.Colon;
        return Token.Key;
      } else {
        return this.fail(Fault.Syntax);
      }
    }
    this.at = at;
    return Token.More;
  }

  private continueNumber(): Token {
    const from = this.at;
    const end = this.end;
    let at = from;
    let state = this.number;
    while (at < end) {
      const next = nextNumberState(state, load<u8>(at));
      if (next == NumberState.Wrong) return this.fail(Fault.Syntax);
      if (next == NumberState.Over) {
        this.text.append(from, at - from);
        this.setText(this.text.bytes, this.text.length);
        this.at = at;
        this.scalar = Scalar.None;
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

  private continueLiteral(): Token {
    const letters = this.literal == Token.True ? "true" : this.literal == Token.False ? "false" : "null";
    while (this.at < this.end) {
      const expected = <u8>letters.charCodeAt(letters.length - this.lettersLeft);
      if (load<u8>(this.at) != expected) return this.fail(Fault.Syntax);
      this.at++;
      if (--this.lettersLeft == 0) {
        this.scalar = Scalar.None;
        return this.literal;
      }
    }
    return Token.More;
  }

  protected setText(at: usize, total: u32): void {
    this.textAt = at;
    this.textTotal = total;
    this.textLength = total < TEXT_LIMIT ? total : TEXT_LIMIT;
  }

  protected fail(fault: Fault): Token {
    this.fault = fault;
    this.scalar = Scalar.None;
    this.expect = Expect.Nothing;
    this.at = this.end;
    return Token.Error;
  }
}
