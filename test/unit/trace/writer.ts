import { TestModule } from "../module.ts";
import { fromJson, fromProtobuf } from "./otlp.ts";

export const ENCODINGS = ["protobuf", "json"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Texts are any bytes; times are in nanoseconds. */
export interface WrittenSpan {
  trace: [bigint, bigint];
  id: bigint;
  /** 0n for none. */
  parent: bigint;
  kind: number;
  isError: boolean;
  startedAt: bigint;
  endedAt: bigint;
  method: Uint8Array;
  target: Uint8Array;
  /** By numbers of attributes. */
  attributes: (readonly [number, Uint8Array | bigint])[];
  events: (readonly [number, bigint])[];
  droppedEvents: number;
  links: (readonly [bigint, bigint, bigint, string])[];
  /** The number of links after which another span interrupts it; undefined if none does. */
  interruptedAfter?: number;
}

interface Exports {
  open(encoding: number): void;
  describe(at: number, nameLength: number, valueLength: number): void;
  begin(
    traceHigh: bigint,
    traceLow: bigint,
    spanId: bigint,
    parentId: bigint,
    kind: number,
    isError: boolean,
    startedAt: bigint,
    endedAt: bigint,
    at: number,
    methodLength: number,
    targetLength: number,
  ): void;
  text(attribute: number, at: number, length: number): void;
  integer(attribute: number, value: bigint): void;
  event(event: number, at: bigint): void;
  droppedEvents(count: number): void;
  link(traceHigh: bigint, traceLow: bigint, spanId: bigint, at: number, length: number): void;
  interrupt(hasLinks: boolean): void;
  end(): void;
  request(): number;
  requestLength(): number;
  write(count: number, at: number, length: number): void;
  attributeName(attribute: number): number;
  attributeCount(): number;
  eventName(event: number): number;
  eventCount(): number;
  rejected(encoding: number, at: number, length: number): bigint;
}

const module = new TestModule<Exports>("spans");
const { exports } = module;

export const ATTRIBUTES = Array.from({ length: exports.attributeCount() }, (_, i) =>
  module.string(exports.attributeName(i)),
);
export const EVENTS = Array.from({ length: exports.eventCount() }, (_, i) => module.string(exports.eventName(i)));

/** A request with these spans, byte by byte. */
export function written(
  encoding: Encoding,
  spans: readonly WrittenSpan[],
  resource: Readonly<Record<string, Uint8Array | string>> = {},
): Buffer {
  exports.open(ENCODINGS.indexOf(encoding));
  for (const [name, value] of Object.entries(resource)) {
    const bytes = Buffer.concat([Buffer.from(name), Buffer.from(value)]);
    const nameLength = Buffer.byteLength(name);
    module.lend(bytes, (at) => exports.describe(at, nameLength, bytes.length - nameLength));
  }
  for (const span of spans) write(span);
  return module.bytes(exports.request(), exports.requestLength());
}

/** A request as the official definitions read it. */
export function read(encoding: Encoding, request: Uint8Array): unknown {
  return encoding === "json" ? fromJson(request) : fromProtobuf(request);
}

/** The pages of the module's memory after it has written this many spans. */
export function pagesAfter(encoding: Encoding, count: number): number {
  exports.open(ENCODINGS.indexOf(encoding));
  module.lend(Buffer.from("tools/call of an ordinary length"), (at, length) => exports.write(count, at, length));
  return exports.memory!.buffer.byteLength / 65536;
}

/** How many spans a response rejects. */
export function rejected(encoding: Encoding, response: Uint8Array): number {
  return Number(module.lend(response, (at, length) => exports.rejected(ENCODINGS.indexOf(encoding), at, length)));
}

function write(span: WrittenSpan): void {
  const { trace, id, parent, kind, isError, startedAt, endedAt, method, target, interruptedAfter } = span;
  module.lend(Buffer.concat([method, target]), (at) =>
    exports.begin(...trace, id, parent, kind, isError, startedAt, endedAt, at, method.length, target.length),
  );
  for (const [attribute, value] of span.attributes) {
    if (typeof value === "bigint") exports.integer(attribute, value);
    else module.lend(value, (at, length) => exports.text(attribute, at, length));
  }
  for (const [event, at] of span.events) exports.event(event, at);
  if (span.droppedEvents > 0) exports.droppedEvents(span.droppedEvents);
  span.links.forEach(([high, low, spanId, type], i) => {
    if (interruptedAfter === i) exports.interrupt(i > 0);
    module.lend(Buffer.from(type), (at, length) => exports.link(high, low, spanId, at, length));
  });
  if (interruptedAfter === span.links.length) exports.interrupt(span.links.length > 0);
  exports.end();
}
