/** Passes answers through the filter, and checks at each step what the client has received. */
import {
  type BodyEnd,
  type HttpStream,
  type Plugin,
  requestHead,
  type ResetCause,
  responseHead,
} from "../../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, SSE_ANSWER } from "../filter.ts";
import { startGuarded } from "../access.ts";
import type { ListAnswer } from "./generate.ts";
import { DENYING } from "./kinds.ts";

/** The filter with the tests' policy. */
export function startListing(access: object = {}, more: object = {}): Plugin {
  return startGuarded({ ...DENYING, ...access }, { more });
}

/** The way in which the answer ends. */
export type Ending = BodyEnd | ResetCause | "open";

export interface Passage {
  readonly chunks: readonly Uint8Array[];
  readonly ending?: Ending;
  readonly headers?: Record<string, string>;
}

/** Sends a request and the headers of its answer. Throws if the filter answers the request itself. */
export function opened(
  plugin: Plugin,
  request: string,
  isEvents: boolean,
  headers?: Record<string, string>,
): HttpStream {
  const stream = plugin.stream();
  stream.requestHeaders(requestHead({ headers: MCP_HEADERS }));
  stream.requestBody(Buffer.from(request), true);
  if (stream.reply !== undefined) throw new Error(`the request was answered: ${stream.reply.body}`);
  stream.responseHeaders(responseHead({ headers: headers ?? (isEvents ? SSE_ANSWER : JSON_ANSWER) }));
  return stream;
}

/**
 * Passes an answer in these chunks. Throws if the client has received at any step what is not the beginning of `expected`, or
 * has not received all of `expected` when the answer ends.
 */
export function passes(plugin: Plugin, answer: ListAnswer, expected: Buffer, passage: Passage): HttpStream {
  const { chunks, ending = "alone", headers } = passage;
  const stream = opened(plugin, answer.request, answer.isEvents, headers);
  const progress = new Progress(stream, expected);
  chunks.forEach((chunk, index) => {
    stream.responseBody(chunk, ending === "with-last" && index === chunks.length - 1);
    progress.check();
  });
  if (ending === "alone") stream.responseBody(Buffer.alloc(0), true);
  else if (ending === "trailers") stream.responseTrailers([["x-trailer", "1"]]);
  else if (ending !== "open" && ending !== "with-last") {
    stream.reset(ending);
    progress.check();
    return stream;
  }
  progress.check();
  if (ending === "open") return stream;
  stream.end();
  progress.isWhole();
  return stream;
}

/** Compares the bytes that a client has received so far with the expected bytes. */
export class Progress {
  readonly #stream: HttpStream;
  readonly #expected: Buffer;
  #pieces = 0;
  #length = 0;

  constructor(stream: HttpStream, expected: Buffer) {
    this.#stream = stream;
    this.#expected = expected;
  }

  /** Throws if the received bytes are not the beginning of the expected bytes. */
  check(): void {
    for (; this.#pieces < this.#stream.receivedPieces.length; this.#pieces++) {
      const piece = this.#stream.receivedPieces[this.#pieces];
      const due = this.#expected.subarray(this.#length, this.#length + piece.length);
      if (!piece.equals(due)) throw difference(this.#length, piece, due, this.#expected);
      this.#length += piece.length;
    }
  }

  /** Throws if the client has not received all expected bytes. */
  isWhole(): void {
    if (this.#length === this.#expected.length) return;
    const missing = this.#expected.subarray(this.#length, this.#length + 200).toString();
    throw new Error(`${this.#expected.length - this.#length} bytes are missing: ${JSON.stringify(missing)}`);
  }
}

const SHOWN = 100;

function difference(at: number, piece: Buffer, due: Buffer, expected: Buffer): Error {
  let same = 0;
  while (same < piece.length && piece[same] === due[same]) same++;
  const before = expected.subarray(Math.max(0, at + same - SHOWN), at + same).toString();
  const shown = (bytes: Buffer) => JSON.stringify(bytes.subarray(same, same + SHOWN).toString());
  return new Error(
    `byte ${at + same}, after ${JSON.stringify(before)}: got ${shown(piece)}, expected ${shown(due)} (${piece.length} bytes at ${at})`,
  );
}
