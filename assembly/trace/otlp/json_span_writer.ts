import { HEX_SIZE, writeHex } from "../../memory/hex";
import { permanentBytes } from "../../memory/bytes";
import { ATTRIBUTE_NAMES, Attribute } from "./attribute";
import { cleanAt, cleanLength, cleanText } from "./clean_text";
import { writeDecimal, writeSigned } from "./decimal";
import { SPAN_EVENT_NAMES, SPAN_TEXT_LIMIT, SpanEvent, SpanKind, SpanWriter } from "./span_writer";

const QUOTE: u8 = 0x22;
const COMMA: u8 = 0x2c;
const BACKSLASH: u8 = 0x5c;
const OPEN_ARRAY: u8 = 0x5b;
const CLOSE_ARRAY: u8 = 0x5d;
const CLOSE_OBJECT: u8 = 0x7d;
const BLANK: u8 = 0x20;

/** The array of the span that is open. */
enum Section {
  Attributes,
  Events,
  Links,
  None,
}

/** ASCII text that is the same in all spans. Never freed. */
@unmanaged
class Literal {
  at: usize;
  length: i32;

  static of(text: string): Literal {
    const literal = changetype<Literal>(heap.alloc(offsetof<Literal>()));
    literal.at = permanentBytes(text);
    literal.length = text.length;
    return literal;
  }
}

/** Literals with names between `before` and `after`. Returns the address of an array of their addresses. */
function literals(names: string[], before: string, after: string): usize {
  const table = heap.alloc(names.length * sizeof<usize>());
  for (let i = 0; i < names.length; i++) {
    store<usize>(table + i * sizeof<usize>(), changetype<usize>(Literal.of(before + names[i] + after)));
  }
  return table;
}

/**
 * Writes spans in the JSON encoding of OTLP: ids in hexadecimal digits, 64-bit integers as strings, enums as integers.
 */
export class JsonSpanWriter extends SpanWriter {
  private keys: usize = literals(ATTRIBUTE_NAMES, '{"key":"', '","value":{"');
  private eventNames: usize = literals(SPAN_EVENT_NAMES, '"name":"', '"}');
  private traceId: Literal = Literal.of('{"traceId":"');
  private spanId: Literal = Literal.of('","spanId":"');
  private parentId: Literal = Literal.of('","parentSpanId":"');
  private spanName: Literal = Literal.of('","name":');
  private kind: Literal = Literal.of(',"kind":');
  private start: Literal = Literal.of(',"startTimeUnixNano":"');
  private finish: Literal = Literal.of('","endTimeUnixNano":"');
  private status: Literal = Literal.of('","status":{"code":2');
  private attributes: Literal = Literal.of('},"attributes":[');
  private attributesUnset: Literal = Literal.of('","attributes":[');
  private string: Literal = Literal.of('stringValue":');
  private int: Literal = Literal.of('intValue":"');
  private events: Literal = Literal.of(',"events":[');
  private time: Literal = Literal.of('{"timeUnixNano":"');
  private links: Literal = Literal.of(',"links":[');
  private linkAttributes: Literal = Literal.of('","attributes":[');
  private dropped: Literal = Literal.of(',"droppedEventsCount":');
  private section: Section = Section.None;

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
    this.put(COMMA);
    this.literal(this.traceId);
    this.hex(traceHigh);
    this.hex(traceLow);
    this.literal(this.spanId);
    this.hex(spanId);
    if (parentId) {
      this.literal(this.parentId);
      this.hex(parentId);
    }
    this.literal(this.spanName);
    this.put(QUOTE);
    this.escaped(method, methodLength);
    if (targetLength) {
      this.put(BLANK);
      this.escaped(target, targetLength);
    }
    this.put(QUOTE);
    this.literal(this.kind);
    this.put(<u8>(0x30 + <i32>kind));
    this.literal(this.start);
    this.number(startedAt);
    this.literal(this.finish);
    this.number(endedAt);
    if (isError) this.literal(this.status);
    this.literal(isError ? this.attributes : this.attributesUnset);
    this.section = Section.Attributes;
  }

  text(attribute: Attribute, at: usize, length: i32): void {
    this.makeRoom(0);
    this.separate();
    this.textAttribute(attribute, at, length);
  }

  integer(attribute: Attribute, value: i64): void {
    this.makeRoom(0);
    this.separate();
    this.key(attribute);
    this.literal(this.int);
    this.length += writeSigned(this.at + this.length, value);
    this.put(QUOTE);
    this.put(CLOSE_OBJECT);
    this.put(CLOSE_OBJECT);
  }

  event(event: SpanEvent, at: u64): void {
    this.makeRoom(0);
    this.open(Section.Events, this.events);
    this.literal(this.time);
    this.number(at);
    this.put(QUOTE);
    this.put(COMMA);
    this.literal(changetype<Literal>(load<usize>(this.eventNames + <usize>event * sizeof<usize>())));
  }

  droppedEvents(count: u32): void {
    this.makeRoom(0);
    this.closeSection();
    this.literal(this.dropped);
    this.number(count);
  }

  link(traceHigh: u64, traceLow: u64, spanId: u64, type: usize, typeLength: i32): void {
    this.makeRoom(0);
    this.open(Section.Links, this.links);
    this.literal(this.traceId);
    this.hex(traceHigh);
    this.hex(traceLow);
    this.literal(this.spanId);
    this.hex(spanId);
    this.literal(this.linkAttributes);
    this.textAttribute(Attribute.McpLinkType, type, typeLength);
    this.put(CLOSE_ARRAY);
    this.put(CLOSE_OBJECT);
  }

  end(): void {
    this.makeRoom(0);
    this.closeSection();
    this.put(CLOSE_OBJECT);
  }

  resume(at: usize, length: i32, hasLinks: bool): void {
    super.resume(at, length, hasLinks);
    // The number of dropped events comes after a closed array.
    const last = load<u8>(this.at + length - 1);
    const isOpen = last == OPEN_ARRAY || last == CLOSE_OBJECT;
    this.section = hasLinks ? Section.Links : isOpen ? Section.Attributes : Section.None;
  }

  /** Begins an element of the array of this section, and the array itself unless it is open. */
  private open(section: Section, beginning: Literal): void {
    if (this.section != section) {
      this.closeSection();
      this.literal(beginning);
      this.section = section;
    }
    this.separate();
  }

  private closeSection(): void {
    if (this.section == Section.None) return;
    this.put(CLOSE_ARRAY);
    this.section = Section.None;
  }

  /** Writes a comma, except before the first element of an array. */
  private separate(): void {
    if (load<u8>(this.at + this.length - 1) != OPEN_ARRAY) this.put(COMMA);
  }

  private textAttribute(attribute: Attribute, at: usize, length: i32): void {
    this.key(attribute);
    this.literal(this.string);
    this.put(QUOTE);
    this.escaped(at, length);
    this.put(QUOTE);
    this.put(CLOSE_OBJECT);
    this.put(CLOSE_OBJECT);
  }

  private key(attribute: Attribute): void {
    this.literal(changetype<Literal>(load<usize>(this.keys + <usize>attribute * sizeof<usize>())));
  }

  @inline
  private put(byte: u8): void {
    store<u8>(this.at + this.length++, byte);
  }

  @inline
  private literal(literal: Literal): void {
    memory.copy(this.at + this.length, literal.at, literal.length);
    this.length += literal.length;
  }

  private hex(value: u64): void {
    writeHex(this.at + this.length, value);
    this.length += HEX_SIZE;
  }

  private number(value: u64): void {
    this.length += writeDecimal(this.at + this.length, value);
  }

  /** Writes an escaped text without its quotes. */
  private escaped(at: usize, length: i32): void {
    cleanText(at, length, SPAN_TEXT_LIMIT);
    this.length = <i32>(putEscaped(this.at + this.length, cleanAt, cleanLength) - this.at);
  }
}

/** Writes UTF-8 escaped for a JSON string: at most six times as long. Returns the address after it. */
function putEscaped(to: usize, at: usize, length: i32): usize {
  for (const end = at + length; at < end; at++) {
    const byte = load<u8>(at);
    if (byte < 0x20) {
      // \u00 and two digits.
      store<u32>(to, 0x3030755c);
      store<u8>(to + 4, 0x30 + (byte >> 4));
      store<u8>(to + 5, (byte & 15) < 10 ? 0x30 + (byte & 15) : 0x57 + (byte & 15));
      to += 6;
      continue;
    }
    if (byte == QUOTE || byte == BACKSLASH) store<u8>(to++, BACKSLASH);
    store<u8>(to++, byte);
  }
  return to;
}
