import { createParser } from "eventsource-parser";

import { TestModule } from "../module.ts";

/** The relevant parts of an event. */
export interface SseEvent {
  readonly isMessage: boolean;
  /** Set if the event's type is `endpoint`. */
  readonly isEndpoint?: true;
  /** Set if the event's data is `[DONE]`. */
  readonly isEndMark?: true;
  readonly data: string;
}

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  hasIds(): number;
}

let events: SseEvent[] = [];
let data: Buffer[] = [];

/** The position of an event: the offsets of its first byte and of the byte after it, and those of its data's bytes. */
export interface EventSpan {
  readonly start: number;
  readonly end: number;
  readonly dataOffsets: number[];
}

let spans: EventSpan[] = [];
let dataOffsets: number[] = [];

const module: TestModule<Exports> = new TestModule("sse", {
  data(at: number, length: number, start: number): void {
    if (length === 0) throw new Error("data without a byte");
    data.push(module.bytes(at, length));
    for (let i = 0; i < length; i++) dataOffsets.push(start + i);
  },
  end(isMessage: number, isEndpoint: number, isEndMark: number, start: number, end: number): void {
    spans.push({ start, end, dataOffsets });
    dataOffsets = [];
    events.push({
      isMessage: isMessage !== 0,
      ...(isEndpoint !== 0 && { isEndpoint: true }),
      ...(isEndMark !== 0 && { isEndMark: true }),
      data: Buffer.concat(data).toString(),
    });
    data = [];
  },
});

/** The events that our reader finds in a stream that comes in chunks. */
export function readEvents(chunks: readonly Uint8Array[]): SseEvent[] {
  events = [];
  data = [];
  spans = [];
  dataOffsets = [];
  module.exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => module.exports.feed(at, length));
  return events;
}

/** Where our reader finds the events of a stream that comes in chunks. */
export function locateEvents(chunks: readonly Uint8Array[]): EventSpan[] {
  readEvents(chunks);
  return spans;
}

/** Whether our reader finds an event with an id in the stream. */
export function readHasIds(chunks: readonly Uint8Array[]): boolean {
  readEvents(chunks);
  return module.exports.hasIds() !== 0;
}

/**
 * The events that eventsource-parser finds. At one spot it leaves the standard, and no generator goes there: it takes the
 * three characters U+00EF, U+00BB, U+00BF at the start of decoded text for a byte order mark.
 */
export function parseEvents(stream: Uint8Array): SseEvent[] {
  const found: SseEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = "message", data }) => {
      found.push({
        isMessage: event === "message",
        ...(event === "endpoint" && { isEndpoint: true }),
        ...(data === "[DONE]" && { isEndMark: true }),
        data,
      });
    },
  });
  // Decoding removes the byte order mark, as in eventsource-parser's own stream.
  const text = new TextDecoder().decode(stream);
  parser.feed(text);
  // It waits for the byte after a carriage return, so that one at the very end does not end a line, in line with the
  // standard: a line feed would belong to that line end. So a line feed is added.
  if (text.endsWith("\r")) parser.feed("\n");
  return found;
}

/** Whether eventsource-parser finds an event with an id. */
export function parseHasIds(stream: string): boolean {
  let hasIds = false;
  const parser = createParser({
    onEvent: ({ id }) => {
      hasIds ||= id !== undefined && id !== "";
    },
  });
  parser.feed(stream);
  return hasIds;
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
