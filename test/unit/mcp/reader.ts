import { KINDS, NO_CODE, FAULTS, idText } from "../jsonrpc/reader.ts";
import { TestModule } from "../module.ts";

/** What is no message, and why. */
export interface Faulty {
  readonly fault: (typeof FAULTS)[number];
}

/** A message as statistics see it. */
export interface Message {
  readonly kind: "Request" | "Notification" | "Response";
  /** As labels show it. */
  readonly method: string;
  /** The tool or prompt named. */
  readonly name: string;
  /** By kind and hash: see idText. */
  readonly id: string;
  readonly outcome: string;
  readonly errorCode: number | null;
  /** It is an error that names no request. */
  readonly answersUnknown: boolean;
  /** The hash of the id that a cancellation names; empty where it names none. */
  readonly cancelled: string;
  /** The revision that a request's `_meta` names, as labels show it. */
  readonly requestRevision: string;
  /** The revision that an answer to `initialize` names. */
  readonly agreedRevision: string;
  /** The client's software. */
  readonly clientName: string;
  readonly size: number;
  /** The tools and prompts listed. */
  readonly listed: string[];
  /** The estimated tokens of each kind: see TOKEN_KINDS. */
  readonly tokens: number[];
  /** The pages of a list that are asked for and that come next, each by its hash; empty where there are none. */
  readonly cursor: string;
  readonly nextCursor: string;
}

export const TOKEN_KINDS = [
  "arguments",
  "result",
  "structured",
  "definitions",
  "prompt",
  "resource",
  "sampling_request",
  "sampling_result",
] as const;

export type TokenKind = (typeof TOKEN_KINDS)[number];

/** How tokens are estimated. */
export interface Settings {
  readonly estimate: boolean;
  readonly maxBytes: number;
  readonly scale: number;
}

export const DEFAULT_SETTINGS: Settings = { estimate: true, maxBytes: 262_144, scale: 1 };

interface Exports {
  configure(estimate: boolean, maxBytes: number, scale: number): void;
  begin(isEventStream: boolean): void;
  feed(at: number, length: number): void;
  end(): void;
}

let messages: (Message | Faulty)[] = [];
let listed: string[] = [];
let texts = { tokens: [] as number[], cursor: "", nextCursor: "" };

const module: TestModule<Exports> = new TestModule("message", {
  listed(kind: number, at: number, length: number): void {
    listed.push(`${["none", "tool", "prompt"][kind]} ${module.bytes(at, length).toString()}`);
  },
  texts(cursor: bigint, nextCursor: bigint): void {
    texts = { tokens: [], cursor: hashText(cursor), nextCursor: hashText(nextCursor) };
  },
  tokens(kind: number, tokens: number): void {
    // A 32-bit number comes signed.
    texts.tokens[kind] = tokens >>> 0;
  },
  message(
    kind: number,
    fault: number,
    method: number,
    name: number,
    nameLength: number,
    idKind: number,
    idHash: bigint,
    outcome: number,
    errorCode: number,
    answersUnknown: number,
    cancelledId: bigint,
    requestRevision: number,
    agreedRevision: number,
    clientName: number,
    clientNameLength: number,
    size: bigint,
  ): void {
    const kindName = KINDS[kind];
    if (kindName === "None") {
      messages.push({ fault: FAULTS[fault] });
    } else {
      messages.push({
        kind: kindName,
        method: module.string(method),
        name: module.bytes(name, nameLength).toString(),
        id: idText(idKind, idHash),
        outcome: module.string(outcome),
        errorCode: errorCode === NO_CODE ? null : errorCode,
        answersUnknown: answersUnknown !== 0,
        cancelled: hashText(cancelledId),
        requestRevision: module.string(requestRevision),
        agreedRevision: module.string(agreedRevision),
        clientName: module.bytes(clientName, clientNameLength).toString(),
        size: Number(size),
        listed,
        ...texts,
      });
    }
    listed = [];
  },
  batch(fault: number): void {
    if (FAULTS[fault] !== "None") messages.push({ fault: FAULTS[fault] });
    listed = [];
  },
});

function hashText(hash: bigint): string {
  return hash === 0n ? "" : BigInt.asUintN(64, hash).toString(16);
}

let configured = DEFAULT_SETTINGS;

/** The messages in a body that comes in chunks, those of batches one by one; behind them, where a batch cannot be read
 *  whole, why. */
export function readMessages(
  isEventStream: boolean,
  chunks: readonly Uint8Array[],
  settings = DEFAULT_SETTINGS,
): (Message | Faulty)[] {
  const { exports } = module;
  if (settings !== configured) exports.configure(settings.estimate, settings.maxBytes, settings.scale);
  configured = settings;
  messages = [];
  listed = [];
  exports.begin(isEventStream);
  for (const chunk of chunks) module.lend(chunk, (at, length) => exports.feed(at, length));
  exports.end();
  return messages;
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
