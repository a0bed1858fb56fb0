import { TestModule } from "../../unit/module.ts";
import type { Event } from "../event.ts";
import { feedAll } from "./chunks.ts";

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  hasIds(): number;
}

let events: Event[] = [];

const module: TestModule<Exports> = new TestModule("sse", {
  data(at: number, length: number, start: number): void {
    const text = module.bytes(at, length);
    // A line feed is in no line's data: it joins two lines, and has no byte of its own in the stream.
    const isJoint = text.toString() === "\n";
    events.push({ start, end: isJoint ? start : start + length, name: "Data", text, isPiece: !isJoint });
  },
  end(isMessage: number, isEndpoint: number, isEndMark: number, start: number, end: number): void {
    const type = isMessage !== 0 ? "message" : isEndpoint !== 0 ? "endpoint" : "other";
    events.push({ start, end, name: `Event type=${type}${isEndMark !== 0 ? " [DONE]" : ""}` });
  },
});

/** Traces the events of an event stream. */
export function readEvents(chunks: readonly Uint8Array[]): Event[] {
  const { exports } = module;
  events = [];
  exports.begin();
  const size = feedAll(chunks, (chunk) => module.lend(chunk, (at, length) => exports.feed(at, length)));
  const name = exports.hasIds() !== 0 ? "EndOfInput with ids" : "EndOfInput";
  return [...events, { start: size, name }];
}
