import { TestModule } from "../../unit/module.ts";
import type { Event } from "../event.ts";
import { feedAll } from "./chunks.ts";

interface Exports {
  begin(): void;
  feed(at: number, length: number): void;
}

let runs: Buffer[] = [];

const module: TestModule<Exports> = new TestModule("value_text", {
  run(at: number, length: number): void {
    runs.push(module.bytes(at, length));
  },
});

/** Traces the text of a JSON value, which has no offsets in the input. */
export function readText(chunks: readonly Uint8Array[]): Event[] {
  const { exports } = module;
  runs = [];
  exports.begin();
  const end = feedAll(chunks, (chunk) => module.lend(chunk, (at, length) => exports.feed(at, length)));
  return [{ start: 0, end, name: "Text", text: Buffer.concat(runs) }];
}
