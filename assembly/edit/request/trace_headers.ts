import { HeaderMap } from "../../host/header_map";
import { TRACEPARENT_SIZE, TRACE_CONTEXT_SIZE, TraceContext } from "../../http/trace_context";
import { QUOTE } from "../../json/characters";
import { FieldReader, FieldTree, Found } from "../../json/fields";
import { Token } from "../../json/token";
import { ValueText } from "../../json/value_text";

/**
 * Maximum length in bytes of a `tracestate` that is passed on: the minimum that W3C Trace Context (section 3.3.1.5)
 * requires.
 */
const STATE_LIMIT: usize = 512;
const SPACE: u8 = 0x20;
const TILDE: u8 = 0x7e;

const TRACEPARENT: i32 = 1;
const TRACESTATE: i32 = 2;

/** Buffer for the text of a `traceparent`; valid until the next one. */
const written: usize = memory.data(56);

if (TRACEPARENT_SIZE > 56) ERROR("A traceparent has no room.");

/** A trace context and its `tracestate`. */
class StatedContext {
  private readonly block: usize = heap.alloc(TRACE_CONTEXT_SIZE + STATE_LIMIT);
  /** Length of the `tracestate` in bytes; 0 if there is none or it is not valid in a header. */
  stateLength: usize = 0;

  @inline
  get context(): TraceContext {
    return changetype<TraceContext>(this.block);
  }

  @inline
  get state(): usize {
    return this.block + TRACE_CONTEXT_SIZE;
  }

  clear(): void {
    this.context.clear();
    this.stateLength = 0;
  }

  copy(other: StatedContext): void {
    memory.copy(this.block, other.block, TRACE_CONTEXT_SIZE + STATE_LIMIT);
    this.stateLength = other.stateLength;
  }

  equals(other: StatedContext): bool {
    const length = this.stateLength;
    if (!this.context.isSame(other.context) || this.context.flags != other.context.flags) return false;
    return length == other.stateLength && memory.compare(this.state, other.state, length) == 0;
  }
}

/**
 * Copies the trace context in the `_meta` of a request's messages (2026-07-28, basic/index, "Trace Context") to the
 * request's headers, but only if all contexts in its messages are the same. Reads one request at a time.
 */
export class TraceHeaders {
  private tree: FieldTree = contextFields();
  private fields: FieldReader = FieldReader.create(this.tree);
  private stateText: ValueText = ValueText.create();
  /** The context in the current message. */
  private current: StatedContext = new StatedContext();
  /** The context in the messages before the current one. */
  private found: StatedContext = new StatedContext();
  /** Messages have different contexts. */
  private isMixed: bool = false;
  /** A `tracestate` value has begun. */
  private hasBegun: bool = false;
  /** The current `tracestate` value is a string without invalid bytes so far. */
  private isSound: bool = false;

  constructor(private headers: HeaderMap) {}

  /** Begins the body of a request. */
  begin(): void {
    this.fields.reset(this.tree);
    this.found.clear();
    this.isMixed = false;
    this.beginMessage();
  }

  /** Reads bytes of the body. */
  feed(at: usize, length: usize): void {
    const fields = this.fields;
    const tokens = fields.tokens;
    tokens.feed(at, length);
    while (true) {
      switch (fields.next()) {
        case Found.Field:
          this.current.context.read(tokens.textAt, fields.value == Token.String ? tokens.textLength : 0);
          break;
        case Found.Part:
          this.readState(tokens.textAt, tokens.textLength);
          break;
        case Found.LastPart:
          this.readState(tokens.textAt, tokens.textLength);
          this.endState();
          break;
        case Found.DocumentEnd:
          this.endMessage();
          break;
        default:
          return;
      }
    }
  }

  /** The context that {@link apply} has written to the headers. */
  get context(): TraceContext {
    return this.found.context;
  }

  /** Ends the body: sets `traceparent`, and sets or removes `tracestate`, if a context was found. Must be called
   *  while the headers are held, otherwise it has no effect. Returns whether the headers were set. */
  apply(): bool {
    const fields = this.fields;
    if (!fields.tokens.complete) return false;
    if (!fields.isList) this.endMessage();
    const found = this.found;
    if (this.isMixed || !found.context.isThere) return false;
    found.context.write(written);
    const headers = this.headers;
    if (!headers.replace("traceparent", written, TRACEPARENT_SIZE)) return false;
    if (found.stateLength) headers.replace("tracestate", found.state, <i32>found.stateLength);
    else headers.remove("tracestate");
    return true;
  }

  private beginMessage(): void {
    this.fields.present = 0;
    this.current.clear();
    this.hasBegun = false;
  }

  private endMessage(): void {
    const current = this.current;
    const found = this.found;
    // Of duplicate `_meta` members, the last one counts.
    const isThere = this.fields.has(TRACEPARENT) && current.context.isThere;
    if (isThere && !found.context.isThere) found.copy(current);
    else if (isThere && !found.equals(current)) this.isMixed = true;
    this.beginMessage();
  }

  /** Reads bytes of the JSON value of `tracestate`. */
  private readState(at: usize, length: usize): void {
    if (length == 0) return;
    const text = this.stateText;
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.isSound = load<u8>(at) == QUOTE;
      this.current.stateLength = 0;
      text.reset();
    }
    text.feed(at, length);
    while (this.isSound && text.next()) this.appendState(text.at, text.length);
  }

  private appendState(at: usize, length: usize): void {
    const current = this.current;
    const size = current.stateLength;
    this.isSound = size + length <= STATE_LIMIT && isPrintable(at, length);
    if (!this.isSound) return;
    memory.copy(current.state + size, at, length);
    current.stateLength = size + length;
  }

  /** Ends the value, and trims spaces, which a header value cannot have at its ends. */
  private endState(): void {
    this.hasBegun = false;
    const current = this.current;
    const state = current.state;
    let length = this.isSound ? current.stateLength : 0;
    let from: usize = 0;
    while (from < length && load<u8>(state + from) == SPACE) from++;
    while (length > from && load<u8>(state + length - 1) == SPACE) length--;
    memory.copy(state, state + from, length - from);
    current.stateLength = length - from;
  }
}

function contextFields(): FieldTree {
  const tree = new FieldTree();
  tree.add(TRACEPARENT, ["params", "_meta", "traceparent"]);
  tree.capture(TRACESTATE, ["params", "_meta", "tracestate"]);
  return tree;
}

function isPrintable(at: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    const byte = load<u8>(at + i);
    if (byte < SPACE || byte > TILDE) return false;
  }
  return true;
}
