/**
 * `npm run bench:decoder`: measures the decoder in Node's V8, compared with parsers that do a part of its work on the
 * same bytes.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
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

/** Measures in rounds, each with all readers in turn. */
function measureDocument(document: Document, readers: readonly Reader[], { rounds, milliseconds }: Options): Result[] {
  const contestants = readers.flatMap(({ id, prepare }) => {
    const read = prepare(document);
    return read === undefined ? [] : [{ id, read, speeds: [] as number[] }];
  });
  for (const { id, read } of contestants) {
    const found = read();
    if (found !== document.messages) throw new Error(`${id} found ${found} of ${document.messages} messages.`);
    speed(read, document, milliseconds);
  }
  for (let round = 0; round < rounds; round++) {
    for (const { read, speeds } of contestants) speeds.push(speed(read, document, milliseconds));
  }
  const reference = contestants.find(({ id }) => id === REFERENCE)!.speeds;
  return contestants.map(({ id, speeds }) => ({
    document: document.id,
    reader: id,
    megabytesPerSecond: spread(speeds),
    ratio: spread(speeds.map((value, round) => value / reference[round])),
  }));
}

/** Megabytes (10⁶ bytes) per second. */
function speed(read: () => number, { bytes }: Document, milliseconds: number): number {
  const begin = performance.now();
  let times = 0;
  do {
    read();
    times++;
  } while (performance.now() - begin < milliseconds);
  return (times * bytes.length) / 1000 / (performance.now() - begin);
}

function withQuartiles({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
