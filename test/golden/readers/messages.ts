import { TestModule } from "../../unit/module.ts";
import type { Event } from "../event.ts";
import { show } from "../notation.ts";
import { feedAll } from "./chunks.ts";
import { Faults, envelope } from "./faults.ts";

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  end(): void;
}

/** The names of the enum McpPart, in its order. */
const PARTS = ["More", "Method", "List", "Listed", "Task", "End", "Fault"];

let events: Event[] = [];
let faults = new Faults();
let details: string[] = [];

const module: TestModule<Exports> = new TestModule("mcp_message", {
  part(part: number, name: number, at: number, length: number, start: number, end: number): void {
    const text = PARTS[part] === "Listed" ? `"${show(module.bytes(at, length))}"` : module.string(name);
    events.push({ start, end, name: `${PARTS[part]}=${text}` });
  },
  detail(name: number, value: number): void {
    details.push(`${module.string(name)}=${module.string(value)}`);
  },
  text(name: number, at: number, length: number): void {
    details.push(`${module.string(name)}="${show(module.bytes(at, length))}"`);
  },
  message(kind: number, idKind: number, idText: number, idLength: number, start: number, end: number): void {
    const name = [envelope(kind, idKind, module.bytes(idText, idLength)), ...details].join(" ");
    events.push({ start, end, name });
    details = [];
  },
  fault(fault: number, readTo: number, isEnd: number): void {
    const event = faults.event(fault, readTo, isEnd !== 0);
    if (event !== undefined) events.push(event);
  },
});

/** Traces what the filter reads of an MCP message, or of each message of a batch. */
export function readMessages(chunks: readonly Uint8Array[]): Event[] {
  const { exports } = module;
  events = [];
  faults = new Faults();
  details = [];
  exports.begin();
  feedAll(chunks, (chunk, start, end) => {
    faults.beginChunk(start, end);
    module.lend(chunk, (at, length) => exports.feed(at, length));
  });
  exports.end();
  return events;
}
