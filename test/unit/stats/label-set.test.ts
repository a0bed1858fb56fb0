import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "../store/race.ts";

interface Exports {
  create(space: number, capacity: number, reserved: number): void;
  find(at: number, length: number): number;
  admit(at: number, length: number, isKnown: boolean): number;
  label(index: number): void;
}

/** The index of every name that has none of its own. */
const OTHER = 0;

let label = "";

const data = new RacingData();

/** Each has a copy of the set. */
const workers = Array.from({ length: 4 }, () => {
  const worker: TestModule<Exports> = new TestModule(
    "labels",
    {
      label(at: number, length: number): void {
        label = worker.bytes(at, length).toString("latin1");
      },
    },
    data,
  );
  return worker;
});

let space = 0;

/** A new set, empty on all workers. */
function create(capacity: number, reserved: number): void {
  space++;
  for (const { exports } of workers) exports.create(space, capacity, reserved);
}

function find(name: string, worker = 0): number {
  const module = workers[worker];
  return module.lend(Buffer.from(name), (at, length) => module.exports.find(at, length));
}

function admit(name: string, isKnown: boolean, worker: number): number {
  const module = workers[worker];
  return module.lend(Buffer.from(name), (at, length) => module.exports.admit(at, length, isKnown));
}

/** A name that the operator configured or the server listed. */
function admitKnown(name: string): number {
  return admit(name, true, 0);
}

/** A name that was called with success. */
function admitCalled(name: string): number {
  return admit(name, false, 0);
}

function labelOf(index: number, worker = 0): string {
  workers[worker].exports.label(index);
  return label;
}

describe("a set of label values", () => {
  it("gives a name its own index whatever other name was chosen before it", () => {
    create(8, 0);
    // One FNV-1a hash.
    const names = ["8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ"];
    expect(names.map(admitKnown)).toEqual([1, 2]);
    expect(names.map((name) => find(name, 1))).toEqual([1, 2]);
  });

  beforeEach(() => create(8, 6));

  it("gives each name an index of its own, and keeps it", () => {
    expect([admitKnown("a"), admitKnown("b"), admitCalled("c"), admitKnown("a"), admitCalled("b")]).toEqual([
      1, 2, 3, 1, 2,
    ]);
    expect([find("a"), find("b"), find("c"), find("d")]).toEqual([1, 2, 3, OTHER]);
  });

  it("looks up without admitting", () => {
    expect(find("a")).toBe(OTHER);
    expect(admitKnown("b")).toBe(1);
  });

  it("tells names apart that begin alike, or differ in case", () => {
    expect(["ab", "a", "abc", "AB", "ab ", "é"].map(admitKnown)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(labelOf(3)).toBe("abc");
  });

  it("has no place for a name without a byte", () => {
    expect([admitKnown(""), admitCalled(""), find("")]).toEqual([OTHER, OTHER, OTHER]);
    expect(admitKnown("a")).toBe(1);
  });

  it("ends at its capacity", () => {
    expect(Array.from("abcdefghij", admitKnown)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, OTHER, OTHER]);
    expect([find("h"), find("i"), admitCalled("j"), admitCalled("a")]).toEqual([8, OTHER, OTHER, 1]);
  });

  it("may have no capacity", () => {
    create(0, 0);
    expect([admitKnown("a"), admitCalled("a"), find("a")]).toEqual([OTHER, OTHER, OTHER]);
  });

  it("lets names known by success alone have only the slots that are not reserved", () => {
    expect(Array.from("abcd", admitCalled)).toEqual([1, 2, OTHER, OTHER]);
    expect(Array.from("uvwxyz", admitKnown)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(admitKnown("c")).toBe(OTHER);
  });

  it("has a slot free again once a name known by success is listed, once", () => {
    expect(Array.from("abc", admitCalled)).toEqual([1, 2, OTHER]);
    expect([admitKnown("a"), admitKnown("a"), admitKnown("a")]).toEqual([1, 1, 1]);
    expect(Array.from("cd", admitCalled)).toEqual([3, OTHER]);
    // A call of a listed name takes nothing.
    expect([admitCalled("a"), admitCalled("a")]).toEqual([1, 1]);
    expect(admitKnown("b")).toBe(2);
    expect(Array.from("de", admitCalled)).toEqual([4, OTHER]);
  });

  it("frees no slot by the listing of a name that was listed from the start", () => {
    admitKnown("k");
    admitKnown("k");
    expect(Array.from("abc", admitCalled)).toEqual([2, 3, OTHER]);
  });

  it("gives 100 000 invented names nothing once it is full", () => {
    create(256, 192);
    for (let i = 0; i < 64; i++) expect(admitCalled(`tool-${i}`)).toBe(i + 1);
    const indices = new Set<number>();
    for (let i = 0; i < 100_000; i++) indices.add(admitCalled(`invented-${i}`));
    expect([...indices]).toEqual([OTHER]);
    for (let i = 0; i < 192; i++) expect(admitKnown(`listed-${i}`)).toBe(i + 65);
    for (let i = 0; i < 100_000; i++) indices.add(admitKnown(`invented-${i}`));
    expect([...indices]).toEqual([OTHER]);
    expect(find("tool-63")).toBe(64);
  });

  it.each([
    ["get_weather-2.0/eu:west@home+x", "get_weather-2.0/eu:west@home+x"],
    ["AZaz09", "AZaz09"],
    ["a=.=b;.;c", "a%3D.%3Db%3B.%3Bc"],
    ['a b"c\\d\ne{f}g', "a%20b%22c%5Cd%0Ae%7Bf%7Dg"],
    ["a,b;c=d|e", "a%2Cb%3Bc%3Dd%7Ce"],
    ["100%", "100%25"],
    ["a%20b", "a%2520b"],
    ["查询天气", "%E6%9F%A5%E8%AF%A2%E5%A4%A9%E6%B0%94"],
    ["é", "%C3%A9"],
    ["\0\u007f~", "%00%7F%7E"],
    // The value of all names that have none of their own.
    ["_OTHER", "%5FOTHER"],
    ["_OTHER_", "_OTHER_"],
  ])("shows %j as %j", (name, expected) => {
    expect(labelOf(admitKnown(name))).toBe(expected);
  });

  it("cuts a value of more than 250 bytes between two characters, and tells it apart by a hash", () => {
    const long = ["天", "地", "x"].map((last) => `${"天".repeat(27)}${last.repeat(2)}`);
    const [sky, earth, plain] = long.map((name) => labelOf(admitKnown(name)));
    const kept = "%E5%A4%A9".repeat(25);
    expect([sky, earth]).toEqual([expect.stringMatching(`^${kept}~[\\da-f]{16}$`), expect.stringMatching(`^${kept}~`)]);
    expect(new Set([sky, earth]).size).toBe(2);
    // 27 characters of 9 bytes, and two.
    expect(plain).toBe(`${"%E5%A4%A9".repeat(27)}xx`);
    expect(labelOf(admitKnown("x".repeat(250)))).toBe("x".repeat(250));
  });

  itHolds(
    "shows different names as different values, of letters and digits but for marks, that decode to the names",
    300,
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 24 }), (name) => {
      create(8, 0);
      const value = labelOf(admitKnown(name));
      assert.match(value, /^[\w\-./:@+%]*$/);
      assert.equal(decodeURIComponent(value), name);
    }),
  );

  const names = fc.constantFrom(..."abcdefghijklmnop".split(""), "é", "a b");

  itHolds(
    "admits as a plain model of it does",
    500,
    fc.property(
      fc.integer({ min: 0, max: 12 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.record({ name: names, how: fc.constantFrom("known", "called", "find") }), {
        maxLength: 80,
        size: "max",
      }),
      (capacity, share, steps) => {
        const reserved = Math.floor(capacity * share);
        create(capacity, reserved);
        const admitted = new Map<string, { index: number; unreserved: boolean }>();
        for (const { name, how } of steps) {
          const unreserved = [...admitted.values()].filter((entry) => entry.unreserved).length;
          const isKnown = how === "known";
          const room = admitted.size < capacity && (isKnown || unreserved < capacity - reserved);
          const entry = admitted.get(name);
          if (entry !== undefined) entry.unreserved &&= !isKnown;
          else if (how !== "find" && room) admitted.set(name, { index: admitted.size + 1, unreserved: !isKnown });
          const found = how === "find" ? find(name) : isKnown ? admitKnown(name) : admitCalled(name);
          assert.equal(found, admitted.get(name)?.index ?? OTHER);
        }
      },
    ),
  );
});

describe("a set of label values on several workers", () => {
  beforeEach(() => create(8, 6));

  it("has the same index for a name on each of them", () => {
    expect([admit("a", true, 0), admit("b", true, 1), admit("c", false, 2), admit("a", true, 3)]).toEqual([1, 2, 3, 1]);
    for (const worker of workers.keys()) {
      expect(["a", "b", "c", "d"].map((name) => find(name, worker))).toEqual([1, 2, 3, OTHER]);
    }
  });

  it("shows an index by its name where only another one has met it", () => {
    admit("a b", true, 0);
    expect(labelOf(1, 3)).toBe("a%20b");
  });

  it("frees the slot of a name known by success on all of them once one sees it listed", () => {
    expect([admit("a", false, 0), admit("b", false, 1), admit("c", false, 2)]).toEqual([1, 2, OTHER]);
    expect(admit("a", true, 3)).toBe(1);
    expect([admit("c", false, 2), admit("d", false, 0)]).toEqual([3, OTHER]);
    // It is listed already: nothing more is freed, whoever sees it listed again.
    expect(workers.map((_, worker) => admit("a", true, worker))).toEqual([1, 1, 1, 1]);
    expect(workers.map((_, worker) => admit(`e${worker}`, false, worker))).toEqual([OTHER, OTHER, OTHER, OTHER]);
  });

  it("has one capacity for all", () => {
    expect(Array.from("abcdefghij", (name, i) => admit(name, true, i % 4))).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 8],
      ...[OTHER, OTHER],
    ]);
    expect(workers.map((_, worker) => find("h", worker))).toEqual([8, 8, 8, 8]);
  });

  it("takes as many names as a value of the store holds", () => {
    create(1024, 0);
    const indices = Array.from({ length: 600 }, (_, i) => admit(String(i).padEnd(250, "x"), true, i % 4));
    const size = Math.floor(131_072 / 252);
    expect(indices).toEqual(Array.from({ length: 600 }, (_, i) => (i < size ? i + 1 : OTHER)));
    expect(workers.map((_, worker) => labelOf(size, worker).slice(0, 4))).toEqual(["519x", "519x", "519x", "519x"]);
  });

  const step = fc.record({
    worker: fc.nat({ max: workers.length - 1 }),
    name: fc.constantFrom(..."abcdefghij".split("")),
    isKnown: fc.boolean(),
  });
  // Fewer than the attempts that a worker makes, so that none gives up.
  const pauses = fc.array(fc.nat({ max: 4 }), { maxLength: 14 });

  itHolds(
    "keeps its bounds and loses no name when they race",
    300,
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.nat({ max: 8 }),
      fc.array(step, { minLength: 1, maxLength: 30, size: "max" }),
      pauses,
      (capacity, most, steps, pauses) => {
        const reserved = Math.min(most, capacity);
        create(capacity, reserved);
        const indices = new Map<string, number>();
        const known = new Set<string>();
        race(data, steps, pauses, ({ worker, name, isKnown }) => {
          const index = admit(name, isKnown, worker);
          if (index === OTHER) return;
          assert.equal(indices.get(name) ?? index, index, name);
          indices.set(name, index);
          if (isKnown) known.add(name);
        });
        assert.equal(new Set(indices.values()).size, indices.size);
        assert.ok(Math.max(0, ...indices.values()) <= indices.size && indices.size <= capacity);
        assert.ok(indices.size - known.size <= capacity - reserved);
        for (const { name, isKnown } of steps) {
          for (const worker of workers.keys()) assert.equal(find(name, worker), indices.get(name) ?? OTHER);
          if (isKnown && !known.has(name)) assert.equal(indices.size, capacity, `${name} had to wait`);
        }
        const room = Math.min(capacity - indices.size, capacity - reserved - (indices.size - known.size));
        for (const worker of workers.keys()) assert.equal(admit("z", false, worker) !== OTHER, room > 0);
      },
    ),
  );
});
