import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(space: number): void;
  add(scope: bigint, hash: bigint, value: bigint): void;
  replace(scope: bigint, hash: bigint, before: bigint, value: bigint): number;
  get(scope: bigint, hash: bigint): bigint;
  getOther(scope: bigint, hash: bigint): bigint;
}

const BUCKETS = 256;
const CAPACITY = 32;

const data = new RacingData();
const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("marks", {}, data).exports);
let space = 0;

beforeEach(create);

/** The store key of a mark's bucket, without the space. */
function bucketOf(hash: bigint): string {
  let bucket = "";
  create();
  data.afterWrite = (key) => (bucket = key.split("/").at(-1)!);
  workers[0].add(1n, hash, 1n);
  data.afterWrite = undefined;
  return bucket;
}

function create(): void {
  space++;
  for (const worker of workers) worker.create(space);
}

describe("marks", () => {
  it("are visible to every worker, only with their scope and hash", () => {
    workers[0].add(1n, 2n, 70_000_000_000n);
    for (const worker of workers) {
      const pairs = [
        [1n, 2n],
        [2n, 1n],
        [1n, 1n],
        [0n, 2n],
      ] as const;
      expect(pairs.map(([scope, hash]) => worker.get(scope, hash))).toEqual([70_000_000_000n, 0n, 0n, 0n]);
    }
  });

  it("of another name are separate", () => {
    workers[0].add(1n, 2n, 3n);
    expect(workers[1].getOther(1n, 2n)).toBe(0n);
  });

  it("are bounded, and the oldest is evicted first", () => {
    const count = 40 * BUCKETS * CAPACITY;
    const sizes: number[] = [];
    for (let i = 0; i < count; i++) {
      workers[i % 4].add(1n, BigInt(i), BigInt(i + 1));
      if (i % (count / 4) === count / 4 - 1) sizes.push(data.size);
    }
    // All buckets have been full for long, and the number of keys has not changed.
    expect(sizes[3]).toBe(sizes[1]);
    // The number of later marks in all buckets, so that its bucket received nearly its capacity, or fewer.
    const left = (ago: number): bigint => workers[0].get(1n, BigInt(count - 1 - ago));
    const young = Array.from({ length: BUCKETS * 10 }, (_, i) => i);
    expect(young.filter((ago) => left(ago) !== BigInt(count - ago))).toEqual([]);
    expect(Array.from({ length: BUCKETS }, (_, i) => left(BUCKETS * 80 + i)).filter((value) => value !== 0n)).toEqual(
      [],
    );
  });

  it("that are set again have the new value, without a second entry", () => {
    for (let i = 0; i < BUCKETS; i++) workers[0].add(1n, BigInt(i), 9n);
    for (let i = 0; i < BUCKETS * CAPACITY; i++) workers[i % 4].add(1n, BigInt(i % 16), BigInt(i + 1));
    for (let i = 0; i < BUCKETS; i++) {
      expect(workers[0].get(1n, BigInt(i))).toBe(i < 16 ? BigInt(BUCKETS * CAPACITY - 15 + i) : 9n);
    }
  });

  /** Hashes whose marks are in one bucket, so that workers interfere with each other. */
  const neighbours = [...Array(4000).keys()].map(BigInt).filter((hash) => bucketOf(hash) === bucketOf(0n));
  const step = fc.record({
    worker: fc.nat({ max: 3 }),
    hash: fc.constantFrom(...neighbours),
    value: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
  });

  itHolds(
    "are not lost when workers race: the value written last is there",
    200,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: CAPACITY }),
      // Fewer than the attempts of a worker.
      fc.array(fc.nat({ max: 2 }), { maxLength: 14 }),
      (steps, pauses) => {
        create();
        const doing: { hash: bigint; value: bigint }[] = [];
        const written = new Map<bigint, bigint>();
        data.afterWrite = () => written.set(doing[doing.length - 1].hash, doing[doing.length - 1].value);
        race(data, steps, pauses, (each) => {
          doing.push(each);
          workers[each.worker].add(1n, each.hash, each.value);
          doing.pop();
        });
        data.afterWrite = undefined;
        for (const { hash } of steps) assert.equal(workers[0].get(1n, hash), written.get(hash));
        assert.deepEqual(new Set(written.keys()), new Set(steps.map(({ hash }) => hash)));
      },
    ),
  );

  const ATTEMPTS = 30;

  /** Adds to a count, which is never below 0, like that of an endpoint's streams. Returns the amount added. */
  function count(worker: number, hash: bigint, by: bigint): bigint {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = workers[worker].get(1n, hash);
      if (before + by < 0n) return 0n;
      if (workers[worker].replace(1n, hash, before, before + by)) return by;
    }
    throw new Error("others were faster every time");
  }

  const change = fc.record({
    worker: fc.nat({ max: 3 }),
    hash: fc.constantFrom(...neighbours.slice(0, 3)),
    by: fc.constantFrom(1n, 1n, -1n),
  });

  itHolds(
    "that are replaced have each change, whatever workers do in between; none is left of what is back at nothing",
    300,
    fc.property(
      fc.array(change, { maxLength: 30 }),
      fc.array(fc.nat({ max: 2 }), { maxLength: 14 }),
      (steps, pauses) => {
        create();
        const sums = new Map<bigint, bigint>();
        let bucket: Uint8Array = new Uint8Array();
        data.afterWrite = (...[, , after]) => (bucket = after);
        race(data, steps, pauses, ({ worker, hash, by }) => {
          const added = count(worker, hash, by);
          sums.set(hash, (sums.get(hash) ?? 0n) + added);
        });
        data.afterWrite = undefined;
        for (const [hash, sum] of sums) for (const worker of workers) assert.equal(worker.get(1n, hash), sum);
        assert.equal(bucket.length, 16 * [...sums.values()].filter((sum) => sum > 0n).length);
      },
    ),
  );

  it("are replaced only if they have the expected value", () => {
    const [worker, other] = workers;
    expect(worker.replace(1n, 2n, 5n, 6n)).toBe(0);
    expect(worker.replace(1n, 2n, 0n, 6n)).toBe(1);
    expect(other.replace(1n, 2n, 0n, 7n)).toBe(0);
    expect(other.replace(1n, 2n, 6n, 7n)).toBe(1);
    expect(worker.get(1n, 2n)).toBe(7n);
    expect(worker.replace(1n, 2n, 7n, 0n)).toBe(1);
    expect(other.get(1n, 2n)).toBe(0n);
    expect(other.replace(1n, 2n, 0n, 0n)).toBe(1);
    // The other marks stay.
    for (const hash of neighbours.slice(0, 5)) worker.add(1n, hash, hash + 1n);
    worker.replace(1n, neighbours[2], neighbours[2] + 1n, 0n);
    const left = neighbours.slice(0, 5).map((hash) => other.get(1n, hash));
    expect(left).toEqual(neighbours.slice(0, 5).map((hash, i) => (i === 2 ? 0n : hash + 1n)));
  });
});
