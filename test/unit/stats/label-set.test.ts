import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  create(capacity: number, reserved: number): void;
  find(at: number, length: number): number;
  admit(at: number, length: number, isKnown: boolean): number;
  label(index: number): void;
}

/** The index of every name that has none of its own. */
const OTHER = 0;

let label = "";

const module: TestModule<Exports> = new TestModule("labels", {
  label(at: number, length: number): void {
    label = module.bytes(at, length).toString("latin1");
  },
});
const { exports: labels } = module;

function find(name: string): number {
  return module.lend(Buffer.from(name), (at, length) => labels.find(at, length));
}

/** A name that the operator configured or the server listed. */
function admitKnown(name: string): number {
  return module.lend(Buffer.from(name), (at, length) => labels.admit(at, length, true));
}

/** A name that was called with success. */
function admitCalled(name: string): number {
  return module.lend(Buffer.from(name), (at, length) => labels.admit(at, length, false));
}

function labelOf(index: number): string {
  labels.label(index);
  return label;
}

describe("a set of label values", () => {
  beforeEach(() => labels.create(8, 6));

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
    labels.create(0, 0);
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
    labels.create(256, 192);
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
    ["a=.=b;.;c", "a_._b_._c"],
    ['a b"c\\d\ne{f}g', "a_b_c_d_e_f_g"],
    ["a,b;c=d|e", "a_b_c_d_e"],
    ["[`^~!#$%&'()*<>?]", "_".repeat(17)],
    ["é", "__"],
    ["\0\u007f", "__"],
  ])("shows %j as %j", (name, expected) => {
    expect(labelOf(admitKnown(name))).toBe(expected);
  });

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
        labels.create(capacity, reserved);
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
