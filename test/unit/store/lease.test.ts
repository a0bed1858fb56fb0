import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(self: bigint, space: number): void;
  tryAcquire(now: bigint, duration: bigint): number;
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
function tryAcquire(worker: number, after: number): boolean {
  return workers[worker].tryAcquire(BigInt(START + after), BigInt(DURATION)) !== 0;
}

describe("a lease", () => {
  it("has one holder, which renews it", () => {
    expect([tryAcquire(1, 0), tryAcquire(0, 1), tryAcquire(2, 1), tryAcquire(1, 1000), tryAcquire(3, 1000)]).toEqual([
      true,
      false,
      false,
      true,
      false,
    ]);
    expect([tryAcquire(0, 4499), tryAcquire(1, 4499)]).toEqual([false, true]);
  });

  it("is acquired by one worker once it has expired", () => {
    tryAcquire(0, 0);
    expect([
      tryAcquire(1, DURATION - 1),
      tryAcquire(1, DURATION),
      tryAcquire(2, DURATION),
      tryAcquire(0, DURATION),
    ]).toEqual([...[false, true], ...[false, false]]);
  });

  it("is not acquired by a worker whose clock is behind", () => {
    tryAcquire(0, 0);
    expect([tryAcquire(1, -50), tryAcquire(2, -DURATION)]).toEqual([false, false]);
    expect(tryAcquire(0, -50)).toBe(true);
    expect([tryAcquire(1, DURATION - 51), tryAcquire(1, DURATION - 50)]).toEqual([false, true]);
  });

  it("is not kept by a dead holder when the clocks are set back", () => {
    tryAcquire(0, 0);
    expect(tryAcquire(1, -3_600_000)).toBe(true);
    expect(tryAcquire(2, -3_600_000)).toBe(false);
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
          if (!tryAcquire(worker, at)) return;
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
