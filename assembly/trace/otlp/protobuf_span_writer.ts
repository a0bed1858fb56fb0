import { permanentBytes } from "../../memory/bytes";
import { ATTRIBUTE_NAMES, Attribute } from "./attribute";
import { cleanAt, cleanLength, cleanText } from "./clean_text";
import { fieldSize, putBytes, putField, putVarint, varintSize } from "./protobuf";
import { SPAN_EVENT_NAMES, SPAN_TEXT_LIMIT, SpanEvent, SpanKind, SpanWriter } from "./span_writer";

/** Tags: a field's number and its wire type (0 varint, 1 64 bits, 2 bytes), as in opentelemetry-proto's trace.proto. */
const SPAN_TRACE_ID: u8 = (1 << 3) | 2;
const SPAN_SPAN_ID: u8 = (2 << 3) | 2;
const SPAN_PARENT_ID: u8 = (4 << 3) | 2;
const SPAN_NAME: u8 = (5 << 3) | 2;
const SPAN_KIND: u8 = 6 << 3;
const SPAN_START: u8 = (7 << 3) | 1;
const SPAN_END: u8 = (8 << 3) | 1;
const SPAN_ATTRIBUTES: u8 = (9 << 3) | 2;
const SPAN_EVENTS: u8 = (11 << 3) | 2;
const SPAN_DROPPED_EVENTS: u8 = 12 << 3;
const SPAN_LINKS: u8 = (13 << 3) | 2;
const SPAN_STATUS: u8 = (15 << 3) | 2;
const STATUS_CODE: u8 = 3 << 3;
const STATUS_ERROR: u8 = 2;
const EVENT_TIME: u8 = (1 << 3) | 1;
const EVENT_NAME: u8 = (2 << 3) | 2;
const LINK_TRACE_ID: u8 = (1 << 3) | 2;
const LINK_SPAN_ID: u8 = (2 << 3) | 2;
const LINK_ATTRIBUTES: u8 = (4 << 3) | 2;
const KEY_VALUE_KEY: u8 = (1 << 3) | 2;
const KEY_VALUE_VALUE: u8 = (2 << 3) | 2;
const VALUE_STRING: u8 = (1 << 3) | 2;
const VALUE_INTEGER: u8 = 3 << 3;
/** The tag of a span in `ScopeSpans`. */
const SCOPE_SPAN: u8 = (2 << 3) | 2;

const TRACE_ID_SIZE: i32 = 16;
const SPAN_ID_SIZE: i32 = 8;
const TIME_SIZE: i32 = 8;
const BLANK: u8 = 0x20;

/** A name with the beginning of its field before it: bytes that are the same in all spans. Never freed. */
@unmanaged
class EncodedName {
  at: usize;
  length: i32;
}

/**
 * Encodes ASCII names of less than 128 bytes as fields of this tag. Returns the address of an array of {@link
 * EncodedName}.
 */
function encode(names: string[], tag: u8): usize {
  const table = heap.alloc(names.length * offsetof<EncodedName>());
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const at = heap.alloc(fieldSize(name.length));
    const text = permanentBytes(name);
    putBytes(putField(at, tag, name.length), text, name.length);
    heap.free(text);
    const entry = changetype<EncodedName>(table + i * offsetof<EncodedName>());
    entry.at = at;
    entry.length = fieldSize(name.length);
  }
  return table;
}

/** Writes spans in the protobuf encoding. */
export class ProtobufSpanWriter extends SpanWriter {
  private keys: usize = encode(ATTRIBUTE_NAMES, KEY_VALUE_KEY);
  private events: usize = encode(SPAN_EVENT_NAMES, EVENT_NAME);

  begin(
    traceHigh: u64,
    traceLow: u64,
    spanId: u64,
    parentId: u64,
    kind: SpanKind,
    isError: bool,
    startedAt: u64,
    endedAt: u64,
    method: usize,
    methodLength: i32,
    target: usize,
    targetLength: i32,
  ): void {
    this.clear();
    let at = putTraceId(this.at, SPAN_TRACE_ID, traceHigh, traceLow);
    at = putSpanId(at, SPAN_SPAN_ID, spanId);
    if (parentId) at = putSpanId(at, SPAN_PARENT_ID, parentId);
    at = putName(at, method, methodLength, target, targetLength);
    store<u8>(at, SPAN_KIND);
    store<u8>(at + 1, <u8>kind);
    at = putTime(at + 2, SPAN_START, startedAt);
    at = putTime(at, SPAN_END, endedAt);
    if (isError) {
      at = putField(at, SPAN_STATUS, 2);
      store<u8>(at, STATUS_CODE);
      store<u8>(at + 1, STATUS_ERROR);
      at += 2;
    }
    this.length = <i32>(at - this.at);
  }

  text(attribute: Attribute, at: usize, length: i32): void {
    cleanText(at, length, SPAN_TEXT_LIMIT);
    this.makeRoom(0);
    const to = this.at + this.length;
    this.length += <i32>(putTextAttribute(to, SPAN_ATTRIBUTES, this.key(attribute), cleanAt, cleanLength) - to);
  }

  integer(attribute: Attribute, value: i64): void {
    this.makeRoom(0);
    const key = this.key(attribute);
    const valueSize = 1 + varintSize(value);
    let at = this.at + this.length;
    at = putField(at, SPAN_ATTRIBUTES, key.length + fieldSize(valueSize));
    at = putBytes(at, key.at, key.length);
    at = putField(at, KEY_VALUE_VALUE, valueSize);
    store<u8>(at, VALUE_INTEGER);
    this.length = <i32>(putVarint(at + 1, value) - this.at);
  }

  event(event: SpanEvent, time: u64): void {
    this.makeRoom(0);
    const name = changetype<EncodedName>(this.events + <usize>event * offsetof<EncodedName>());
    let at = putField(this.at + this.length, SPAN_EVENTS, 1 + TIME_SIZE + name.length);
    at = putTime(at, EVENT_TIME, time);
    this.length = <i32>(putBytes(at, name.at, name.length) - this.at);
  }

  droppedEvents(count: u32): void {
    this.makeRoom(0);
    const at = this.at + this.length;
    store<u8>(at, SPAN_DROPPED_EVENTS);
    this.length = <i32>(putVarint(at + 1, count) - this.at);
  }

  link(traceHigh: u64, traceLow: u64, spanId: u64, type: usize, typeLength: i32): void {
    this.makeRoom(0);
    const key = this.key(Attribute.McpLinkType);
    const attributeSize = textAttributeSize(key, typeLength);
    const size = fieldSize(TRACE_ID_SIZE) + fieldSize(SPAN_ID_SIZE) + fieldSize(attributeSize);
    let at = putField(this.at + this.length, SPAN_LINKS, size);
    at = putTraceId(at, LINK_TRACE_ID, traceHigh, traceLow);
    at = putSpanId(at, LINK_SPAN_ID, spanId);
    this.length = <i32>(putTextAttribute(at, LINK_ATTRIBUTES, key, type, typeLength) - this.at);
  }

  end(): void {
    const frame = 1 + varintSize(this.length);
    putField(this.at - frame, SCOPE_SPAN, this.length);
    this.at -= frame;
    this.length += frame;
  }

  @inline
  private key(attribute: Attribute): EncodedName {
    return changetype<EncodedName>(this.keys + <usize>attribute * offsetof<EncodedName>());
  }
}

/** Size in bytes of a `KeyValue` whose value is a text of `length` bytes. */
@inline
function textAttributeSize(key: EncodedName, length: i32): i32 {
  return key.length + fieldSize(fieldSize(length));
}

/** Writes a field that is a `KeyValue` whose value is a text. */
function putTextAttribute(at: usize, tag: u8, key: EncodedName, text: usize, length: i32): usize {
  at = putField(at, tag, textAttributeSize(key, length));
  at = putBytes(at, key.at, key.length);
  at = putField(at, KEY_VALUE_VALUE, fieldSize(length));
  at = putField(at, VALUE_STRING, length);
  return putBytes(at, text, length);
}

function putName(at: usize, method: usize, methodLength: i32, target: usize, targetLength: i32): usize {
  const start = at;
  // Leaves room for the beginning of the field: the length of a name this short takes one or two bytes.
  let to = start + 3;
  cleanText(method, methodLength, SPAN_TEXT_LIMIT);
  to = putBytes(to, cleanAt, cleanLength);
  if (targetLength) {
    store<u8>(to, BLANK);
    cleanText(target, targetLength, SPAN_TEXT_LIMIT);
    to = putBytes(to + 1, cleanAt, cleanLength);
  }
  const length = <i32>(to - start) - 3;
  const text = putField(start, SPAN_NAME, length);
  if (text != start + 3) memory.copy(text, start + 3, length);
  return text + length;
}

function putTraceId(at: usize, tag: u8, high: u64, low: u64): usize {
  at = putField(at, tag, TRACE_ID_SIZE);
  store<u64>(at, bswap(high));
  store<u64>(at, bswap(low), 8);
  return at + TRACE_ID_SIZE;
}

function putSpanId(at: usize, tag: u8, id: u64): usize {
  at = putField(at, tag, SPAN_ID_SIZE);
  store<u64>(at, bswap(id));
  return at + SPAN_ID_SIZE;
}

function putTime(at: usize, tag: u8, nanoseconds: u64): usize {
  store<u8>(at, tag);
  store<u64>(at + 1, nanoseconds);
  return at + 1 + TIME_SIZE;
}
