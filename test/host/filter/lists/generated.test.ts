/** Tests generated lists in JSON and event streams: clients receive the server's answer without the denied elements. */
import { describe, expect, test } from "vitest";
import { Random } from "../../../../scripts/fuzz/random.ts";
import { effort } from "../../../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../../../seeds.ts";
import { cut, halves, single } from "../../../unit/chunks.ts";
import { type ListAnswer, listAnswer } from "./generate.ts";
import { edited } from "./oracle.ts";
import { type Ending, passes, startListing } from "./passage.ts";

const MINUTE = 60_000;
const SEEDS = [
  { from: "a fixed seed", seed: FIXED_SEEDS[0], total: 250 },
  { from: "the fresh seed", seed: FRESH_SEED, total: effort(250, 19_750) },
];
const ENDINGS: readonly Ending[] = ["alone", "with-last", "trailers"];

/** The maximum size in bytes of answers that are cut at every byte. */
const SMALL = 1500;

describe("the lists that clients receive", () => {
  test.each(SEEDS)(
    "is the answer without what is denied, byte by byte ($total lists of $from)",
    ({ seed, total }) => {
      const plugin = startListing();
      let removed = 0;
      eachAnswer(seed, total, (random, answer) => {
        const expected = edited(answer.body, answer.isEvents);
        for (const mark of answer.deniedMarks) expect(expected.includes(mark), mark).toBe(false);
        removed += answer.deniedMarks.length;
        const run = (chunks: Uint8Array[]) => {
          passes(plugin, answer, expected, { chunks, ending: random.pick(ENDINGS) });
        };
        run([answer.body]);
        run(single(answer.body));
        for (let i = 0; i < 3; i++) run(randomCut(random, answer.body));
        if (answer.body.length <= SMALL && random.oneIn(10)) for (const chunks of halves(answer.body)) run(chunks);
      });
      // Otherwise the test would have covered little.
      expect(removed).toBeGreaterThan(total);
    },
    effort(5 * MINUTE, 60 * MINUTE),
  );

  test("contain nothing of denied elements if the answer is cut off", () => {
    const plugin = startListing();
    eachAnswer(FRESH_SEED, effort(100, 4000), (random, answer) => {
      const expected = edited(answer.body, answer.isEvents);
      const part = answer.body.subarray(0, random.below(answer.body.length));
      for (const ending of ["server", "client", "trailers", "alone"] as const) {
        const chunks = random.oneIn(2) ? [part] : randomCut(random, part);
        brokenOff(() => passes(plugin, answer, expected, { chunks, ending }));
      }
    });
  });
});

/** Runs a step for a number of answers. The error of a failure says how to reproduce it. */
function eachAnswer(seed: number, total: number, step: (random: Random, answer: ListAnswer) => void): void {
  for (let i = 0; i < total; i++) {
    const random = new Random(seed, i);
    const answer = listAnswer(random, { isPlain: i % 3 === 0 });
    try {
      step(random, answer);
    } catch (error) {
      const shown = JSON.stringify(answer.body.subarray(0, 3000).toString());
      throw new Error(`answer ${i} of seed ${seed}: ${String(error)}\n${shown}\n${replayCommand()}`, { cause: error });
    }
  }
}

function randomCut(random: Random, body: Uint8Array): Uint8Array[] {
  const sizes = Array.from({ length: 1 + random.below(5) }, () => random.size(1, Math.max(2, body.length / 2)));
  return cut(body, sizes);
}

/** The client may receive less than all of an answer that is cut off, but everything that it receives must be right. */
function brokenOff(pass: () => void): void {
  try {
    pass();
  } catch (error) {
    if (!/bytes are missing/.test(String(error))) throw error;
  }
}
