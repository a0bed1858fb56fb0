import { KINDS, NO_CODE, REFUSALS, idText } from "../jsonrpc/reader.ts";
import { TestModule } from "../module.ts";

/** A document that is no message, and why. */
export interface Refused {
  readonly refusal: (typeof REFUSALS)[number];
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
}

interface Exports {
  begin(isEventStream: boolean): void;
  feed(at: number, length: number): void;
  end(): void;
}

let messages: (Message | Refused)[] = [];
let listed: string[] = [];

const module: TestModule<Exports> = new TestModule("message", {
  listed(kind: number, at: number, length: number): void {
    listed.push(`${["none", "tool", "prompt"][kind]} ${module.bytes(at, length).toString()}`);
  },
  message(
    kind: number,
    refusal: number,
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
      messages.push({ refusal: REFUSALS[refusal] });
    } else {
      messages.push({
        kind: kindName,
        method: module.string(method),
        name: module.bytes(name, nameLength).toString(),
        id: idText(idKind, idHash),
        outcome: module.string(outcome),
        errorCode: errorCode === NO_CODE ? null : errorCode,
        answersUnknown: answersUnknown !== 0,
        cancelled: cancelledId === 0n ? "" : BigInt.asUintN(64, cancelledId).toString(16),
        requestRevision: module.string(requestRevision),
        agreedRevision: module.string(agreedRevision),
        clientName: module.bytes(clientName, clientNameLength).toString(),
        size: Number(size),
        listed,
      });
    }
    listed = [];
  },
});

/** The messages in a body that comes in chunks. */
export function readMessages(isEventStream: boolean, chunks: readonly Uint8Array[]): (Message | Refused)[] {
  const { exports } = module;
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
