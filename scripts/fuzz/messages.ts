import fc from "fast-check";
import { gaps, write } from "../../test/unit/json/documents.ts";
import { messages } from "../../test/unit/mcp/messages.ts";
import { type Corpus, corpusOf } from "./mutate.ts";
import type { Random } from "./random.ts";
import { capturedBodies } from "./seeds.ts";
import { jsonValues } from "./units.ts";
import { BROKEN_UTF8, MESSAGE_WORDS } from "./words.ts";

const MESSAGES = 200;

const written = fc.tuple(messages, gaps).map(([node, gaps]) => Buffer.from(write(node, gaps)));

/** Messages of JSON-RPC and MCP, generated and captured ones. */
export function messageCorpus(random: Random): Corpus {
  const generated = fc.sample(written, { numRuns: MESSAGES, seed: random.next() });
  const captured = capturedBodies("application/json");
  return corpusOf([...generated, ...captured], [...MESSAGE_WORDS, ...BROKEN_UTF8], jsonValues);
}
