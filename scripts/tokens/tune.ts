/**
 * `npm run tune:tokens`: generates the data of assembly/tokens, its vocabulary and its weights, from the texts that corpora.ts
 * names. The same texts give the same data.
 */
import { Command, InvalidArgumentError } from "commander";
import { TUNE, TUNE_EXTENDED } from "./corpora.ts";
import { type Corpus, readCorpus } from "./corpus.ts";
import { writeVocabulary, writeWeights } from "./data-files.ts";
import { Estimator } from "./estimator.ts";
import { fitWeights, type Sample } from "./fit.ts";
import { countTokens } from "./o200k.ts";
import { fetchPackages } from "./packages.ts";
import { chooseVocabulary } from "./vocabulary.ts";

/** Weight.One and Weight.Contraction of assembly/tokens/weights.ts, which are one token by definition. */
const EXACT = [0, 1];
/** The expected cost of a letter of an unknown word, in tokens. */
const EXPECTED_PER_LETTER = 0.2;
/** The expected value of any other weight, in tokens. */
const EXPECTED = 1;
/** The number of characters in a sample: enough to be typical of the text, but few enough for samples to differ. */
const SAMPLE = 8000;

interface Options {
  entries: number;
  ridge: number;
}

const options = new Command("npm run tune:tokens --")
  .description("Generates the token estimator's vocabulary and weights, and prints the errors of the estimates.")
  .option("--entries <number>", "texts in the vocabulary", positive, 19_500)
  .option("--ridge <number>", "how strongly weights are pulled towards their expected values", positive, 0.0003)
  .parse(process.argv.slice(2), { from: "user" })
  .opts<Options>();

try {
  await tune(options);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}

async function tune({ entries, ridge }: Options): Promise<void> {
  const folderOf = await fetchPackages([...TUNE, ...TUNE_EXTENDED], (line) => console.error(line));
  const texts = TUNE.map((corpus) => readCorpus(corpus, folderOf));
  const extendedTexts = TUNE_EXTENDED.map((corpus) => readCorpus(corpus, folderOf));
  const estimator = await Estimator.compile();

  console.error("Choosing the vocabulary");
  const vocabulary = chooseVocabulary(estimator, texts, entries);
  const keys = vocabulary.map((points) => estimator.keyOf(points));
  const words = estimator.setVocabulary(keys);
  if (!keys.every((key) => estimator.isInFilter(key)))
    throw new Error("The estimator does not find a key that was added to its filter.");

  console.error("Fitting the weights");
  const expected = Array.from({ length: estimator.weightCount }, (_, weight) =>
    estimator.isPerLetter(weight) ? EXPECTED_PER_LETTER : EXPECTED,
  );
  const shared = fitWeights(samplesOf(estimator, texts), { expected, fixed: EXACT }, ridge);
  const extended = [estimator.scripts.LatinExtended.value, estimator.scripts.CyrillicExtended.value];
  const fixed = [...shared.keys()].filter((weight) => !extended.includes(estimator.scriptOf(weight)));
  const weights = fitWeights(samplesOf(estimator, extendedTexts), { expected: shared, fixed }, ridge);

  writeVocabulary(words);
  writeWeights(estimator.setWeights(weights));
  report(estimator, TUNE, texts);
  report(estimator, TUNE_EXTENDED, extendedTexts);
}

/** Splits texts into samples. The shares of each text's samples add up to the same total. */
function samplesOf(estimator: Estimator, texts: readonly string[]): Sample[] {
  return texts.flatMap((text) => {
    const characters = Array.from(text);
    const count = Math.ceil(characters.length / SAMPLE);
    return Array.from({ length: count }, (_, index) => {
      const part = characters.slice(index * SAMPLE, (index + 1) * SAMPLE).join("");
      return { uses: estimator.weightUses(part), tokens: countTokens(part), share: 1 / count };
    });
  });
}

function report(estimator: Estimator, corpora: readonly Corpus[], texts: readonly string[]): void {
  const errors = texts.map((text) => estimator.estimate(text) / countTokens(text) - 1);
  corpora.forEach(({ kind, sources }, index) => {
    console.log(`${(100 * errors[index]).toFixed(1).padStart(5)} %  ${kind}: ${sources[0].package}`);
  });
  const mean = errors.reduce((sum, error) => sum + Math.abs(error), 0) / errors.length;
  console.log(`${(100 * mean).toFixed(1).padStart(5)} %  on average, either way`);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}
