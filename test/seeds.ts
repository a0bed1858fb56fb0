/** Seeds of generated test inputs: a fixed set, and one that is new in each run and can be replayed. */
import { relative } from "node:path";
import { expect } from "vitest";

/** The same in each run, so that a failure with one of these comes from a change of the code or of the test. */
export const FIXED_SEEDS: readonly number[] = [1, 2];

/** This run's own seed, 1 to 2³¹ - 1: vitest.config.ts sets MCP_TEST_SEED where the caller has not. */
export const FRESH_SEED = readSeed(process.env.MCP_TEST_SEED);

/** The command that runs the current test again with this run's inputs. Callable within a test only. */
export function replayCommand(): string {
  const { testPath = "", currentTestName = "" } = expect.getState();
  const name = currentTestName.replace(/.* > /, "").replaceAll(/[^\w ,]+/g, ".*");
  return `MCP_TEST_SEED=${FRESH_SEED} npx vitest run ${relative("", testPath)} -t "${name}"`;
}

function readSeed(text = ""): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || seed < 1 || seed >= 2 ** 31) {
    throw new Error(`MCP_TEST_SEED is "${text}"; expected a whole number from 1 to ${2 ** 31 - 1}.`);
  }
  return seed;
}
