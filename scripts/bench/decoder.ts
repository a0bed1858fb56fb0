/**
 * `npm run bench:decoder`: measures the decoder in Node's V8, compared with parsers that do a part of its work on the
 * same bytes.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { contest } from "./contest.ts";
import { type Document, DOCUMENTS } from "./decoder/documents.ts";
import { makeReaders, type Reader, REFERENCE } from "./decoder/readers.ts";
import { choice, number } from "./options.ts";
import { renderTerminal } from "./report/terminal.ts";
import { type Spread, spread } from "./summary.ts";

interface Options {
  rounds: number;
  milliseconds: number;
  only: readonly Document[];
  json?: string;
}

interface Result {
  document: string;
  reader: string;
  megabytesPerSecond: Spread;
  /** Ratio to the reference in the same round. */
  ratio: Spread;
}

const options = new Command("npm run bench:decoder --")
  .description("Measures how fast the decoder reads, beside well-known parsers.")
  .option("--rounds <number>", "how often each is measured", number(1000, true), 7)
  .option("--milliseconds <number>", "how long each time", number(10_000), 200)
  .addOption(choice("--only <ids>", "documents, by id: base64,rows", DOCUMENTS))
  .option("--json <file>", "writes all figures")
  .parse()
  .opts<Options>();

const readers = await makeReaders();
const results = options.only.flatMap((document) => measureDocument(document, readers, options));
const titles = new Map([...DOCUMENTS, ...readers].map(({ id, title }) => [id, title]));
console.log(
  renderTerminal({
    head: ["document", "reader", "MB/s", "× JSON.parse"],
    textColumns: 2,
    rows: results.map(({ document, reader, megabytesPerSecond, ratio }) => [
      titles.get(document)!,
      titles.get(reader)!,
      withQuartiles(megabytesPerSecond, 0),
      withQuartiles(ratio, 2),
    ]),
  }),
);
if (options.json !== undefined) {
  const file = resolve(process.env.INIT_CWD ?? ".", options.json);
  await writeFile(file, `${JSON.stringify({ node: process.versions.node, results }, null, 2)}\n`);
}

/** Measures all readers that can read the document. */
function measureDocument(document: Document, readers: readonly Reader[], options: Options): Result[] {
  const contestants: Record<string, () => number> = {};
  for (const { id, prepare } of readers) {
    const read = prepare(document);
    if (read === undefined) continue;
    const found = read();
    if (found !== document.messages) throw new Error(`${id} found ${found} of ${document.messages} messages.`);
    contestants[id] = read;
  }
  const rates = contest(contestants, options);
  return Object.entries(rates).map(([reader, of]) => ({
    document: document.id,
    reader,
    megabytesPerSecond: spread(of.map((rate) => (rate * document.bytes.length) / 1000)),
    ratio: spread(of.map((rate, round) => rate / rates[REFERENCE][round])),
  }));
}

function withQuartiles({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
