import { EventPart, EventReader } from "../../../assembly/sse/event_reader";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "data")
declare function traceData(at: usize, length: usize, start: f64): void;

// @ts-ignore: decorator
@external("trace", "end")
declare function traceEnd(isMessage: bool, isEndpoint: bool, isEndMark: bool, start: f64, end: f64): void;

const events = EventReader.create();

export function begin(): void {
  events.reset();
}

export function feed(at: usize, length: usize): void {
  events.feed(at, length);
  for (let part = events.next(); part != EventPart.More; part = events.next()) {
    if (part == EventPart.Data) traceData(events.dataAt, events.dataLength, <f64>events.dataStart);
    else traceEvent();
  }
}

function traceEvent(): void {
  const start = <f64>events.eventStart;
  traceEnd(events.isMessage, events.isEndpoint, events.isEndMark, start, <f64>events.eventEnd);
}

/** Whether an event so far had an id. */
export function hasIds(): bool {
  return events.hasIds;
}
