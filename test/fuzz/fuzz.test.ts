import { expect, test } from "vitest";
import { toText } from "../../scripts/fuzz/finding.ts";
import { fuzz } from "../../scripts/fuzz/fuzz.ts";
import { TARGETS } from "../../scripts/fuzz/targets.ts";
import { effort } from "../effort.ts";

const MINUTE = 60_000;
const INPUTS = effort(100_000, 3_000_000);
/** The ordinary run fails by what was changed alone, the long one looks for more each time. */
const SEED = effort(1, 1 + Math.floor(Date.now() / MINUTE));

test(
  `${INPUTS} random inputs bring no trap, no hang, no growth, and no difference from JSON.parse and the like`,
  { timeout: effort(5 * MINUTE, 60 * MINUTE) },
  async () => {
    const { tried, findings } = await fuzz({ targets: TARGETS, seed: SEED, inputs: INPUTS, jobs: 2 });
    expect(findings.map(toText)).toEqual([]);
    expect(tried.reduce((sum, { inputs }) => sum + inputs, 0)).toBeGreaterThanOrEqual(INPUTS);
  },
);
