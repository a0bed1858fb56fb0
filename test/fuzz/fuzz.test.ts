import { expect, test } from "vitest";
import { toText } from "../../scripts/fuzz/finding.ts";
import { fuzz } from "../../scripts/fuzz/fuzz.ts";
import { TARGETS } from "../../scripts/fuzz/targets.ts";
import { effort } from "../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../seeds.ts";

const MINUTE = 60_000;

test.each([
  { from: "a fixed seed", seed: FIXED_SEEDS[0], total: 50_000 },
  { from: "the fresh seed", seed: FRESH_SEED, total: effort(50_000, 3_000_000) },
])(
  "$total inputs of $from bring no trap, no hang, no growth, and no difference from JSON.parse and other readers",
  { timeout: effort(5 * MINUTE, 60 * MINUTE) },
  async ({ seed, total }) => {
    const { tried, findings } = await fuzz({ targets: TARGETS, seed, inputs: total, jobs: 2 });
    expect(findings.map(toText), replayCommand()).toEqual([]);
    expect(tried.reduce((sum, { inputs }) => sum + inputs, 0)).toBeGreaterThanOrEqual(total);
  },
);
