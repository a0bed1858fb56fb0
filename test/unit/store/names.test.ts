import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(space: number, limit: number): void;
  open(): void;
  next(): number;
  hasRoom(length: number): number;
  append(at: number, length: number, isKnown: boolean): number;
  setKnown(): number;
  add(number: bigint): number;
  remove(number: bigint): void;
  has(number: bigint): number;
  count(): number;
  values(): void;
  conflicts(): number;
}

const data = new RacingData();
let told: string[] = [];

const workers = Array.from({ length: 4 }, () => {
  const worker: TestModule<Exports> = new TestModule(
    "names",
    {
      name: (at: number, length: number, isKnown: number) =>
        told.push(`${worker.bytes(at, length).toString()}${isKnown ? "!" : ""}`),
      number: (value: bigint) => told.push(BigInt.asUintN(64, value).toString()),
    },
    data,
  );
  return worker;
});

const LIMIT = 4;
let space = 0;

beforeEach(() => create(LIMIT));

function create(limit: number): void {
  space++;
  for (const { exports } of workers) exports.create(space, limit);
}

/** All names as a worker reads them. Known names are marked with `!`. */
function read(worker: number): string[] {
  const { exports } = workers[worker];
  told = [];
  exports.open();
  while (exports.next()) continue;
  return told;
}

function append(worker: number, name: string, isKnown = false): boolean {
  const module = workers[worker];
  return module.lend(Buffer.from(name), (at, length) => module.exports.append(at, length, isKnown)) !== 0;
}

describe("a list of names", () => {
  it("is empty at first", () => {
    expect(read(0)).toEqual([]);
  });

  it("is the same for every worker, in the order of arrival", () => {
    for (const [i, name] of ["b", "a", "", "é".repeat(125)].entries()) {
      read(i);
      expect(append(i, name, i === 1)).toBe(true);
    }
    for (const worker of workers.keys()) expect(read(worker)).toEqual(["b", "a!", "", "é".repeat(125)]);
  });

  it("accepts no name from a worker that has not read the latest one", () => {
    read(0);
    read(1);
    expect([append(0, "a"), append(1, "b")]).toEqual([true, false]);
    expect(read(1)).toEqual(["a"]);
    expect(append(1, "b")).toBe(true);
    expect(read(0)).toEqual(["a", "b"]);
  });

  it("marks the name found last as known, for every worker", () => {
    for (const name of ["a", "b", "c"]) {
      read(0);
      append(0, name);
    }
    const [first, second] = workers.map(({ exports }) => exports);
    for (const worker of [first, second]) {
      worker.open();
      worker.next();
      worker.next();
    }
    expect([first.setKnown(), second.setKnown()]).toEqual([1, 0]);
    expect(read(2)).toEqual(["a", "b!", "c"]);
  });

  it("has room for 128 KiB", () => {
    const { exports } = workers[0];
    let count = 0;
    for (; read(0).length >= 0 && exports.hasRoom(250); count++) append(0, "x".repeat(250));
    expect(count).toBe(Math.floor(131_072 / 252));
    expect([exports.hasRoom(30), exports.hasRoom(31)]).toEqual([1, 0]);
    expect(append(0, "y".repeat(30))).toBe(true);
    expect(read(1).at(-1)).toBe("y".repeat(30));
    expect(exports.hasRoom(0)).toBe(0);
  });
});

describe("a set of numbers", () => {
  const values = (worker: number): string[] => {
    told = [];
    workers[worker].exports.values();
    return told;
  };

  it("grows up to its limit, and lists its numbers", () => {
    const { exports } = workers[0];
    expect(values(0)).toEqual([]);
    expect([7n, 0n, 7n, 2n ** 64n - 1n, 1n, 2n].map((number) => exports.add(number))).toEqual([1, 1, 1, 1, 1, 0]);
    expect([exports.add(0n), exports.add(3n)]).toEqual([1, 0]);
    for (const worker of workers.keys()) expect(values(worker)).toEqual(["7", "0", "18446744073709551615", "1"]);
  });

  it("has room again once a number is removed", () => {
    const [{ exports: one }, { exports: other }] = workers;
    for (const number of [5n, 6n, 7n, 8n]) one.add(number);
    for (const number of [5n, 8n, 9n]) other.remove(number);
    expect([one.count(), one.has(5n), one.has(6n), one.has(8n)]).toEqual([2, 0, 1, 0]);
    expect([other.add(9n), values(0)]).toEqual([1, ["7", "6", "9"]]);
  });

  it("may have no room", () => {
    create(0);
    expect(workers[0].exports.add(1n)).toBe(0);
  });

  const step = fc.record({ worker: fc.nat({ max: 3 }), number: fc.bigInt({ min: 0n, max: 6n }) });

  itHolds(
    "keeps its limit and loses no number when workers race, unless it says so",
    300,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 60, size: "max" }),
      fc.array(fc.nat({ max: 3 }), { maxLength: 60, size: "max" }),
      (steps, pauses) => {
        create(LIMIT);
        const added = new Set<string>();
        let refused = 0;
        race(data, steps, pauses, ({ worker, number }) => {
          if (workers[worker].exports.add(number)) added.add(number.toString());
          else if (!added.has(number.toString()) && added.size < LIMIT) refused++;
        });
        assert.deepEqual([...values(0)].sort(), [...added].sort());
        const conflicts = workers.reduce((sum, { exports }) => sum + exports.conflicts(), 0);
        assert.ok(refused <= conflicts || added.size === LIMIT, `${refused} refused, ${conflicts} conflicts`);
      },
    ),
  );
});
