/**
 * `npm run bench:tokens`: measures how fast texts are read, what the token estimate adds, and how long exact tokenizers
 * take. All contenders take turns in each round, and the median of the rounds counts, so that a temporary slowdown of
 * the machine affects all of them. Only CPU time counts.
 */
import { createRequire } from "node:module";
import Table from "cli-table3";
import { TEST } from "../../test/unit/tokens/corpora.ts";
import { readCorpus } from "../tokens/corpus.ts";
import { countTokens } from "../tokens/o200k.ts";
import { fetchPackages } from "../tokens/packages.ts";
import { contest, cpuTime } from "./contest.ts";
import { Estimate, compileDecoder } from "./message-decoder.ts";
import { spread } from "./summary.ts";

const ROUNDS = 11;
/** A round repeats the work until it has taken this CPU time, in milliseconds. */
const ROUND_MS = 60;
/** Sizes of texts in bytes. */
const LONG = 256 * 1024;
const SHORT = 200;
/** The texts by name, with the names of their test corpora. */
const TEXTS: Readonly<Record<string, string>> = {
  prose: "English prose",
  code: "TypeScript",
  JSON: "minified JSON",
  Chinese: "Chinese",
};

/** A text alone, and in the message that contains it. */
interface Input {
  readonly text: string;
  readonly message: Buffer;
}

/** Reads an input once. Returns the number of tokens; undefined if it does not count them. */
type Contender = (input: Input) => number | undefined;

/** The part of npm `tiktoken` used here. Its ES module needs a flag of Node to import Wasm, the other one does not. */
interface Tiktoken {
  get_encoding(name: string): { encode(text: string, allowed: string[], disallowed: string[]): Uint32Array };
}

const folderOf = await fetchPackages(TEST, (line) => console.error(line));
const decode = await compileDecoder();
const tiktoken = (createRequire(import.meta.url)("tiktoken") as Tiktoken).get_encoding("o200k_base");

const CONTENDERS: Readonly<Record<string, Contender>> = {
  "decoder without estimate": ({ message }) => void decode(message, Estimate.Off),
  "with exact estimate": ({ message }) => decode(message, Estimate.Exactly),
  "with samples": ({ message }) => decode(message, Estimate.Sampling),
  tiktoken: ({ text }) => tiktoken.encode(text, [], []).length,
  "gpt-tokenizer": ({ text }) => countTokens(text),
  "JSON.parse": ({ message }) => void JSON.parse(message.toString()),
};

const table = new Table({ head: ["MB/s, error", "bytes", ...Object.keys(CONTENDERS)] });
for (const [name, kind] of Object.entries(TEXTS)) {
  for (const size of [LONG, SHORT]) {
    const inputs = inputsOf(kind, size);
    const speeds = measure(inputs);
    const cells = Object.entries(CONTENDERS).map(([contender, read]) => {
      const speed = speeds[contender].toPrecision(speeds[contender] < 100 ? 2 : 3);
      return [speed, errorOf(inputs, read)].filter((part) => part !== undefined).join(", ");
    });
    table.push([name, size, ...cells]);
  }
}
console.log(table.toString());

/** The error of the sum of tokens. */
function errorOf(inputs: readonly Input[], read: Contender): string | undefined {
  let sum = 0;
  let exact = 0;
  for (const input of inputs) {
    const tokens = read(input);
    if (tokens === undefined) return undefined;
    sum += tokens;
    exact += countTokens(input.text);
  }
  return `${(100 * (sum / exact - 1)).toFixed(1)} %`;
}

/** The median speeds in megabytes of text per second. */
function measure(inputs: readonly Input[]): Record<string, number> {
  const bytes = inputs.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const entries = Object.entries(CONTENDERS);
  const contestants = Object.fromEntries(entries.map(([name, read]) => [name, () => inputs.forEach(read)]));
  const rates = contest(contestants, { rounds: ROUNDS, milliseconds: ROUND_MS, now: cpuTime });
  return Object.fromEntries(Object.entries(rates).map(([name, of]) => [name, (spread(of).median * bytes) / 1000]));
}

/** Texts of a kind, concatenated and repeated to the needed size: as one long text, or cut into short ones. */
function inputsOf(kind: string, size: number): Input[] {
  const texts = TEST.filter((corpus) => corpus.kind === kind).map((corpus) => {
    return readCorpus(corpus, folderOf).slice(0, LONG / 4);
  });
  const once = Buffer.from(texts.join("\n"));
  const all = Buffer.concat(Array.from({ length: Math.ceil(LONG / once.length) }, () => once)).subarray(0, LONG);
  return Array.from({ length: Math.floor(LONG / size) }, (_, i) => {
    const text = all.toString("utf8", i * size, (i + 1) * size);
    return { text, message: toolResult(text) };
  });
}

/** The response to `tools/call` that contains a text. */
function toolResult(text: string): Buffer {
  const content = [{ type: "text", text }];
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, result: { content, isError: false } }));
}
