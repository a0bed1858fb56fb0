import { TestModule } from "../module.ts";
import { TOKENS, type TokenName } from "../json/tokenizer.ts";

/** The deciding members, in the order of the enum MemberSlot; the last ones are the arguments that the module names. */
export const MEMBERS = [
  ...["", "jsonrpc", "method", "id", "result", "error", "params", "name", "uri", "ref", "ref.type", "ref.name"],
  ...[
    "ref.uri",
    "taskId",
    "_meta",
    "meta.version",
    "meta.client",
    "meta.client.name",
    "meta.traceparent",
    "clientInfo",
  ],
  ...[
    "clientInfo.name",
    "protocolVersion",
    "inputResponses",
    "notifications",
    "subscriptions",
    "arguments",
    "path",
    "to",
    "to.Sink",
    "to.kind",
    "more",
    "most",
  ],
] as const;

const FORMS = ["request", "notification", "response"] as const;

/** A message as it was read. */
export interface StrictMessage {
  readonly form: (typeof FORMS)[number];
  /** Of each deciding member: its text (or the beginning, and the length) or, where it has none, its token. */
  readonly members: Record<string, string>;
}

export interface StrictReading {
  readonly messages: StrictMessage[];
  readonly isBatch: boolean;
  /** Why it is refused; empty where it is not. */
  readonly fault: string;
}

interface Exports {
  begin: () => void;
  feed: (at: number, length: number) => void;
  finish: () => number;
  isBatch: () => number;
}

const MAX_SHOWN = 40;
let messages: StrictMessage[] = [];

const module: TestModule<Exports> = new TestModule("strict", {
  message: (form: number) => messages.push({ form: FORMS[form], members: {} }),
  member(slot: number, token: number, at: number, length: number, total: number): void {
    const name: TokenName = TOKENS[token];
    const text = module.bytes(at, length).toString();
    const isText = name === "String" || name === "Number";
    const shown = total > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… ${length} of ${total}` : text;
    messages.at(-1).members[MEMBERS[slot]] = isText ? shown : name;
  },
});

/** Reads a body that comes in chunks. */
export function readStrictly(chunks: readonly Uint8Array[]): StrictReading {
  messages = [];
  module.exports.begin();
  for (const chunk of chunks) module.lend(chunk, module.exports.feed);
  const fault = module.string(module.exports.finish());
  return { messages, isBatch: module.exports.isBatch() !== 0, fault };
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
