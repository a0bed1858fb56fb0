import { ID_KINDS, KINDS, FAULTS } from "../../unit/jsonrpc/reader.ts";
import { show } from "../notation.ts";
import type { Event } from "../event.ts";

/** The faults of one input. */
export class Faults {
  #chunk = { start: 0, chunkEnd: 0 };
  #hasFault = false;

  /** A chunk is about to be read. */
  beginChunk(start: number, chunkEnd: number): void {
    this.#chunk = { start, chunkEnd };
  }

  /** The event of a fault; undefined where it was already reported. `isEnd`: the reader found it at the end of a message,
   *  having read to `readTo`; otherwise somewhere in the chunk. */
  event(fault: number, readTo: number, isEnd: boolean): Event | undefined {
    if (this.#hasFault) return undefined;
    const name = `Fault=${FAULTS[fault]}`;
    if (isEnd) return { start: readTo, name };
    this.#hasFault = true;
    return { ...this.#chunk, name };
  }
}

/** A message's kind and id. */
export function envelope(kind: number, idKind: number, idText: Buffer): string {
  const idName = ID_KINDS[idKind];
  if (idName === "Absent") return KINDS[kind];
  const id = idName === "String" ? `"${show(idText)}"` : idName === "Number" ? show(idText) : idName.toLowerCase();
  return `${KINDS[kind]} id=${id}`;
}
