/** Writes the two files that `npm run tune:tokens` generates. */
import { writeFileSync } from "node:fs";

const FOLDER = "assembly/tokens";
const WORDS_A_ROW = 6;
const WEIGHTS_A_ROW = 16;

export function writeVocabulary(words: BigUint64Array): void {
  const numbers = [...words].map((bits) => `0x${bits.toString(16)}`);
  writeFileSync(
    `${FOLDER}/vocabulary_data.ts`,
    `/** Made by \`npm run tune:tokens\`: the words of the filter, 64 bits each. */
export const FILTER_WORD_COUNT: u32 = ${words.length};

// prettier-ignore
export const FILTER_WORDS: usize = memory.data<u64>([
${rows(numbers, WORDS_A_ROW)}
]);
`,
  );
}

export function writeWeights(weights: readonly number[]): void {
  writeFileSync(
    `${FOLDER}/weights_data.ts`,
    `/** Made by \`npm run tune:tokens\`: see weights.ts. */
// prettier-ignore
export const WEIGHTS: usize = memory.data<u16>([
${rows(weights, WEIGHTS_A_ROW)}
]);
`,
  );
}

function rows(values: readonly (string | number)[], length: number): string {
  const lines: string[] = [];
  for (let at = 0; at < values.length; at += length) lines.push(`  ${values.slice(at, at + length).join(", ")},`);
  return lines.join("\n");
}
