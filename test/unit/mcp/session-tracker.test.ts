import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "../store/race.ts";

interface Exports {
  create(self: bigint, space: number, idleSeconds: number): void;
  begin(hash: bigint, kind: number, server: number, revision: number, now: bigint): void;
  meet(hash: bigint, server: number, revision: number, now: bigint): void;
  add(hash: bigint, operations: number, tokens: bigint, now: bigint): void;
  end(hash: bigint, reason: number, now: bigint): void;
  tick(now: bigint): void;
  sweep(now: bigint): void;
}

const START = 1_800_000_000_000;
const IDLE_SECONDS = 60;
const SECOND = 1000;
const SERVER = 3;
const ENDS = ["none", "deleted", "refused", "idle", "evicted"];
const DELETED = 1;
const STREAMABLE = 0;
const WINDOW = 1;

const data = new RacingData();
let told: string[] = [];
let active = 0;
let accesses = 0;

const trace = {
  started: (hash: bigint, kind: number, revision: number) => told.push(`started ${hash} ${kind} ${revision}`),
  adopted: (hash: bigint) => told.push(`adopted ${hash}`),
  ended: (server: number, end: number) => told.push(`ended ${server} ${ENDS[end]}`),
  settled: (server: number, operations: number, tokens: bigint, lasted: bigint) =>
    told.push(`settled ${server} ${operations} ${tokens} ${lasted}`),
  counted: () => active++,
};

const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("tracker", trace, data).exports);
let space = 0;
let now = START;

beforeEach(create);

function create(): void {
  space++;
  now = START;
  for (const [i, worker] of workers.entries()) worker.create(BigInt(i + 1), space, IDLE_SECONDS);
  takeTold();
}

/** The reports of workers since the last call. */
function takeTold(): string[] {
  const all = told;
  told = [];
  return all;
}

function begin(worker: number, hash = 5n, kind = WINDOW): void {
  workers[worker].begin(hash, kind, SERVER, 4, BigInt(now));
}

function meet(worker: number, hash = 5n): void {
  workers[worker].meet(hash, SERVER, 4, BigInt(now));
}

/** An operation with a number of tokens has ended, or tokens outside of any operation have passed. */
function count(worker: number, hash = 5n, tokens = 0, operations = 1): void {
  workers[worker].add(hash, operations, BigInt(tokens), BigInt(now));
}

function end(worker: number, hash = 5n): void {
  workers[worker].end(hash, DELETED, BigInt(now));
}

/** Advances the time by seconds, with a tick of each worker in each. */
function pass(seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    now += SECOND;
    for (const worker of workers) worker.tick(BigInt(now));
  }
}

/** The active sessions. */
function sweep(): number {
  active = 0;
  workers[0].sweep(BigInt(now));
  return active;
}

/** The number of reads and writes of shared data during the call. */
function accessesOf(use: () => void): number {
  accesses = 0;
  data.beforeAccess = () => accesses++;
  use();
  data.beforeAccess = undefined;
  return accesses;
}

describe("a tracked session", () => {
  it("starts once, even if several workers see it", () => {
    begin(0, 5n, STREAMABLE);
    for (let worker = 0; worker < 4; worker++) begin(worker, 5n, STREAMABLE);
    expect(takeTold()).toEqual(["started 5 0 4"]);
  });

  it("needs at most 2 048 flushes per tick and 8 192 entries per worker, and is never lost", () => {
    const sessions = 12_000;
    // Spread over all buckets of the store.
    const hash = (i: number) => (BigInt(i % 1024) << 54n) + BigInt(i + 1);
    for (let i = 0; i < sessions; i++) {
      begin(0, hash(i));
      count(0, hash(i), 3);
    }
    // The others were written when their room was needed.
    const writes: number[] = [];
    for (let tick = 0; tick < 8; tick++) {
      now += 5 * SECOND;
      writes.push(accessesOf(() => workers[0].tick(BigInt(now))) / 2);
    }
    expect(writes).toEqual([2048, 2048, 2048, 2048, 0, 0, 0, 0]);
    for (let i = 0; i < sessions; i++) end(1, hash(i));
    takeTold();
    pass(7);
    for (let sweeps = 0; sweeps < 3; sweeps++) sweep();
    const settled = takeTold().filter((each) => each.startsWith("settled"));
    expect(settled).toHaveLength(sessions);
    for (const each of settled) expect(each).toMatch(/^settled 3 1 3 /);
  });

  it("is adopted once, if no worker saw its start", () => {
    for (let worker = 0; worker < 4; worker++) meet(worker);
    begin(1);
    expect(takeTold()).toEqual(["adopted 5"]);
  });

  it("needs only one flush in five seconds while a worker has it in memory", () => {
    begin(0);
    meet(1);
    const use = (): void => {
      for (let i = 0; i < 100; i++) {
        meet(i % 2);
        count(i % 2);
      }
    };
    expect(accessesOf(use)).toBe(0);
    expect(accessesOf(() => pass(4))).toBe(0);
    // Two workers, each one read and one write.
    expect(accessesOf(() => pass(1))).toBe(4);
    expect(accessesOf(() => pass(10))).toBe(0);
  });

  it("is settled with the operations and tokens of all workers", () => {
    begin(0);
    for (let worker = 0; worker < 4; worker++) meet(worker);
    for (let i = 0; i < 10; i++) count(i % 4, 5n, 2 ** 32 + i);
    count(3, 5n, 7, 0);
    now += 2 * SECOND;
    end(2);
    pass(6);
    sweep();
    expect(takeTold()).toEqual([
      "started 5 1 4",
      `ended ${SERVER} deleted`,
      `settled ${SERVER} 10 ${10 * 2 ** 32 + 45 + 7} 2000`,
    ]);
  });

  it("counts an operation, and tokens, after the session has left the worker's memory", () => {
    begin(0);
    pass(20);
    count(0, 5n, 100);
    count(2, 5n, 11, 0);
    end(1);
    pass(6);
    sweep();
    expect(takeTold().at(-1)).toBe(`settled ${SERVER} 1 111 20000`);
  });

  it("writes its tokens to the store once", () => {
    begin(0);
    for (let i = 0; i < 4; i++) {
      count(0, 5n, 1000);
      pass(6);
    }
    end(0);
    pass(6);
    sweep();
    expect(takeTold().at(-1)).toBe(`settled ${SERVER} 4 4000 24000`);
  });

  it("is active as long as there is activity, and then ends as idle", () => {
    begin(0);
    for (let i = 0; i < 10; i++) {
      pass(IDLE_SECONDS - 5);
      expect(sweep()).toBe(1);
      if (i % 2) count(i % 4);
      else meet(i % 4);
    }
    pass(IDLE_SECONDS - 1);
    expect(sweep()).toBe(1);
    pass(12);
    expect(sweep()).toBe(0);
    const lasted = 10 * (IDLE_SECONDS - 5) * SECOND;
    expect(takeTold()).toEqual(["started 5 1 4", `ended ${SERVER} idle`, `settled ${SERVER} 5 0 ${lasted}`]);
    begin(3);
    expect(takeTold()).toEqual(["started 5 1 4"]);
  });

  it("is not revived by late reports", () => {
    begin(0);
    meet(1);
    end(0);
    for (const worker of [0, 1, 2]) meet(worker);
    pass(20);
    expect(sweep()).toBe(0);
    expect(takeTold().slice(1)).toEqual([`ended ${SERVER} deleted`, `settled ${SERVER} 0 0 0`]);
  });

  it("is tracked with a thousand others", () => {
    const hashes = Array.from({ length: 1000 }, (_, i) => (BigInt(i + 1) << 54n) + BigInt(i + 1));
    for (const [i, hash] of hashes.entries()) begin(i % 4, hash);
    for (const [i, hash] of hashes.entries()) count(i % 4, hash, 3);
    expect(takeTold()).toHaveLength(1000);
    pass(20);
    for (const [i, hash] of hashes.entries()) end(i % 3, hash);
    pass(6);
    sweep();
    const settled = takeTold().filter((each) => each.startsWith("settled"));
    expect(settled).toEqual(Array.from({ length: 1000 }, () => `settled ${SERVER} 1 3 20000`));
  });
});

describe("tracked sessions", () => {
  const step = fc.record({
    worker: fc.nat({ max: 3 }),
    hash: fc.bigInt({ min: 1n, max: 3n }),
    what: fc.constantFrom("begin", "meet", "count", "count", "pass"),
    tokens: fc.oneof(fc.nat({ max: 9999 }), fc.constant(2 ** 33)),
    seconds: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat({ max: 12 })),
  });

  itHolds(
    "are counted with every operation and token once, whatever workers do in between",
    200,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
      // Fewer than the attempts of a worker.
      fc.array(fc.nat({ max: 4 }), { maxLength: 14 }),
      (steps, pauses) => {
        create();
        const sums = new Map([1n, 2n, 3n].map((hash) => [hash, { operations: 0, tokens: 0 }]));
        for (const hash of [1n, 2n, 3n]) meet(0, hash);
        race(data, steps, pauses, ({ worker, hash, what, tokens, seconds }) => {
          for (let i = 0; i < seconds; i++) {
            now += SECOND;
            workers[worker].tick(BigInt(now));
          }
          if (what === "begin") begin(worker, hash);
          else if (what === "meet") meet(worker, hash);
          else count(worker, hash, tokens, what === "count" ? 1 : 0);
          if (what === "begin" || what === "meet") return;
          const sum = sums.get(hash)!;
          if (what === "count") sum.operations++;
          sum.tokens += tokens;
        });
        pass(6);
        for (const hash of [1n, 2n, 3n]) end(3, hash);
        pass(6);
        sweep();
        const all = takeTold();
        assert.deepEqual(all.filter((each) => /started|adopted/.test(each)).sort(), [
          "adopted 1",
          "adopted 2",
          "adopted 3",
        ]);
        const settled = all.filter((each) => each.startsWith("settled")).map((each) => each.split(" ").slice(2, 4));
        const expected = [...sums.values()].map(({ operations, tokens }) => [String(operations), String(tokens)]);
        assert.deepEqual(settled.sort(), expected.sort());
      },
    ),
  );
});
