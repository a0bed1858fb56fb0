import { createParser } from "eventsource-parser";

import { TestModule } from "../module.ts";

/** An event as far as it concerns us. */
export interface SseEvent {
  readonly isMessage: boolean;
  readonly data: string;
}

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
}

let events: SseEvent[] = [];
let data: Buffer[] = [];

const module: TestModule<Exports> = new TestModule("sse", {
  data(at: number, length: number): void {
    if (length === 0) throw new Error("data without a byte");
    data.push(module.bytes(at, length));
  },
  end(isMessage: number): void {
    events.push({ isMessage: isMessage !== 0, data: Buffer.concat(data).toString() });
    data = [];
  },
});

/** The events that our reader finds in a stream that comes in chunks. */
export function readEvents(chunks: readonly Uint8Array[]): SseEvent[] {
  events = [];
  data = [];
  module.exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => module.exports.feed(at, length));
  return events;
}

/**
 * The events that eventsource-parser finds. At one spot it leaves the standard, and no generator goes there: it takes the
 * three characters U+00EF, U+00BB, U+00BF at the start of decoded text for a byte order mark.
 */
export function parseEvents(stream: Uint8Array): SseEvent[] {
  const found: SseEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = "message", data }) => found.push({ isMessage: event === "message", data }),
  });
  // The byte order mark goes in decoding, as in eventsource-parser's own stream.
  const text = new TextDecoder().decode(stream);
  parser.feed(text);
  // It waits for what follows a carriage return, so that one at the very end ends no line, as the standard has it: a line
  // feed belongs to that line's end and makes it go on.
  if (text.endsWith("\r")) parser.feed("\n");
  return found;
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
