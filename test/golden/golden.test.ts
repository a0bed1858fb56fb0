import { readFileSync, readdirSync, writeFileSync } from "node:fs";

import { afterAll, describe, expect, it } from "vitest";

import type { Reader } from "./event.ts";
import { type Input, readInput } from "./notation.ts";
import { type Block, casesOf, rewrite } from "./page.ts";
import { readEvents } from "./readers/events.ts";
import { readFields } from "./readers/fields.ts";
import { readMessages } from "./readers/messages.ts";
import { readPayload } from "./readers/payload.ts";
import { readText } from "./readers/text.ts";
import { readTokens } from "./readers/tokens.ts";
import { trace } from "./trace.ts";

const FOLDER = "test/golden";
const CAPTURES = "test/fixtures/captures";
/** Traces are written to the pages instead of being compared with them. */
const isWriting = process.env.MCP_WRITE_GOLDEN === "1";

/** The readers, by the names of their traces' blocks. */
const READERS: Record<string, Reader | undefined> = {
  tokens: readTokens,
  fields: readFields,
  text: readText,
  events: readEvents,
  payload: readPayload,
  messages: readMessages,
};

for (const name of readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).sort()) {
  if (!name.endsWith(".md")) continue;
  const page = readFileSync(`${FOLDER}/${name}`, "utf8");
  const cases = await casesOf(page);
  const written = new Map<Block, string>();

  describe(name, () => {
    for (const { title, input, traces } of cases) {
      it(title, () => {
        const read = readInput(input.text);
        for (const capture of input.settings) {
          expect(readFileSync(`${CAPTURES}/${capture}`).includes(read.bytes), `the input is in ${capture}`).toBe(true);
        }
        expect(traces.length, "traces of the input").toBeGreaterThan(0);
        for (const block of traces) {
          const found = traceOf(block, read);
          if (isWriting) written.set(block, found);
          else expect(found).toBe(block.text);
        }
      });
    }

    afterAll(() => {
      if (isWriting) writeFileSync(`${FOLDER}/${name}`, rewrite(page, written));
    });
  });
}

function traceOf(block: Block, input: Input): string {
  const reader = READERS[block.name];
  if (reader === undefined) throw new Error(`no reader for ${block.name}`);
  return trace(reader, block.settings, input);
}
