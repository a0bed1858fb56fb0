import fc from "fast-check";
import { it } from "vitest";

import { effort } from "../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../seeds.ts";

const MINUTE = 60_000;

/**
 * Tests that a property holds for `runs` generated cases, or for 20 times as many in `npm run test:full`. Half of `runs` are
 * from the fixed seeds, the others from the run's fresh seed. A failure shows the command that repeats it.
 */
export function itHolds<Case>(name: string, runs: number, property: fc.IProperty<Case>): void {
  const share = Math.ceil(runs / 2 / FIXED_SEEDS.length);
  const fresh = Math.max(1, effort(runs, 20 * runs) - share * FIXED_SEEDS.length);
  const check = () => {
    for (const seed of FIXED_SEEDS) fc.assert(property, { seed, numRuns: share });
    try {
      fc.assert(property, { seed: FRESH_SEED, numRuns: fresh });
    } catch (error) {
      (error as Error).message = `Run again with: ${replayCommand()}\n${(error as Error).message}`;
      throw error;
    }
  };
  it(name, check, effort(3 * MINUTE, 30 * MINUTE));
}
