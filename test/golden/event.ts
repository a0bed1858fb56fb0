import { show } from "./notation.ts";

/** One line of a trace: what a reader found, and where. */
export interface Event {
  /** Offset of its first byte in the input. */
  readonly start: number;
  /** Offset of the byte after its last one; undefined where only a place is known. */
  readonly end?: number;
  /** A state that is seen only once a chunk has been read, `start` being that of the chunk: the end of that chunk. */
  readonly chunkEnd?: number;
  readonly name: string;
  /** The text, or as much of it as the reader keeps. */
  readonly text?: Buffer;
  /** Bytes of the whole text. */
  readonly total?: number;
  /** It is joined with the next one if that is a piece as well and follows without a gap. */
  readonly isPiece?: boolean;
}

/** Reads an input that comes in chunks. `settings` are the words behind the name of the trace's block. */
export type Reader = (chunks: readonly Uint8Array[], settings: readonly string[]) => Event[];

/** Joins pieces, except where one ends at one of `cuts`. */
export function join(events: readonly Event[], cuts: readonly number[]): Event[] {
  const joined: Event[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (last?.isPiece && event.isPiece && last.end === event.start && !cuts.includes(event.start)) {
      joined[joined.length - 1] = { ...event, start: last.start, text: Buffer.concat([last.text!, event.text!]) };
    } else {
      joined.push(event);
    }
  }
  return joined;
}

/** A line of a trace. */
export function line({ start, end, name, text, total = text?.length }: Event): string {
  const place = end === undefined ? `off=${start}` : `off=${start} len=${end - start}`;
  if (text === undefined) return `${place} ${name}`;
  return `${place} ${name}="${show(text)}"${total === text.length ? "" : ` of ${total} bytes`}`;
}
