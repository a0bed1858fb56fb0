import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(space: number): void;
  add(
    scope: bigint,
    key: bigint,
    number: number,
    length: number,
    dueAt: bigint,
    verdict: number,
    endedAt: bigint,
    rank?: number,
  ): void;
  remove(scope: bigint, key: bigint): number;
  copiedByte(at: number): number;
  has(scope: bigint, key: bigint): number;
  rule(scope: bigint, key: bigint, verdict: number, endedAt: bigint, dueAt: bigint, onlyOpen?: number): void;
  endScope(scope: bigint, verdict: number, now: bigint): void;
  sweep(verdict: number, now: bigint): number;
  conflicts(): number;
}

/** The outcome of a waiting entry: how it ended, its verdict and the time. */
interface Told {
  readonly number: number;
  readonly how: "givenUp" | "evicted";
  readonly verdict: number;
  readonly endedAt: number;
}

const CAPACITY = 128;
const SIZE = 512;
const data = new RacingData();
let told: Told[] = [];
let counted: [number, verdict: number][] = [];

const trace = (how: Told["how"]) => (number: number, verdict: number, endedAt: bigint) =>
  told.push({ number, how, verdict, endedAt: Number(endedAt) });
const workers = Array.from(
  { length: 3 },
  () =>
    new TestModule<Exports>(
      "pending",
      {
        givenUp: trace("givenUp"),
        evicted: trace("evicted"),
        counted: (number: number, verdict: number) => counted.push([number, verdict]),
      },
      data,
    ).exports,
);

let space = 0;

function create(): void {
  space++;
  told = [];
  counted = [];
  for (const worker of workers) worker.create(space);
}
beforeEach(create);

/** The entries counted by a sweep at this time, which expires those that are due. */
function sweep(now: number, verdict = 9): [number, verdict: number][] {
  counted = [];
  workers[0].sweep(verdict, BigInt(now));
  return counted;
}

const byNumber = <Each extends { number: number }>(all: readonly Each[]) => all.toSorted((a, b) => a.number - b.number);

describe("a waiting entry", () => {
  const [one, other] = workers;

  it("is removed once, unchanged, on any worker, by its key and scope", () => {
    for (const length of [4, 5, 8, 100, 511, SIZE]) one.add(1n, BigInt(length), 1000 + length, length, 10n, 0, 0n);
    expect([other.remove(1n, 1n), other.remove(2n, 8n), other.has(2n, 8n)]).toEqual([0, 0, 0]);
    for (const length of [100, 4, SIZE, 5, 511, 8]) {
      expect(one.has(1n, BigInt(length))).toBe(1);
      expect(other.remove(1n, BigInt(length))).toBe(1000 + length);
      for (let at = 4; at < length; at++) expect(other.copiedByte(at)).toBe((1000 + length) & 255);
      expect([one.remove(1n, BigInt(length)), one.has(1n, BigInt(length))]).toEqual([0, 0]);
    }
  });

  it("with the same key as others is removed newest first", () => {
    [1, 2, 3].forEach((number) => one.add(1n, 1n, number, 8, 10n, 0, 0n));
    expect([1, 2, 3, 4].map(() => other.remove(1n, 1n))).toEqual([3, 2, 1, 0]);
  });

  it("is evicted for others: the oldest of the scope with most entries, one at a time", () => {
    for (let number = 1; number <= CAPACITY; number++) {
      workers[number % 3].add(BigInt(number % 5), 1n, number, SIZE, 10n, number === 6 ? 7 : 0, number === 6 ? 55n : 0n);
    }
    expect(told).toEqual([]);
    one.add(1n, 2n, 1000, SIZE, 10n, 0, 0n);
    other.add(1n, 2n, 1001, 4, 10n, 0, 0n);
    expect(told).toEqual([
      { number: 1, how: "evicted", verdict: 0, endedAt: 0 },
      { number: 6, how: "evicted", verdict: 7, endedAt: 55 },
    ]);
    // Another bucket has its own room.
    one.add(1n << 56n, 1n, 2000, 8, 10n, 0, 0n);
    expect(told).toHaveLength(2);
    expect(sweep(0)).toHaveLength(CAPACITY + 1);
  });

  it("is evicted by rank: the oldest of the lowest rank, which may be the new one", () => {
    const add = (number: number, rank: number) => one.add(1n, BigInt(number), number, 8, 10n, 0, 0n, rank);
    for (let number = 1; number <= CAPACITY; number++) add(number, number === 1 ? 3 : number % 40 === 0 ? 1 : 2);
    for (let number = 201; number <= 205; number++) add(number, 3);
    add(300, 1);
    add(301, 2);
    expect(told.map(({ number, how }) => [number, how])).toEqual(
      [40, 80, 120, 2, 3, 300, 4].map((number) => [number, "evicted"]),
    );
    expect(sweep(0)).toHaveLength(CAPACITY);
  });

  it("keeps its verdict if a new one is for open entries only", () => {
    one.add(1n, 1n, 1, 8, 100n, 0, 0n);
    one.add(1n, 2n, 2, 8, 100n, 6, 40n);
    for (const key of [1n, 2n]) other.rule(1n, key, 5, 50n, 70n, 1);
    expect(sweep(70)).toEqual([[2, 6]]);
    sweep(100);
    expect(told.map(({ number, verdict, endedAt }) => [number, verdict, endedAt])).toEqual([
      [1, 5, 50],
      [2, 6, 40],
    ]);
  });

  it("expires in one sweep with at most 2 048 others, the rest in the next sweep", () => {
    const buckets = 40;
    for (let i = 0; i < buckets * CAPACITY; i++) one.add(BigInt(i % buckets) << 56n, BigInt(i), i, 8, 10n, 0, 0n);
    const sweeps = Array.from({ length: 3 }, () => {
      told = [];
      counted = [];
      const isDone = one.sweep(9, 10n) === 1;
      return { isDone, givenUp: told.length, left: counted.length };
    });
    expect(sweeps).toEqual([
      { isDone: false, givenUp: 2048, left: 3072 },
      { isDone: false, givenUp: 2048, left: 1024 },
      { isDone: true, givenUp: 1024, left: 0 },
    ]);
  });

  it("expires when it is due, with its own verdict or that of the sweep", () => {
    one.add(1n, 1n, 1, 8, 100n, 0, 0n);
    one.add(1n, 2n, 2, 8, 200n, 4, 40n);
    one.add(1n, 3n, 3, 8, 200n, 4, 40n);
    other.rule(1n, 1n, 5, 50n, 150n);
    other.rule(1n, 9n, 5, 50n, 0n);
    expect(sweep(149)).toEqual([
      [1, 5],
      [2, 4],
      [3, 4],
    ]);
    expect(told).toEqual([]);
    expect(sweep(150)).toEqual([
      [2, 4],
      [3, 4],
    ]);
    expect(sweep(2 ** 40, 8)).toEqual([]);
    one.add(1n, 4n, 4, 8, 1n, 0, 0n);
    sweep(300, 8);
    expect(told.map(({ number, verdict, endedAt }) => [number, verdict, endedAt])).toEqual([
      [1, 5, 50],
      [2, 4, 40],
      [3, 4, 40],
      [4, 8, 300],
    ]);
  });
});

const scopes = fc.constantFrom(1n, 2n, 1n << 56n);
const keys = fc.constantFrom(1n, 2n, 3n);
const times = fc.nat({ max: 100 });
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("add" as const),
      scope: scopes,
      key: keys,
      length: fc.integer({ min: 4, max: 60 }),
      dueAt: times,
      verdict: fc.nat({ max: 3 }),
      endedAt: times,
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("remove" as const), scope: scopes, key: keys }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("rule" as const),
      scope: scopes,
      key: keys,
      dueAt: times,
      verdict: fc.integer({ min: 1, max: 3 }),
      endedAt: times,
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("endScope" as const), scope: scopes, now: times }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("sweep" as const), now: times }) },
);
const steps = fc
  .array(fc.record({ worker: fc.nat({ max: 2 }), action }), { minLength: 1, maxLength: 60, size: "max" })
  .map((all) => all.map((step, i) => ({ ...step, number: i + 1 })));
type Step = (typeof steps extends fc.Arbitrary<infer Steps> ? Steps : never) extends (infer Each)[] ? Each : never;

const DEFAULT = 9;

/** Executes the step. Returns the number of the removed entry, or 0. */
function run({ worker, action, number }: Step): number {
  const on = workers[worker];
  switch (action.type) {
    case "add":
      on.add(
        action.scope,
        action.key,
        number,
        action.length,
        BigInt(action.dueAt),
        action.verdict,
        BigInt(action.endedAt),
      );
      return 0;
    case "remove":
      return on.remove(action.scope, action.key);
    case "rule":
      on.rule(action.scope, action.key, action.verdict, BigInt(action.endedAt), BigInt(action.dueAt));
      return 0;
    case "endScope":
      on.endScope(action.scope, DEFAULT, BigInt(action.now));
      return 0;
    case "sweep":
      on.sweep(DEFAULT, BigInt(action.now));
      return 0;
  }
}

describe("waiting entries, in any order of events", () => {
  itHolds(
    "is what a plain list has, where one thing is done after the other",
    400,
    fc.property(steps, (steps) => {
      create();
      let model: { number: number; scope: bigint; key: bigint; dueAt: number; verdict: number; endedAt: number }[] = [];
      const expected: Told[] = [];
      const giveUp = (isOver: (each: (typeof model)[number]) => boolean, now: number): void => {
        for (const { number, verdict, endedAt } of model.filter(isOver)) {
          expected.push({
            number,
            how: "givenUp",
            ...(verdict ? { verdict, endedAt } : { verdict: DEFAULT, endedAt: now }),
          });
        }
        model = model.filter((each) => !isOver(each));
      };
      for (const step of steps) {
        const { action, number } = step;
        const removed = run(step);
        const at =
          "key" in action ? model.findLastIndex(({ scope, key }) => scope === action.scope && key === action.key) : -1;
        if (action.type === "add") model.push({ ...action, number });
        else if (action.type === "remove") assert.equal(removed, at < 0 ? 0 : model.splice(at, 1)[0].number);
        else if (action.type === "rule" && at >= 0)
          Object.assign(model[at], { dueAt: action.dueAt, verdict: action.verdict, endedAt: action.endedAt });
        else if (action.type === "endScope") giveUp(({ scope }) => scope === action.scope, action.now);
        else if (action.type === "sweep") giveUp(({ dueAt }) => dueAt <= action.now, action.now);
      }
      assert.deepEqual(byNumber(told), byNumber(expected));
      const left = sweep(-1).toSorted(([a], [b]) => a - b);
      assert.deepEqual(
        left,
        model.map(({ number, verdict }) => [number, verdict]),
      );
    }),
  );

  itHolds(
    "is removed or given up exactly once, whatever workers do in between",
    400,
    fc.property(steps, fc.array(fc.nat({ max: 3 }), { maxLength: 40, size: "max" }), (steps, pauses) => {
      create();
      const removed: number[] = [];
      race(data, steps, pauses, (step) => {
        const number = run(step);
        if (number) removed.push(number);
      });
      // No worker failed with every attempt.
      assert.deepEqual(
        workers.map((worker) => worker.conflicts()),
        [0, 0, 0],
      );
      sweep(1000);
      const added = steps.flatMap(({ action, number }) => (action.type === "add" ? [number] : []));
      assert.deepEqual(
        [...removed, ...told.map(({ number }) => number)].toSorted((a, b) => a - b),
        added,
      );
      assert.deepEqual(sweep(1000), []);
    }),
  );

  it("are raced for in generated steps: changes are retried, and removals come too late", () => {
    let again = 0;
    let late = 0;
    for (const [all, pauses] of fc.sample(
      fc.tuple(steps, fc.array(fc.nat({ max: 3 }), { maxLength: 40, size: "max" })),
      { numRuns: 200, seed: 1 },
    )) {
      create();
      const failed = data.set.bind(data);
      data.set = (...args) => {
        const isWritten = failed(...args);
        if (!isWritten) again++;
        return isWritten;
      };
      race(data, all, pauses, (step) => {
        const number = run(step);
        if (step.action.type === "remove" && number === 0) late++;
      });
      data.set = failed;
    }
    expect(again).toBeGreaterThan(100);
    expect(late).toBeGreaterThan(100);
  });
});
