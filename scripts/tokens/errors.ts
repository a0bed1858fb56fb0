/** `npm run tokens:errors`: prints the errors of the estimates for each text of the tests, as a Markdown table. */
import { TEST } from "../../test/unit/tokens/corpora.ts";
import { ROW_TEXTS } from "../../test/unit/tokens/rows.ts";
import { nameOf, readCorpus } from "./corpus.ts";
import { Estimator } from "./estimator.ts";
import { countTokens } from "./o200k.ts";
import { fetchPackages } from "./packages.ts";

const folderOf = await fetchPackages(TEST, (line) => console.error(line));
const estimator = await Estimator.compile();
console.log("| class | corpus | KB | tokens | bytes / 4 | estimate |");
console.log("| --- | --- | ---: | ---: | ---: | ---: |");
for (const corpus of TEST) {
  printRow(corpus.kind, nameOf(corpus), readCorpus(corpus, folderOf));
}
for (const { kind, format, text } of ROW_TEXTS) printRow(`rows of ${kind}`, `${format}, generated`, text);

function printRow(kind: string, name: string, text: string): void {
  const bytes = Buffer.byteLength(text);
  const tokens = countTokens(text);
  const errors = [bytes / 4, estimator.estimate(text)].map((estimate) => percent(estimate / tokens - 1));
  console.log(`| ${[kind, name, (bytes / 1000).toFixed(0), tokens, ...errors].join(" | ")} |`);
}

function percent(error: number): string {
  return `${error < 0 ? "−" : "+"}${Math.abs(100 * error).toFixed(1)} %`;
}
