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
 * A streaming JSON tokenizer (RFC 8259) in flat memory, for chunks that may be cut anywhere. Pass bytes to {@link feed}, then
 * call {@link next} until it returns {@link Token.More}. After the last byte, check {@link complete}. The grammar is checked
 * as in `JSON.parse`, in skipped values too; UTF-8 is not checked. One block of memory holds the tokenizer, its
 * {@link ScalarReader} and its {@link Nesting}.
 */
@unmanaged
export class Tokenizer {
  fault: Fault;
  /** The offset of the newest token's first byte, in bytes fed since {@link reset}. A string begins at its opening quote. */
  tokenStart: u64;
  private at: usize;
  private end: usize;
  private expect: Expect;
  /** Skipping ends when a value at this depth is complete; {@link NOT_SKIPPING} if nothing is skipped. */
  private resumeDepth: i32;
  private chunk: usize;
  /** The number of bytes in the chunks before the current one. */
  private passed: u64;
  private rootStart: u64;
  private rootEnd: u64;
  /** The depth at which documents begin: 1 in a list of documents, otherwise 0. */
  private rootDepth: u32;
  /** The bytes of the value that is being skipped are returned. */
  private captures: bool;
  /** The address of the first captured byte that has not been returned; 0 before the captured value begins. */
  private captureFrom: usize;

  static create(): Tokenizer {
    const self = changetype<Tokenizer>(heap.alloc(offsetof<Tokenizer>() + SCALAR_READER_SIZE + NESTING_SIZE));
    self.reset();
    return self;
  }

  /** Prepares for another document. */
  reset(): void {
    // Field by field, because the instruction that fills memory calls the runtime.
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

  /** The address of the newest key's, string's or number's text, valid until the next call. */
  @inline
  get textAt(): usize {
    return this.scalars.textAt;
  }

  /** The length in bytes of the text that is kept: at most {@link TEXT_LIMIT}, except for captured bytes. */
  @inline
  get textLength(): i32 {
    return this.scalars.textLength;
  }

  /** The length in bytes of the whole text, which may exceed {@link textLength}. */
  @inline
  get textTotal(): u32 {
    return this.scalars.textTotal;
  }

  /** The newest key or string contains escape sequences. */
  @inline
  get textEscaped(): bool {
    return this.scalars.textEscaped;
  }

  /** The newest key or string contains an escaped surrogate without its partner. */
  @inline
  get textLossy(): bool {
    return this.scalars.textLossy;
  }

  /** The offset of the byte after the newest token, in bytes fed since {@link reset}. */
  get tokenEnd(): u64 {
    return this.offsetOf(this.at);
  }

  /** Sets the next chunk of the document. Earlier chunks must be used up. The bytes must stay in place while they are read. */
  feed(at: usize, length: usize): void {
    this.passed += this.at - this.chunk;
    this.chunk = at;
    this.at = at;
    this.end = at + length;
    if (this.captureFrom) this.captureFrom = at;
  }

  /** The address of the next byte to read. */
  @inline
  get readAt(): usize {
    return this.at;
  }

  /** The address after the current chunk. */
  @inline
  get readEnd(): usize {
    return this.end;
  }

  /** Ignores the next `count` bytes of the chunk. Offsets include them. */
  leaveOut(count: usize): void {
    this.at += count;
  }

  /** Called when all ignored bytes since the start of the array are complete elements: a comma or the end of the array comes
   *  next. */
  skipToElementEnd(): void {
    this.expect = Expect.CommaOrEnd;
  }

  /** Reads bytes that {@link leaveOut} has ignored since the newest token, from their copy: `count` bytes at `at`. No byte of
   *  the current chunk may have been read. Feed that chunk again when these bytes are used up. */
  readLeftOut(at: usize, count: usize): void {
    this.feed(at, count);
    this.passed -= count;
  }

  /** Skips the value of the key that was just read. */
  skipValue(): void {
    // Most values are scalars directly after the colon.
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

  /** Returns the bytes of the value of the key that was just read, as {@link Token.Part}s and one {@link Token.LastPart}. Each
   *  has `textLength` bytes at `textAt`. */
  captureValue(): void {
    this.skipAhead();
    this.captures = true;
  }

  /** Skips everything up to the end of the next value at the current depth. */
  private skipAhead(): void {
    this.resumeDepth = this.nesting.depth;
  }

  /** Skips the rest of the innermost open container, including its end. */
  skipContainer(): void {
    this.resumeDepth = this.nesting.depth - 1;
  }

  /** Treats the array that was just opened at the root as a list of documents. */
  enterList(): void {
    this.rootDepth = 1;
  }

  /** Whether the bytes so far are one complete JSON document, or a complete list of documents. */
  get complete(): bool {
    if (this.fault != Fault.None) return false;
    if (this.expect == Expect.Nothing) return true;
    return this.nesting.depth == 0 && this.scalars.isCompleteNumber;
  }

  /** Whether all bytes so far are white space. */
  get blank(): bool {
    return this.expect == Expect.Value && this.nesting.depth == 0 && this.scalars.open == Scalar.None && !this.fault;
  }

  /** The offset of the root object's or array's first byte, in bytes fed since {@link reset}. In a list of documents, that of
   *  the newest document. */
  get documentStart(): u64 {
    return this.rootStart;
  }

  /** The offset of the byte after the document that begins at {@link documentStart}, once that document is closed. */
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

  /** Skips the contents of containers as far as {@link skipInside} can. */
  private skip(): void {
    this.at = skipInside(this.nesting, this.resumeDepth + 1, this.expect, this.at, this.end);
    this.expect = expected;
  }

  /** Called when the bytes are used up. Returns Part if some of them were captured, otherwise More. */
  private usedUp(): Token {
    return this.captureFrom && this.captureFrom < this.end ? this.handOut(Token.Part) : Token.More;
  }

  /** Whether a captured value has just ended. */
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

  /** Reads the next byte. Returns its token; More if it does not complete one. */
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
      // Most strings are complete in a chunk and contain no escape sequence. Their bytes need no copy.
      this.at = stop + 1;
      this.scalars.setPlainString(from, <u32>(stop - from));
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
