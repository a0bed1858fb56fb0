import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(self: bigint, space: number): void;
  publish(now: bigint, name: number, value: number): number;
  sum(now: bigint, count: number): void;
}

const SLOTS = 256;
const START = 1_800_000_000_000;
/** Three and a half ticks. */
const DEAD_AFTER = 3500;

const data = new RacingData();
let sums: number[] = [];
const trace = { sum: (name: number, value: number) => (sums[name] = value) };
const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("slots", trace, data).exports);
let space = 0;

beforeEach(() => create(() => 7n));

/** Workers whose random numbers prefer the slots of `selfOf`. */
function create(selfOf: (worker: number) => bigint): void {
  space++;
  for (const [i, worker] of workers.entries()) worker.create(selfOf(i) + BigInt(i + 1) * 1024n, space);
}

function publish(worker: number, after: number, value: number, name = 0): boolean {
  return workers[worker].publish(BigInt(START + after), name, value) !== 0;
}

function sum(worker: number, after: number, count = 1): number[] {
  sums = [];
  workers[worker].sum(BigInt(START + after), count);
  return sums;
}

describe("slots", () => {
  it("add up the latest numbers of all workers", () => {
    for (let worker = 0; worker < 4; worker++) expect(publish(worker, 0, 10 ** worker)).toBe(true);
    expect(sum(0, 0)).toEqual([1111]);
    publish(2, 1000, 0);
    expect(sum(3, 1000)).toEqual([1011]);
  });

  it("separate numbers by name, and report those beyond the sums", () => {
    publish(0, 0, 5, 2);
    publish(1, 0, 6, 0);
    publish(2, 0, 7, 3);
    expect(sum(3, 0, 3)).toEqual([6, 0, 5, 7]);
  });

  it("of workers that stopped are no longer summed, and are reused by others", () => {
    publish(0, 0, 1);
    publish(1, 3000, 10);
    expect(sum(1, DEAD_AFTER - 1)).toEqual([11]);
    expect(sum(1, DEAD_AFTER)).toEqual([10]);
    publish(2, DEAD_AFTER, 100);
    const keys = data.keys().length;
    expect(sum(1, DEAD_AFTER)).toEqual([110]);
    // The worker was only slow. It finds its slot taken and gets another one.
    publish(0, DEAD_AFTER + 1, 1);
    expect(sum(1, DEAD_AFTER + 1)).toEqual([111]);
    expect(data.keys().length).toBe(keys + 1);
  });

  it("are live even if a worker's clock is ahead of the one that sums", () => {
    publish(0, 50, 1);
    publish(1, -50, 10);
    expect(sum(2, 0)).toEqual([11]);
    expect(publish(2, 0, 100)).toBe(true);
    expect(sum(3, -40)).toEqual([111]);
  });

  it("of a worker that stopped are not summed forever when the clocks are set back", () => {
    publish(0, 0, 1);
    publish(1, -3_600_000, 10);
    expect(sum(1, -3_600_000)).toEqual([10]);
  });

  it("are bounded", () => {
    const [worker] = workers;
    for (let i = 0; i < SLOTS; i++) {
      worker.create(BigInt(i * 7 + 1) << 10n, space);
      expect(publish(0, 0, 1)).toBe(true);
    }
    expect(sum(0, 0)).toEqual([SLOTS]);
    expect(publish(1, 0, 1)).toBe(false);
    expect(publish(1, DEAD_AFTER, 1)).toBe(true);
    expect(sum(1, DEAD_AFTER)).toEqual([1]);
  });

  const step = fc.record({ worker: fc.nat({ max: 3 }), pass: fc.nat({ max: 1500 }), value: fc.nat({ max: 9 }) });

  itHolds(
    "are never shared: a tick after a race, each live worker is summed once",
    200,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
      fc.array(fc.nat({ max: 6 }), { maxLength: 40, size: "max" }),
      (steps, pauses) => {
        create((worker) => BigInt(worker % 2));
        let now = 0;
        race(data, steps, pauses, ({ worker, pass, value }) => {
          now += pass;
          assert.ok(publish(worker, now, value));
        });
        for (let worker = 0; worker < 4; worker++) publish(worker, now, 10 ** worker);
        // A worker that lost its slot in the race has one at the next tick.
        for (let worker = 0; worker < 4; worker++) publish(worker, now + 1000, 10 ** worker);
        assert.deepEqual(sum(0, now + 1000), [1111]);
      },
    ),
  );
});
