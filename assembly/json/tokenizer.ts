import {
  BRACE_CLOSE,
  BRACE_OPEN,
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COLON,
  COMMA,
  QUOTE,
  endOfShortText,
  isDigit,
  isSpace,
} from "./characters";
import { Expect } from "./expect";
import { DEPTH_LIMIT, NESTING_SIZE, Nesting } from "./nesting";
import { SCALAR_READER_SIZE, Scalar, ScalarReader } from "./scalar_reader";
import { endOfScalar, expected, skipInside } from "./skip";
import { endOfText } from "./string_end";
import { Fault, Token } from "./token";

const NOT_SKIPPING: i32 = -1;

/**
 * A streaming JSON tokenizer (RFC 8259) over byte chunks cut anywhere, in flat memory. Give it bytes with
 * {@link feed}, then call {@link next} until it returns {@link Token.More}; after the last byte check {@link complete}.
 * It checks the grammar as `JSON.parse` does, but not UTF-8, also in values that are skipped. One block of memory holds
 * the tokenizer, its {@link ScalarReader} and its {@link Nesting}.
 */
@unmanaged
export class Tokenizer {
  fault: Fault;
  /** Offset of the first byte of the newest token, counted from the first byte fed since {@link reset}. The token of a
   *  string begins at its quote. */
  tokenStart: u64;
  private at: usize;
  private end: usize;
  private expect: Expect;
  /** The depth at which skipping ends once a value is complete there. */
  private resumeDepth: i32;
  private chunk: usize;
  /** Bytes of the chunks before this one. */
  private passed: u64;
  private rootStart: u64;
  private rootEnd: u64;
  /** The depth at which documents begin: 1 in a list of them, otherwise 0. */
  private rootDepth: u32;
  /** The value that is skipped is captured: its bytes are handed out from here on, 0 before it begins. */
  private captures: bool;
  private captureFrom: usize;

  static create(): Tokenizer {
    const self = changetype<Tokenizer>(heap.alloc(offsetof<Tokenizer>() + SCALAR_READER_SIZE + NESTING_SIZE));
    self.reset();
    return self;
  }

  /** Ready for another document. */
  reset(): void {
    // One by one: the instruction that fills memory is a call of the runtime.
    this.fault = Fault.None;
    this.tokenStart = 0;
    this.at = 0;
    this.end = 0;
    this.expect = Expect.Value;
    this.resumeDepth = NOT_SKIPPING;
    this.chunk = 0;
    this.passed = 0;
    this.rootStart = 0;
    this.rootEnd = 0;
    this.rootDepth = 0;
    this.captures = false;
    this.captureFrom = 0;
    this.scalars.reset();
    this.nesting.depth = 0;
  }

  /** The text of the newest key, string or number: valid until the next call. At most {@link TEXT_LIMIT} bytes. */
  @inline
  get textAt(): usize {
    return this.scalars.textAt;
  }

  @inline
  get textLength(): i32 {
    return this.scalars.textLength;
  }

  /** Bytes of the whole text. The end of a text longer than {@link TEXT_LIMIT} is not kept. */
  @inline
  get textTotal(): u32 {
    return this.scalars.textTotal;
  }

  /** The newest key or string contains escape sequences. */
  @inline
  get textEscaped(): bool {
    return this.scalars.textEscaped;
  }

  /** One of its escape sequences is a surrogate without its partner. */
  @inline
  get textLossy(): bool {
    return this.scalars.textLossy;
  }

  /** Offset of the byte after the newest token, counted as {@link tokenStart}. */
  get tokenEnd(): u64 {
    return this.offsetOf(this.at);
  }

  /** The next bytes of the document; those before must be used up. They must stay in place while they are read. */
  feed(at: usize, length: usize): void {
    this.passed += this.at - this.chunk;
    this.chunk = at;
    this.at = at;
    this.end = at + length;
    if (this.captureFrom) this.captureFrom = at;
  }

  /** The address of the next byte, and that after the last byte that was fed. */
  @inline
  get readAt(): usize {
    return this.at;
  }

  @inline
  get readEnd(): usize {
    return this.end;
  }

  /** Leaves out the next `count` bytes of those that were fed. Offsets count them. */
  leaveOut(count: usize): void {
    this.at += count;
  }

  /** The bytes left out since the array was opened are whole elements: its end or a comma is next. */
  skipToElementEnd(): void {
    this.expect = Expect.CommaOrEnd;
  }

  /** Reads the bytes after all that were left out since the newest token: a copy of them, `count` bytes, is at `at`. The chunk fed last
   *  must not have been begun, and be fed again once these are used up. */
  readLeftOut(at: usize, count: usize): void {
    this.feed(at, count);
    this.passed -= count;
  }

  /** Passes in silence over the value that follows the key just read. */
  skipValue(): void {
    // Most are scalars right behind the colon.
    const at = this.at;
    if (at + 1 < this.end && load<u8>(at) == COLON) {
      const behind = endOfScalar(at + 1, this.end);
      if (behind) {
        this.at = behind;
        this.expect = Expect.CommaOrEnd;
        return;
      }
    }
    this.skipAhead();
  }

  /** Hands out the bytes of the value that follows the key just read, as {@link Token.Part}s and one
   *  {@link Token.LastPart}: `textLength` of them at `textAt`. */
  captureValue(): void {
    this.skipAhead();
    this.captures = true;
  }

  /** Passes in silence over what comes, up to the end of the next value at the current depth. */
  private skipAhead(): void {
    this.resumeDepth = this.nesting.depth;
  }

  /** Passes in silence over what is left of the innermost open container, its end included. */
  skipContainer(): void {
    this.resumeDepth = this.nesting.depth - 1;
  }

  /** The array that was just opened at the root is a list of documents. */
  enterList(): void {
    this.rootDepth = 1;
  }

  /** Whether the bytes so far are one whole JSON document, or list of documents. */
  get complete(): bool {
    if (this.fault != Fault.None) return false;
    if (this.expect == Expect.Nothing) return true;
    return this.nesting.depth == 0 && this.scalars.isCompleteNumber;
  }

  /** Whether no byte but white space has come. */
  get blank(): bool {
    return this.expect == Expect.Value && this.nesting.depth == 0 && this.scalars.open == Scalar.None && !this.fault;
  }

  /** Offset of the first byte of the root object or array, counted as {@link tokenStart}; in a list of documents, of the
   *  newest one. */
  get documentStart(): u64 {
    return this.rootStart;
  }

  /** Offset of the byte after it, once it is closed. */
  get documentEnd(): u64 {
    return this.rootEnd;
  }

  next(): Token {
    if (this.fault) return Token.Error;
    while (true) {
      if (this.scalars.open != Scalar.None) {
        const silent = this.resumeDepth != NOT_SKIPPING;
        const token = this.scalars.read(this.at, this.end, silent);
        if (token == Token.Error) return this.fail(Fault.Syntax);
        this.at = this.scalars.at;
        if (token == Token.More) return this.usedUp();
        if (token == Token.Key) {
          this.expect = Expect.Colon;
        } else {
          this.completeValue();
          if (this.hasCaptured) return this.handOut(Token.LastPart);
        }
        if (silent) continue;
        return token;
      }
      if (this.isInsideSkipped) this.skip();
      let at = this.at;
      const end = this.end;
      while (at < end && isSpace(load<u8>(at))) at++;
      this.at = at;
      if (at == end) return this.usedUp();
      const silent = this.resumeDepth != NOT_SKIPPING;
      if (!silent) this.tokenStart = this.offsetOf(at);
      const token = this.read(load<u8>(at));
      if (token == Token.More) continue;
      if (silent && token != Token.Error) {
        if (this.hasCaptured) return this.handOut(Token.LastPart);
        continue;
      }
      return token;
    }
  }

  /** Whether the innermost open container is skipped. */
  @inline
  private get isInsideSkipped(): bool {
    return this.resumeDepth != NOT_SKIPPING && <i32>this.nesting.depth > this.resumeDepth;
  }

  /** Passes over usual content of containers that are skipped. */
  private skip(): void {
    this.at = skipInside(this.nesting, this.resumeDepth + 1, this.expect, this.at, this.end);
    this.expect = expected;
  }

  /** The bytes are used up: hands out those that were captured. */
  private usedUp(): Token {
    return this.captureFrom && this.captureFrom < this.end ? this.handOut(Token.Part) : Token.More;
  }

  /** Whether the value that is captured has just come to its end. */
  @inline
  private get hasCaptured(): bool {
    return this.captures && this.resumeDepth == NOT_SKIPPING;
  }

  private handOut(token: Token): Token {
    const scalars = this.scalars;
    scalars.setText(this.captureFrom, <u32>(this.at - this.captureFrom));
    scalars.textLength = scalars.textTotal;
    this.tokenStart = this.offsetOf(this.captureFrom);
    this.captures = token == Token.Part;
    this.captureFrom = this.captures ? this.at : 0;
    return token;
  }

  /** Reads the next byte: returns a token, or More if it completes none. */
  private read(byte: u8): Token {
    switch (this.expect) {
      case Expect.CommaOrEnd:
        if (byte == COMMA) {
          this.at++;
          this.expect = this.nesting.inObject ? Expect.Key : Expect.Value;
          return Token.More;
        }
        return this.close(byte);
      case Expect.KeyOrEnd:
        if (byte == BRACE_CLOSE) return this.close(byte);
      // falls through
      case Expect.Key:
        if (byte != QUOTE) return this.fail(Fault.Syntax);
        return this.beginString(Scalar.Key);
      case Expect.Colon:
        if (byte != COLON) return this.fail(Fault.Syntax);
        this.at++;
        this.expect = Expect.Value;
        return Token.More;
      case Expect.ValueOrEnd:
        if (byte == BRACKET_CLOSE) return this.close(byte);
      // falls through
      case Expect.Value:
        return this.beginValue(byte);
      default:
        return this.fail(Fault.Syntax);
    }
  }

  private beginValue(byte: u8): Token {
    if (this.captures && !this.captureFrom) this.captureFrom = this.at;
    switch (byte) {
      case QUOTE:
        return this.beginString(Scalar.String);
      case BRACE_OPEN:
        return this.open(true);
      case BRACKET_OPEN:
        return this.open(false);
      case 0x74: // t
        return this.beginLiteral(Token.True, 3);
      case 0x66: // f
        return this.beginLiteral(Token.False, 4);
      case 0x6e: // n
        return this.beginLiteral(Token.Null, 3);
      default:
        if (byte != 0x2d && !isDigit(byte)) return this.fail(Fault.Syntax);
        this.scalars.beginNumber();
        return Token.More;
    }
  }

  private beginLiteral(literal: Token, lettersLeft: u32): Token {
    this.at++;
    this.scalars.beginLiteral(literal, lettersLeft);
    return Token.More;
  }

  private open(isObject: bool): Token {
    if (this.nesting.depth == DEPTH_LIMIT) return this.fail(Fault.Depth);
    if (this.nesting.depth == this.rootDepth) this.rootStart = this.offsetOf(this.at);
    this.nesting.open(isObject);
    this.at++;
    this.expect = isObject ? Expect.KeyOrEnd : Expect.ValueOrEnd;
    return isObject ? Token.ObjectStart : Token.ArrayStart;
  }

  private close(byte: u8): Token {
    const isObject = this.nesting.inObject;
    if (byte != (isObject ? BRACE_CLOSE : BRACKET_CLOSE)) return this.fail(Fault.Syntax);
    this.nesting.close();
    this.at++;
    if (this.nesting.depth == this.rootDepth) this.rootEnd = this.offsetOf(this.at);
    this.completeValue();
    return isObject ? Token.ObjectEnd : Token.ArrayEnd;
  }

  private completeValue(): void {
    this.expect = this.nesting.depth ? Expect.CommaOrEnd : Expect.Nothing;
    if (<i32>this.nesting.depth == this.resumeDepth) this.resumeDepth = NOT_SKIPPING;
  }

  private beginString(scalar: Scalar): Token {
    const from = ++this.at;
    if (scalar == Scalar.String && this.resumeDepth != NOT_SKIPPING) {
      const stop = endOfText(from, this.end);
      this.at = stop;
      if (stop < this.end && load<u8>(stop) == QUOTE) {
        this.at++;
        this.completeValue();
        return Token.String;
      }
      this.scalars.beginString(scalar);
      return Token.More;
    }
    const stop = endOfShortText(from, this.end);
    if (stop < this.end && load<u8>(stop) == QUOTE) {
      // Most strings are whole in a chunk and contain no escape: their bytes need no copy.
      this.at = stop + 1;
      this.scalars.takePlainString(from, <u32>(stop - from));
      if (scalar == Scalar.Key) {
        this.expect = Expect.Colon;
        return this.resumeDepth == NOT_SKIPPING ? Token.Key : Token.More;
      }
      this.completeValue();
      return Token.String;
    }
    this.scalars.beginString(scalar);
    return Token.More;
  }

  private fail(fault: Fault): Token {
    this.fault = fault;
    this.scalars.open = Scalar.None;
    this.expect = Expect.Nothing;
    this.at = this.end;
    return Token.Error;
  }

  @inline
  private offsetOf(at: usize): u64 {
    return this.passed + (at - this.chunk);
  }

  @inline
  private get scalars(): ScalarReader {
    return changetype<ScalarReader>(changetype<usize>(this) + offsetof<Tokenizer>());
  }

  @inline
  private get nesting(): Nesting {
    return changetype<Nesting>(changetype<usize>(this) + offsetof<Tokenizer>() + SCALAR_READER_SIZE);
  }
}
