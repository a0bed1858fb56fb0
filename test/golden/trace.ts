import { expect } from "vitest";

import { halves, single } from "../unit/chunks.ts";
import { type Event, type Reader, join, line } from "./event.ts";
import type { Input } from "./notation.ts";

/** The trace of an input: a line for each event. Fails unless every way to cut the input gives the same events. */
export function trace(reader: Reader, settings: readonly string[], { bytes, cuts }: Input): string {
  const byteByByte = reader(single(bytes), settings);
  const place = byteByByte.find(({ chunkEnd }) => chunkEnd !== undefined)?.start;
  const written = locate(reader(split(bytes, cuts), settings), place);
  const expected = linesOf(written);
  const check = (events: Event[], how: string): void => {
    const lines = linesOf(locate(events, place));
    // Comparing texts is faster, and there are many cuts.
    if (lines.join("\n") !== expected.join("\n")) expect(lines, how).toEqual(expected);
  };
  check(byteByByte, "byte by byte");
  check(reader([bytes], settings), "in one chunk");
  for (const chunks of halves(bytes)) check(reader(chunks, settings), `cut at ${chunks[0].length}`);
  return linesOf(written, cuts).join("\n");
}

function linesOf(events: readonly Event[], cuts: readonly number[] = []): string[] {
  return join(events, cuts).map(line);
}

/** The events of an input, each that is seen only after its chunk placed at `place`, if that lies in the chunk. */
function locate(events: readonly Event[], place: number | undefined): Event[] {
  return events.map((event) => {
    const isThere =
      place !== undefined && event.chunkEnd !== undefined && event.start <= place && place < event.chunkEnd;
    return isThere ? { ...event, start: place } : event;
  });
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const starts = [0, ...cuts];
  return starts.map((start, i) => bytes.subarray(start, starts[i + 1]));
}
