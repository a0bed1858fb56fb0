import { TraceEncoding } from "../../../assembly/config/trace_config";
import { Bytes } from "../../../assembly/memory/bytes";
import { Batch } from "../../../assembly/trace/export/batch";
import { SpanRing } from "../../../assembly/trace/export/span_ring";
import { ATTRIBUTE_NAMES, Attribute } from "../../../assembly/trace/otlp/attribute";
import { envelopeOf, spanWriterOf } from "../../../assembly/trace/otlp/encodings";
import { rejectedByJson, rejectedByProtobuf } from "../../../assembly/trace/otlp/export_response";
import { Resource } from "../../../assembly/trace/otlp/resource";
import { SPAN_EVENT_NAMES, SpanEvent, SpanKind, SpanWriter } from "../../../assembly/trace/otlp/span_writer";

export { allocate } from "./common/allocate";

let encoding = TraceEncoding.Protobuf;
let writer: SpanWriter = spanWriterOf(encoding);
let resource = new Resource("scope", "1");
const ring = new SpanRing();
const batch = new Batch();

/** Starts a request in this encoding. */
export function open(as: TraceEncoding): void {
  encoding = as;
  writer = spanWriterOf(as);
  resource = new Resource("mcp-proxy-wasm", "1.2.3");
  ring.clear();
}

export function describe(at: usize, nameLength: i32, valueLength: i32): void {
  const value = Bytes.copy(at + nameLength, valueLength);
  resource.add(String.UTF8.decodeUnsafe(at, nameLength), value);
}

/** The target follows the method. */
export function begin(
  traceHigh: u64,
  traceLow: u64,
  spanId: u64,
  parentId: u64,
  kind: SpanKind,
  isError: bool,
  startedAt: u64,
  endedAt: u64,
  at: usize,
  methodLength: i32,
  targetLength: i32,
): void {
  const target = at + methodLength;
  writer.begin(
    traceHigh,
    traceLow,
    spanId,
    parentId,
    kind,
    isError,
    startedAt,
    endedAt,
    at,
    methodLength,
    target,
    targetLength,
  );
}

export function text(attribute: Attribute, at: usize, length: i32): void {
  writer.text(attribute, at, length);
}

export function integer(attribute: Attribute, value: i64): void {
  writer.integer(attribute, value);
}

export function event(event: SpanEvent, at: u64): void {
  writer.event(event, at);
}

export function droppedEvents(count: u32): void {
  writer.droppedEvents(count);
}

export function link(traceHigh: u64, traceLow: u64, spanId: u64, at: usize, length: i32): void {
  writer.link(traceHigh, traceLow, spanId, at, length);
}

/** Interrupts the span to write another one, and then continues it. */
export function interrupt(hasLinks: bool): void {
  const length = writer.length;
  const kept = heap.alloc(length);
  memory.copy(kept, writer.at, length);
  writer.begin(1, 2, 3, 0, SpanKind.Internal, true, 1, 2, kept, length, 0, 0);
  writer.event(SpanEvent.Progress, 1);
  writer.link(1, 2, 3, kept, 1);
  writer.end();
  writer.resume(kept, length, hasLinks);
  heap.free(kept);
}

/** Ends the span and adds it to the request. */
export function end(): void {
  writer.end();
  assert(ring.push(writer.at, writer.length) == 0);
}

/** The request of all spans since {@link open}: its address and its length. */
export function request(): usize {
  batch.clear();
  batch.fill(ring, envelopeOf(encoding, resource), 0);
  assert(ring.count == 0);
  return batch.at;
}

export function requestLength(): i32 {
  return batch.length;
}

/** Writes a number of ordinary spans without adding them. */
export function write(count: i32, at: usize, length: i32): void {
  for (let i = 0; i < count; i++) {
    const now: u64 = 1_795_000_000_000_000_000 + i;
    writer.begin(i, 2, 3, 4, SpanKind.Server, false, now, now + 1, at, length, at, length);
    for (let attribute = Attribute.McpMethodName; attribute <= Attribute.McpOutcome; attribute++) {
      writer.text(attribute, at, length);
    }
    for (let attribute = Attribute.McpRequestSize; attribute <= Attribute.McpTokensResult; attribute++) {
      writer.integer(attribute, i);
    }
    writer.event(SpanEvent.FirstByte, now);
    writer.link(1, 2, 3, at, 4);
    writer.end();
  }
}

export function attributeName(attribute: Attribute): string {
  return ATTRIBUTE_NAMES[attribute];
}

export function attributeCount(): i32 {
  return ATTRIBUTE_NAMES.length;
}

export function eventName(event: SpanEvent): string {
  return SPAN_EVENT_NAMES[event];
}

export function eventCount(): i32 {
  return SPAN_EVENT_NAMES.length;
}

export function rejected(as: TraceEncoding, at: usize, length: usize): u64 {
  return as == TraceEncoding.Json ? rejectedByJson(at, length) : rejectedByProtobuf(at, length);
}
