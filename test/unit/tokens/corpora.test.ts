import { describe, expect, it } from "vitest";

import { TUNE, TUNE_EXTENDED } from "../../../scripts/tokens/corpora.ts";
import { type Corpus, nameOf } from "../../../scripts/tokens/corpus.ts";
import { countTokens } from "../../../scripts/tokens/o200k.ts";
import { PACKAGES, packageOf } from "../../../scripts/tokens/packages.ts";
import { boundOf } from "./bounds.ts";
import { TEST } from "./corpora.ts";
import { readTestCorpora } from "./corpus-texts.ts";
import { estimate } from "./estimate.ts";
import { ROW_TEXTS } from "./rows.ts";

const SMALLEST = 20_000;
const ROWS_BOUND = 0.08;
const TUNED = [...TUNE, ...TUNE_EXTENDED];

const texts = await readTestCorpora();

function errorOf(text: string): number {
  expect(Buffer.byteLength(text), "bytes").toBeGreaterThanOrEqual(SMALLEST);
  return estimate(text) / countTokens(text) - 1;
}

describe("the estimate is close to o200k_base for", () => {
  it.each(texts.map(({ corpus, text }) => [corpus.kind, nameOf(corpus), corpus, text] as const))(
    "%s: %s",
    (_kind, _name, corpus, text) => {
      expect(Math.abs(errorOf(text))).toBeLessThanOrEqual(boundOf(corpus));
    },
  );

  it.each(ROW_TEXTS)("rows of $kind: $format", ({ text }) => {
    expect(Math.abs(errorOf(text))).toBeLessThanOrEqual(ROWS_BOUND);
  });
});

describe("the pinned packages", () => {
  const packagesOf = (corpora: readonly Corpus[]) =>
    new Set(corpora.flatMap(({ sources }) => sources.map((source) => source.package)));

  it("are for tuning or for the tests, never for both", () => {
    const tuning = packagesOf(TUNED);
    expect([...packagesOf(TEST)].filter((name) => tuning.has(name))).toEqual([]);
  });

  it("are those of the corpora, each at one version", () => {
    const used = [...packagesOf(TUNED), ...packagesOf(TEST)];
    expect(Object.keys(PACKAGES).map(packageOf).toSorted()).toEqual(used.toSorted());
  });
});
