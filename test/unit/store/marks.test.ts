import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(space: number): void;
  add(session: bigint, id: bigint): void;
  has(session: bigint, id: bigint): number;
}

const BUCKETS = 256;
const CAPACITY = 32;

const data = new RacingData();
const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("marks", {}, data).exports);
let space = 0;

beforeEach(create);

/** What the bucket of a mark is kept under, but for the space. */
function bucketOf(id: bigint): string {
  let bucket = "";
  create();
  data.afterWrite = (key) => (bucket = key.split("/").at(-1)!);
  workers[0].add(1n, id);
  data.afterWrite = undefined;
  return bucket;
}

function create(): void {
  space++;
  for (const worker of workers) worker.create(space);
}

describe("marks", () => {
  it("are seen by every worker, each for its session and id alone", () => {
    workers[0].add(1n, 2n);
    for (const worker of workers) {
      const pairs = [
        [1n, 2n],
        [2n, 1n],
        [1n, 1n],
        [0n, 2n],
      ] as const;
      expect(pairs.map(([session, id]) => worker.has(session, id))).toEqual([1, 0, 0, 0]);
    }
  });

  it("are bounded, and the oldest goes first", () => {
    const count = 40 * BUCKETS * CAPACITY;
    const sizes: number[] = [];
    for (let i = 0; i < count; i++) {
      workers[i % 4].add(1n, BigInt(i));
      if (i % (count / 4) === count / 4 - 1) sizes.push(data.size);
    }
    // All buckets are full long before, and the keys are as many as ever.
    expect(sizes[3]).toBe(sizes[1]);
    // So many came after it, in all buckets together, that a bucket had nearly as many more than it holds, or fewer.
    const has = (ago: number): number => workers[0].has(1n, BigInt(count - 1 - ago));
    expect(Array.from({ length: BUCKETS * 10 }, (_, i) => has(i)).every(Boolean)).toBe(true);
    expect(Array.from({ length: BUCKETS }, (_, i) => has(BUCKETS * 80 + i)).some(Boolean)).toBe(false);
  });

  it("that are set again take no second place", () => {
    for (let i = 0; i < BUCKETS; i++) workers[0].add(1n, BigInt(i));
    for (let i = 0; i < BUCKETS * CAPACITY; i++) workers[i % 4].add(1n, BigInt(i % 16));
    for (let i = 0; i < BUCKETS; i++) expect(workers[0].has(1n, BigInt(i))).toBe(1);
  });

  /** Ids whose marks are in one bucket, so that workers get into each other's way. */
  const neighbours = [...Array(4000).keys()].map(BigInt).filter((id) => bucketOf(id) === bucketOf(0n));
  const step = fc.record({ worker: fc.nat({ max: 3 }), id: fc.constantFrom(...neighbours) });

  itHolds(
    "are not lost when workers race",
    200,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: CAPACITY }),
      // Fewer than the attempts that a worker makes.
      fc.array(fc.nat({ max: 2 }), { maxLength: 14 }),
      (steps, pauses) => {
        create();
        race(data, steps, pauses, ({ worker, id }) => workers[worker].add(1n, id));
        for (const { id } of steps) assert.equal(workers[0].has(1n, id), 1);
      },
    ),
  );
});
