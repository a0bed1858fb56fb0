import { TOKENS } from "../../unit/json/tokenizer.ts";
import { TestModule } from "../../unit/module.ts";
import type { Event } from "../event.ts";
import { feedAll } from "./chunks.ts";

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  fault(): number;
  complete(): number;
  blank(): number;
}

/** The names of the enum Fault, in its order. */
export const FAULTS = ["None", "Syntax", "Depth"] as const;
/** Tokens that have a text. */
const WITH_TEXT: ReadonlySet<string> = new Set(["Key", "String", "Number", "Part", "LastPart"]);

/** What the enum Skip of modules/json.ts asks the tokenizer to do. */
const NOTHING = 0;
const SKIP_VALUE = 1;
const SKIP_CONTAINER = 2;
const CAPTURE_VALUE = 3;

/** The event of a token. `bytes`: the text as it is kept. */
export function tokenEvent(name: string, bytes: Buffer, total: number, start: number, end: number): Event {
  if (!WITH_TEXT.has(name)) return { name, start, end };
  if (name.endsWith("Part")) return { name, text: bytes, start, end, isPiece: true };
  return { name, text: bytes, total, start, end };
}

let events: Event[] = [];

const module: TestModule<Exports> = new TestModule("json", {
  token(token: number, at: number, length: number, total: number, start: number, end: number): number {
    const name = TOKENS[token];
    const text = module.bytes(at, WITH_TEXT.has(name) ? length : 0);
    events.push(tokenEvent(name, text, total, start, end));
    return chooseSkip(name, text.toString());
  },
});

/** The texts of README.md that ask the tokenizer to pass over something. */
function chooseSkip(token: string, text: string): number {
  if (token === "Key" && text === "skip") return SKIP_VALUE;
  if (token === "Key" && text === "capture") return CAPTURE_VALUE;
  return token === "String" && text === "leave" ? SKIP_CONTAINER : NOTHING;
}

/** Traces the tokens of a JSON document. */
export function readTokens(chunks: readonly Uint8Array[]): Event[] {
  const { exports } = module;
  events = [];
  exports.begin();
  const size = feedAll(chunks, (chunk, start, chunkEnd) => {
    const wasFaulty = exports.fault() !== 0;
    module.lend(chunk, (at, length) => exports.feed(at, length));
    const fault = FAULTS[exports.fault()];
    if (fault !== "None" && !wasFaulty) events.push({ start, chunkEnd, name: `Error=${fault}` });
  });
  if (exports.fault() !== 0) return events;
  const state = exports.complete() !== 0 ? "Complete" : exports.blank() !== 0 ? "Blank" : "Incomplete";
  return [...events, { start: size, name: state }];
}
