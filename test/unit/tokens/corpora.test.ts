import { describe, expect, it } from "vitest";

import { PACKAGES } from "../../../scripts/tokens/corpora.ts";
import { nameOf, readCorpus } from "../../../scripts/tokens/corpus.ts";
import { countTokens } from "../../../scripts/tokens/o200k.ts";
import { boundOf } from "./bounds.ts";
import { TEST } from "./corpora.ts";
import { estimate } from "./estimate.ts";
import { ROW_TEXTS } from "./rows.ts";

const SMALLEST = 20_000;
const ROWS_BOUND = 0.08;

function errorOf(text: string): number {
  expect(Buffer.byteLength(text), "bytes").toBeGreaterThanOrEqual(SMALLEST);
  return estimate(text) / countTokens(text) - 1;
}

describe("the estimate is close to o200k_base for", () => {
  it.each(TEST.map((corpus) => [corpus.kind, nameOf(corpus), corpus] as const))("%s: %s", (_kind, _name, corpus) => {
    const error = errorOf(readCorpus(corpus, (name) => `node_modules/${name}`));
    expect(Math.abs(error)).toBeLessThanOrEqual(boundOf(corpus));
  });

  it.each(ROW_TEXTS)("rows of $kind: $format", ({ text }) => {
    expect(Math.abs(errorOf(text))).toBeLessThanOrEqual(ROWS_BOUND);
  });
});

it("no package of these is tuned on", () => {
  const tested = TEST.flatMap(({ sources }) => sources.map((source) => source.package));
  expect(tested.filter((name) => name in PACKAGES)).toEqual([]);
});
