import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { SharedDataStore } from "../../../scripts/host/shared-data.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  exercise(kind: number, space: number): number;
  unrecovered(space: number): number;
  guard(index: number): number;
  enumerations(): number;
}

const PAGE_CAPACITY = 131_072;
const GUARDS = 4;
/** Unused bytes after a buffer, then the head of the next heap block. */
const GUARD_SIZE = 16;

/** Values by the format of their keys, without the common prefix. */
const golden = JSON.parse(readFileSync("test/fixtures/shared-data.json", "utf8")) as Record<
  string,
  Record<string, string>
>;

/** Executes all operations on every kind of value. */
function exerciseAll({ exports }: TestModule<Exports>, space: number): void {
  for (let kind = 0; exports.exercise(kind, space) !== 0; kind++);
}

/** All values by their keys without `mcp/<format>/`, the format, and the meaning of their numbers. */
function written(): { format: string; values: Record<string, string> } {
  const data = new SharedDataStore();
  const module = new TestModule<Exports>("values", {}, data);
  exerciseAll(module, 0);
  const keys = data.keys().filter((key) => !key.includes("/test-1/"));
  const [, format] = keys[0].split("/");
  const hex = (key: string) => Buffer.from(data.get(key)!.bytes).toString("hex");
  const values = Object.fromEntries(keys.map((key) => [key.split("/").slice(2).join("/"), hex(key)]));
  return { format, values: { ...values, enumerations: module.string(module.exports.enumerations()) } };
}

describe("the values in shared data", () => {
  it("are the recorded bytes for FORMAT: a change of a layout must increment FORMAT and update these", () => {
    const { format, values } = written();
    expect({ [format]: values }).toEqual(golden);
  });

  it("have the format that the changelog has for the newest version: users read there what an upgrade does", () => {
    const [, found] = /^Format of shared data: (\d+)/m.exec(readFileSync("CHANGELOG.md", "utf8"))!;
    expect(found).toBe(Object.keys(golden)[0]);
  });
});

/** Shared data in which every value is the same damaged one, regardless of writes. */
class DamagedData extends SharedDataStore {
  damaged: Uint8Array = new Uint8Array();
  /** Writes succeed. */
  isWritable = true;

  override get(): { bytes: Uint8Array; cas: number } {
    return { bytes: this.damaged, cas: 1 };
  }

  override set(): boolean {
    return this.isWritable;
  }
}

const known = Object.values(Object.values(golden)[0]).filter((value) => /^[\da-f]*$/.test(value));
const numbers = fc.oneof(
  fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x1ff, 0x200, 0x201, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff),
  fc.nat({ max: 1000 }),
);
/** A valid value or any bytes: repeated, cut, and with other numbers at some offsets. */
const damages = fc.record({
  value: fc.oneof(
    fc.constantFrom(...known),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  ),
  repeat: fc.constantFrom(1, 1, 1, 2, 40, 5000),
  cut: fc.nat({ max: 70 }),
  changes: fc.array(fc.tuple(fc.nat({ max: 400 }), numbers), { maxLength: 4 }),
});

function damagedValue({
  value,
  repeat,
  cut,
  changes,
}: typeof damages extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const whole = Buffer.from(value.repeat(repeat), "hex");
  for (const [at, number] of changes) if (at + 4 <= whole.length) whole.writeUInt32LE(number, at);
  return whole.subarray(0, Math.max(0, Math.min(whole.length, PAGE_CAPACITY + 35) - cut));
}

describe("a damaged value", () => {
  const data = new DamagedData();
  const module = new TestModule<Exports>("values", {}, data);
  const guards = () =>
    Array.from({ length: GUARDS }, (_, i) => module.bytes(module.exports.guard(i), GUARD_SIZE).toString("hex"));
  exerciseAll(module, 0);
  const before = guards();

  itHolds(
    "neither traps nor loops, and nothing is written beyond a buffer, whichever value it is in place of",
    400,
    fc.property(damages, fc.boolean(), (damage, isWritable) => {
      data.damaged = damagedValue(damage);
      data.isWritable = isWritable;
      exerciseAll(module, 0);
      assert.deepEqual(guards(), before);
    }),
  );

  /** Replaces each value with the damaged one. Returns the values that are not replaced by a valid one afterwards. */
  function unrecovered(value: Buffer): string {
    const store = new SharedDataStore();
    const worker = new TestModule<Exports>("values", {}, store);
    // The values show the names of all keys.
    worker.exports.unrecovered(0);
    for (const key of store.keys()) store.set(key, value, 0);
    return worker.string(worker.exports.unrecovered(0));
  }

  itHolds(
    "is replaced by a good one at the next change",
    200,
    fc.property(damages, (damage) => assert.equal(unrecovered(damagedValue(damage)), "")),
  );

  it("with entries of invalid ranks is replaced, too", () => {
    expect(unrecovered(damagedValue({ value: "010000003412", repeat: 5000, cut: 0, changes: [] }))).toBe("");
  });
});
