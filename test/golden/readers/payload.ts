import { NO_CODE } from "../../unit/jsonrpc/reader.ts";
import { TOKENS } from "../../unit/json/tokenizer.ts";
import { TestModule } from "../../unit/module.ts";
import type { Event } from "../event.ts";
import { feedAll } from "./chunks.ts";
import { Faults, envelope } from "./faults.ts";
import { tokenEvent } from "./tokens.ts";

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
  end(): void;
}

/** The names of the enum Part, in its order. */
const PARTS = ["More", "Method", "Payload", "Part", "LastPart", "End", "Fault"];

let events: Event[] = [];
let faults = new Faults();

const module: TestModule<Exports> = new TestModule("payload", {
  part(
    part: number,
    field: number,
    value: number,
    at: number,
    length: number,
    total: number,
    start: number,
    end: number,
  ): void {
    const isCaptured = PARTS[part].endsWith("Part");
    const token = isCaptured ? PARTS[part] : TOKENS[value];
    const name = PARTS[part] === "Method" ? "Method" : module.string(field);
    const event = tokenEvent(token, module.bytes(at, length), total, start, end);
    events.push({ ...event, name: `${name} ${token}` });
  },
  message(
    kind: number,
    idKind: number,
    idText: number,
    idLength: number,
    isError: number,
    errorCode: number,
    start: number,
    end: number,
  ): void {
    const error = isError === 0 ? "" : ` error=${errorCode === NO_CODE ? "no code" : errorCode}`;
    events.push({ start, end, name: `${envelope(kind, idKind, module.bytes(idText, idLength))}${error}` });
  },
  fault(fault: number, readTo: number, isEnd: number): void {
    const event = faults.event(fault, readTo, isEnd !== 0);
    if (event !== undefined) events.push(event);
  },
});

/** Traces the fields of JSON-RPC messages that the filter reads. */
export function readPayload(chunks: readonly Uint8Array[]): Event[] {
  const { exports } = module;
  events = [];
  faults = new Faults();
  exports.begin();
  feedAll(chunks, (chunk, start, end) => {
    faults.beginChunk(start, end);
    module.lend(chunk, (at, length) => exports.feed(at, length));
  });
  exports.end();
  return events;
}
