import type { Finding } from "./finding.ts";
import { Random } from "./random.ts";
import { smallest } from "./shrink.ts";
import type { Target } from "./target.ts";

/** Which inputs are to be tried. */
export interface BatchJob {
  readonly target: string;
  readonly seed: number;
  /** The batch's number, from 0. */
  readonly batch: number;
  readonly inputs: number;
}

/** More inputs are not written with a finding. */
const INPUTS_WRITTEN = 200;

/**
 * Tries the inputs of a batch.
 * @param before is told of each input before it is tried
 * @returns what is wrong, if anything is, by as few and small inputs as show it
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

/** What is wrong when only these inputs are tried; undefined where nothing is. */
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
