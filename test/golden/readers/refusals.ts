import { ID_KINDS, KINDS, REFUSALS } from "../../unit/jsonrpc/reader.ts";
import { show } from "../notation.ts";
import type { Event } from "../event.ts";

/** The refusals of one input. */
export class Refusals {
  #chunk = { start: 0, chunkEnd: 0 };
  #isRefused = false;

  /** A chunk is about to be read. */
  beginChunk(start: number, chunkEnd: number): void {
    this.#chunk = { start, chunkEnd };
  }

  /** The event of a refusal; undefined where it was already reported. `isEnd`: the reader found it at the end of a message,
   *  having read to `readTo`; otherwise somewhere in the chunk. */
  event(refusal: number, readTo: number, isEnd: boolean): Event | undefined {
    if (this.#isRefused) return undefined;
    const name = `Refused=${REFUSALS[refusal]}`;
    if (isEnd) return { start: readTo, name };
    this.#isRefused = true;
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
