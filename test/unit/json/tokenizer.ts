import { TestModule } from "../module.ts";

/** The names of the enum Token, in its order. */
export const TOKENS = [
  "More",
  "Error",
  "ObjectStart",
  "ObjectEnd",
  "ArrayStart",
  "ArrayEnd",
  "Key",
  "String",
  "Number",
  "True",
  "False",
  "Null",
  "Part",
  "LastPart",
] as const;

export type TokenName = (typeof TOKENS)[number];

const FAULTS = ["None", "Syntax", "Depth"] as const;
const SKIPS = ["nothing", "value", "container"] as const;

export type Skip = (typeof SKIPS)[number];

export interface Tokenized {
  /** Each token in a line: its name and, where it has one, its text. */
  readonly tokens: string[];
  readonly fault: (typeof FAULTS)[number];
  readonly complete: boolean;
  readonly blank: boolean;
  readonly size: number;
}

/** Bytes of a text that the tokenizer keeps. */
const TEXT_LIMIT = 256;

/** A token's line: the kept bytes of the text, each as a character, and the length of the whole. */
export function tokenLine(name: TokenName, text: Uint8Array = new Uint8Array(), total = text.length): string {
  if (name !== "Key" && name !== "String" && name !== "Number") return name;
  return `${name} ${total} ${Buffer.from(text.subarray(0, TEXT_LIMIT)).toString("latin1")}`;
}

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  fault(): number;
  complete(): number;
  blank(): number;
  size(): bigint;
}

/** Where a token is in the document: the offsets of its first byte and of the byte after it. */
export interface Span {
  readonly token: TokenName;
  readonly start: number;
  readonly end: number;
}

let tokens: string[] = [];
let spans: Span[] = [];
let choose: (token: TokenName) => Skip = () => "nothing";

const module: TestModule<Exports> = new TestModule("json", {
  token(token: number, at: number, length: number, total: number, start: number, end: number): number {
    const name = TOKENS[token];
    spans.push({ token: name, start, end });
    tokens.push(tokenLine(name, module.bytes(at, length), total));
    return SKIPS.indexOf(choose(name));
  },
});

/** Tokenizes a document that comes in chunks. `skip` says what is to be passed over behind a token. */
export function tokenize(chunks: readonly Uint8Array[], skip: (token: TokenName) => Skip = () => "nothing"): Tokenized {
  const { exports } = module;
  tokens = [];
  spans = [];
  choose = skip;
  exports.begin();
  for (const chunk of chunks) module.lend(chunk, (at, length) => exports.feed(at, length));
  return {
    tokens,
    fault: FAULTS[exports.fault()],
    complete: exports.complete() !== 0,
    blank: exports.blank() !== 0,
    size: Number(exports.size()),
  };
}

/** Where the tokens of a document are that comes in chunks. */
export function locate(chunks: readonly Uint8Array[], skip?: (token: TokenName) => Skip): Span[] {
  tokenize(chunks, skip);
  return spans;
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
