/**
 * `npm run bench:tokens`: how fast texts are read, and what the token estimate adds. All contenders take turns, round by
 * round, and the median of their rounds counts: so what slows the machine down for a while slows all of them.
 */
import { performance } from "node:perf_hooks";
import Table from "cli-table3";
import { TEST } from "../../test/unit/tokens/corpora.ts";
import { readCorpus } from "../tokens/corpus.ts";
import { Estimate, compileDecoder } from "./message-decoder.ts";

const ROUNDS = 15;
/** A round repeats the work for so long at least. */
const ROUND_MS = 100;
const TEXT_BYTES = 256 * 1024;
/** The texts by name, and which corpora of the tests they are. */
const TEXTS: Readonly<Record<string, string>> = {
  prose: "English prose",
  code: "TypeScript",
  JSON: "minified JSON",
  Chinese: "Chinese",
};

/** Reads the message that carries a text once. */
type Contender = (message: Buffer) => void;

const decode = await compileDecoder();

const CONTENDERS: Readonly<Record<string, Contender>> = {
  "decoder without estimate": (message) => decode(message, Estimate.Off),
  "with exact estimate": (message) => decode(message, Estimate.Exactly),
  "with samples": (message) => decode(message, Estimate.Sampling),
  "JSON.parse": (message) => void JSON.parse(message.toString()),
};

const table = new Table({ head: ["MB/s", ...Object.keys(CONTENDERS)] });
for (const [name, kind] of Object.entries(TEXTS)) {
  const text = textOf(kind);
  const speeds = measure(toolResult(text));
  table.push([name, ...Object.keys(CONTENDERS).map((contender) => speeds[contender].toFixed(0))]);
}
console.log(table.toString());

/** The median speeds in megabytes of the message a second. */
function measure(message: Buffer): Record<string, number> {
  const speeds = Object.fromEntries(Object.keys(CONTENDERS).map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, contender] of Object.entries(CONTENDERS)) {
      speeds[name].push(speed(() => contender(message)) * message.length);
    }
  }
  return Object.fromEntries(Object.entries(speeds).map(([name, values]) => [name, median(values) / 1e6]));
}

/** Runs a second. */
function speed(run: () => void): number {
  const started = performance.now();
  let runs = 0;
  let elapsed = 0;
  for (; elapsed < ROUND_MS; elapsed = performance.now() - started) {
    run();
    runs++;
  }
  return (1000 * runs) / elapsed;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Texts of a kind, one behind the other, and over again until there are enough. */
function textOf(kind: string): Buffer {
  const texts = TEST.filter((corpus) => corpus.kind === kind).map((corpus) => {
    const text = readCorpus(corpus, (name) => `node_modules/${name}`);
    return text.slice(0, TEXT_BYTES / 4);
  });
  const once = Buffer.from(texts.join("\n"));
  return Buffer.concat(Array.from({ length: Math.ceil(TEXT_BYTES / once.length) }, () => once));
}

/** The answer to `tools/call` that carries a text. */
function toolResult(text: Buffer): Buffer {
  const content = [{ type: "text", text: text.toString() }];
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { content, isError: false } }));
}
