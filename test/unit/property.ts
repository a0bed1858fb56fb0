import fc from "fast-check";
import { it } from "vitest";

import { effort } from "../effort.ts";

const MINUTE = 60_000;

/** A test that a property holds for `runs` generated cases, or for 20 times as many in `npm run test:full`. */
export function itHolds<Case>(name: string, runs: number, property: fc.IProperty<Case>): void {
  it(name, () => fc.assert(property, { numRuns: effort(runs, 20 * runs) }), effort(MINUTE, 20 * MINUTE));
}
