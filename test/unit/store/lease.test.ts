import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(self: bigint, space: number): void;
  take(now: bigint, duration: bigint): number;
}

const START = 1_800_000_000_000;
const DURATION = 3500;

const data = new RacingData();
const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("lease", {}, data).exports);
let space = 0;

beforeEach(create);

function create(): void {
  space++;
  for (const [i, worker] of workers.entries()) worker.create(BigInt(i + 1), space);
}

/** Whether the worker acquires or renews the lease, this number of milliseconds after the start by its clock. */
function take(worker: number, after: number): boolean {
  return workers[worker].take(BigInt(START + after), BigInt(DURATION)) !== 0;
}

describe("a lease", () => {
  it("has one holder, which renews it", () => {
    expect([take(1, 0), take(0, 1), take(2, 1), take(1, 1000), take(3, 1000)]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
    expect([take(0, 4499), take(1, 4499)]).toEqual([false, true]);
  });

  it("is taken over by one worker once it has expired", () => {
    take(0, 0);
    expect([take(1, DURATION - 1), take(1, DURATION), take(2, DURATION), take(0, DURATION)]).toEqual([
      ...[false, true],
      ...[false, false],
    ]);
  });

  it("is not taken over by a worker whose clock is behind", () => {
    take(0, 0);
    expect([take(1, -50), take(2, -DURATION)]).toEqual([false, false]);
    expect(take(0, -50)).toBe(true);
    expect([take(1, DURATION - 51), take(1, DURATION - 50)]).toEqual([false, true]);
  });

  it("is not kept by a dead holder when the clocks are set back", () => {
    take(0, 0);
    expect(take(1, -3_600_000)).toBe(true);
    expect(take(2, -3_600_000)).toBe(false);
  });

  // No worker is blocked for longer than the lease lasts, otherwise it would use an old time.
  const step = fc.record({ worker: fc.nat({ max: 3 }), pass: fc.nat({ max: 250 }) });

  itHolds(
    "never has two holders, whoever races for it",
    300,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 80, size: "max" }),
      fc.array(fc.nat({ max: 8 }), { maxLength: 14 }),
      (steps, pauses) => {
        create();
        let now = 0;
        let holder: { worker: number; until: number } | undefined;
        race(data, steps, pauses, ({ worker, pass }) => {
          now += pass;
          const at = now;
          if (!take(worker, at)) return;
          assert.ok(
            holder === undefined || holder.worker === worker || holder.until <= now,
            `${worker} beside another`,
          );
          holder = { worker, until: at + DURATION };
        });
      },
    ),
  );
});
