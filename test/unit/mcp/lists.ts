import { KINDS, FAULTS } from "../jsonrpc/reader.ts";
import { TestModule } from "../module.ts";

/** An answer that has a list of definitions, as what follows the reader sees it. */
export interface Answer {
  readonly kind: (typeof KINDS)[number];
  readonly fault: (typeof FAULTS)[number];
  readonly size: bigint;
  readonly id: bigint;
  readonly nextCursor: bigint;
  /** The fields that it has, as bits. */
  readonly fields: bigint;
  /** Of definitions. */
  readonly tokens: number;
  /** How many tools there are, whether there are more, and a hash of what is kept of them; null where it lists none. */
  readonly tools: { count: number; isCut: boolean; hash: bigint } | null;
  /** The names that were reported. */
  readonly listed: readonly string[];
}

interface Exports {
  configure(estimate: boolean, maxBytes: number): void;
  forget(keeps: boolean): void;
  begin(number: number, isEventStream: boolean): void;
  feed(number: number, server: bigint, at: number, length: number): void;
  end(number: number): void;
}

let answers: Answer[] = [];
let listed: string[] = [];

const module: TestModule<Exports> = new TestModule("lists", {
  listed(at: number, length: number): void {
    listed.push(module.bytes(at, length).toString());
  },
  answer(
    kind: number,
    fault: number,
    size: bigint,
    id: bigint,
    nextCursor: bigint,
    fields: bigint,
    tokens: number,
    count: number,
    isCut: number,
    hash: bigint,
  ): void {
    answers.push({
      kind: KINDS[kind],
      fault: FAULTS[fault],
      ...{ size, id, nextCursor, fields, tokens, listed },
      tools: count < 0 ? null : { count, isCut: isCut !== 0, hash },
    });
    listed = [];
  },
});

const { exports } = module;

/** How tokens are estimated. */
export function configure(estimate: boolean, maxBytes: number): void {
  exports.configure(estimate, maxBytes);
}

/** Forgets all lists, and keeps those that come from now on where `keeps`. */
export function forget(keeps: boolean): void {
  exports.forget(keeps);
}

/** A body that comes in chunks, with others between. */
export class Body {
  readonly #number: number;
  readonly #server: bigint;

  constructor(number: number, isEventStream = false, server = 1n) {
    this.#number = number;
    this.#server = server;
    exports.begin(number, isEventStream);
  }

  feed(chunk: Uint8Array): void {
    module.lend(chunk, (at, length) => exports.feed(this.#number, this.#server, at, length));
  }

  /** The body is over. Returns its answers, if no others came with it. */
  end(): Answer[] {
    exports.end(this.#number);
    const all = answers;
    answers = [];
    listed = [];
    return all;
  }
}

/** The answers in a body. */
export function readAnswers(chunks: readonly Uint8Array[], isEventStream = false, server = 1n): Answer[] {
  const body = new Body(0, isEventStream, server);
  for (const chunk of chunks) body.feed(chunk);
  return body.end();
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return exports.memory!.buffer.byteLength;
}
