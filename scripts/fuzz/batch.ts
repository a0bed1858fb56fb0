import type { Finding } from "./finding.ts";
import { Random } from "./random.ts";
import { smallest } from "./shrink.ts";
import type { Target } from "./target.ts";

/** The inputs to test. */
export interface BatchJob {
  readonly target: string;
  readonly seed: number;
  /** The batch's number, starting at 0. */
  readonly batch: number;
  readonly inputs: number;
}

/** Maximum number of inputs in a finding. */
const INPUTS_WRITTEN = 200;

/**
 * Tests the inputs of a batch.
 * @param before called with each input before it is tested
 */
export function runBatch(
  target: Target,
  { target: name, seed, batch: number, inputs }: BatchJob,
  before: (input: unknown) => void = () => {},
): Finding | undefined {
  const begin = () => target.begin(new Random(seed, hashOf(name), number));
  const batch = begin();
  let tried = 0;
  try {
    for (; tried < inputs; tried++) {
      const input = batch.generate();
      before(input);
      batch.check(input);
    }
    batch.finish();
    return undefined;
  } catch (error) {
    const again = begin();
    const all = Array.from({ length: Math.min(tried + 1, inputs) }, () => again.generate());
    const few = smallest(all, (inputs) => failure(target, inputs) !== undefined);
    const written = few.length <= INPUTS_WRITTEN ? few : [];
    const told = failure(target, written) ?? error;
    return { target: name, error: String(told), seed, batch: number, inputs: written };
  }
}

/** The error if only these inputs are tested; undefined for none. */
export function failure(target: Target, inputs: readonly unknown[]): unknown {
  const batch = target.begin(new Random(0));
  try {
    for (const input of inputs) batch.check(input);
    batch.finish();
    return undefined;
  } catch (error) {
    return error;
  }
}

function hashOf(name: string): number {
  return Buffer.from(name).reduce((hash, byte) => (Math.imul(hash, 31) + byte) | 0, 0);
}
