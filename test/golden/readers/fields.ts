import { TOKENS } from "../../unit/json/tokenizer.ts";
import { TestModule } from "../../unit/module.ts";
import type { Event } from "../event.ts";
import { feedAll } from "./chunks.ts";
import { FAULTS, tokenEvent } from "./tokens.ts";

interface Exports {
  clear(): void;
  add(field: number, report: number, path: number): void;
  begin(): void;
  feed(at: number, length: number): void;
  fault(): number;
  complete(): number;
  has(field: number): number;
}

/** The names of the enum Found, in its order. */
const FOUND = ["Nothing", "Field", "Part", "LastPart", "DocumentEnd"];
/** The names of the enum Report of modules/picked_fields.ts, in its order, as a trace's settings have them. */
const REPORTS = ["value", "container", "capture"];
/** How the root is named in a trace. */
const ROOT = "$";

let events: Event[] = [];
let paths: string[] = [];

const module: TestModule<Exports> = new TestModule("picked_fields", {
  found(
    found: number,
    field: number,
    value: number,
    at: number,
    length: number,
    total: number,
    start: number,
    end: number,
  ): void {
    if (FOUND[found] === "DocumentEnd") {
      events.push({ start, end, name: `Document with ${present()}` });
      return;
    }
    const token = FOUND[found] === "Field" ? TOKENS[value] : FOUND[found];
    const event = tokenEvent(token, module.bytes(at, length), total, start, end);
    events.push({ ...event, name: `${paths[field - 1]} ${token}` });
  },
});

/** The fields of the document so far, a duplicate member counting as its last value. */
function present(): string {
  return paths.filter((_, i) => module.exports.has(i + 1) !== 0).join(", ") || "no field";
}

/** Traces the fields at the paths of `settings`, each `path`, `capture:path` or `container:path`. */
export function readFields(chunks: readonly Uint8Array[], settings: readonly string[]): Event[] {
  const { exports } = module;
  events = [];
  addFields(settings);
  exports.begin();
  const size = feedAll(chunks, (chunk, start, chunkEnd) => {
    const wasFaulty = exports.fault() !== 0;
    module.lend(chunk, (at, length) => exports.feed(at, length));
    const fault = FAULTS[exports.fault()];
    if (fault !== "None" && !wasFaulty) events.push({ start, chunkEnd, name: `Error=${fault}` });
  });
  if (exports.fault() !== 0) return events;
  const state = exports.complete() !== 0 ? "Complete" : "Incomplete";
  return [...events, { start: size, name: `${state} with ${present()}` }];
}

function addFields(settings: readonly string[]): void {
  const { exports } = module;
  exports.clear();
  paths = settings.map((setting, i) => {
    const [path, report = "value"] = setting.split(":").reverse();
    const name = exports.__newString(path === ROOT ? "" : path);
    exports.add(i + 1, REPORTS.indexOf(report), name);
    return path;
  });
}
