import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "./race.ts";

interface Exports {
  create(space: number): void;
  load(key: bigint): number;
  save(key: bigint, at: number, length: number): number;
  lacks(key: bigint, nameHash: bigint): number;
  remove(key: bigint): void;
  foundAt(): number;
  foundLength(): number;
}

interface Tool {
  readonly nameHash: bigint;
  readonly definition: bigint;
}

const SIZE = 16;
const LIMIT = 512;
const data = new RacingData();
const workers: TestModule<Exports>[] = Array.from({ length: 3 }, () => new TestModule<Exports>("tool_lists", {}, data));
let space = 0;

function create(): void {
  space++;
  for (const { exports } of workers) exports.create(space);
}
beforeEach(create);

function packed(tools: readonly Tool[]): Buffer {
  const bytes = Buffer.alloc(tools.length * SIZE);
  tools.forEach(({ nameHash, definition }, i) => {
    bytes.writeBigUInt64LE(nameHash, i * SIZE);
    bytes.writeBigUInt64LE(definition, i * SIZE + 8);
  });
  return bytes;
}

function found(worker: TestModule<Exports>): Tool[] {
  const bytes = worker.bytes(worker.exports.foundAt(), worker.exports.foundLength());
  return Array.from({ length: bytes.length / SIZE }, (_, i) => ({
    nameHash: bytes.readBigUInt64LE(i * SIZE),
    definition: bytes.readBigUInt64LE(i * SIZE + 8),
  }));
}

/** Stores a list. Returns the list that it replaced; undefined if there was none or the same one. */
function save(worker: TestModule<Exports>, key: bigint, tools: readonly Tool[]): Tool[] | undefined {
  const isKnown = worker.lend(packed(tools), (at, length) => worker.exports.save(key, at, length));
  return isKnown ? found(worker) : undefined;
}

const load = (worker: TestModule<Exports>, key: bigint): Tool[] | undefined =>
  worker.exports.load(key) ? found(worker) : undefined;

const toolsOf = (count: number, definition = 0n): Tool[] =>
  Array.from({ length: count }, (_, i) => ({ nameHash: BigInt(i + 1), definition }));

describe("lists of tools", () => {
  it("are stored completely up to the limit", () => {
    for (const count of [0, 1, LIMIT]) {
      expect(save(workers[0], 1n, toolsOf(count))).toEqual(count === 0 ? undefined : toolsOf(count === 1 ? 0 : 1));
      for (const worker of workers) expect(load(worker, 1n)).toEqual(toolsOf(count));
    }
  });

  it("are bounded: those of a bucket that were written longest ago are evicted first", () => {
    // All keys are in one bucket, whose 32 KiB have room for 3 lists of 8 KiB and 16 bytes.
    const keys = Array.from({ length: 40 }, (_, i) => BigInt(i + 1));
    keys.forEach((key, i) => save(workers[i % 3], key, toolsOf(LIMIT, BigInt(i))));
    const kept = keys.filter((key) => load(workers[0], key) !== undefined);
    expect(kept).toEqual(keys.slice(-3));
    kept.forEach((key) => expect(load(workers[1], key)).toEqual(toolsOf(LIMIT, key - 1n)));
    // A list in another bucket is not affected.
    save(workers[0], 1n << 56n, toolsOf(1));
    expect(load(workers[0], kept[0])).toBeDefined();
  });

  const keys = [1n, 2n, 3n, 1n << 56n].map((key) => fc.constant(key));
  const tools = fc.uniqueArray(
    fc.record(
      {
        nameHash: fc.bigInt({ min: 1n, max: 6n }),
        definition: fc.constantFrom(0n, 1n, 1n << 32n),
      },
      { noNullPrototype: true },
    ),
    { maxLength: 6, selector: ({ nameHash }) => nameHash },
  );
  const step = fc.record({
    worker: fc.nat({ max: 2 }),
    key: fc.oneof(...keys),
    tools: fc.option(tools, { nil: undefined }),
  });
  type Step = { worker: number; key: bigint; tools: Tool[] | undefined };

  itHolds(
    "are as a plain map has them, on all workers",
    500,
    fc.property(fc.array(step, { maxLength: 20 }), (steps: Step[]) => {
      create();
      const model = new Map<bigint, Tool[]>();
      for (const { worker, key, tools } of steps) {
        const before = model.get(key);
        if (tools === undefined) {
          workers[worker].exports.remove(key);
          model.delete(key);
        } else {
          const isSame = before !== undefined && packed(before).equals(packed(tools));
          assert.deepEqual(save(workers[worker], key, tools), isSame ? undefined : before);
          model.set(key, tools);
        }
        for (const other of workers) {
          assert.deepEqual(load(other, key), model.get(key));
          for (let name = 1n; name <= 6n; name++) {
            const isListed = model.get(key)?.some(({ nameHash }) => nameHash === name);
            assert.equal(other.exports.lacks(key, name) !== 0, isListed === false);
          }
        }
      }
    }),
  );

  itHolds(
    "that workers write at once: each takes the place of the one before it, and the last is there",
    300,
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 15 }),
      fc.array(fc.nat({ max: 2 }), { maxLength: 12 }),
      (steps: Step[], pauses) => {
        create();
        const doing: Step[] = [];
        const written = new Map<bigint, Tool[] | undefined>();
        /** The list that the latest write of each step replaced. */
        const before = new Map<Step, Tool[] | undefined>();
        data.afterWrite = () => {
          const each = doing[doing.length - 1];
          before.set(each, written.get(each.key));
          written.set(each.key, each.tools);
        };
        race(data, steps, pauses, (each) => {
          doing.push(each);
          const worker = workers[each.worker];
          if (each.tools === undefined) worker.exports.remove(each.key);
          else {
            const replaced = save(worker, each.key, each.tools);
            if (before.has(each)) assert.deepEqual(replaced, before.get(each));
            else assert.equal(replaced, undefined);
          }
          doing.pop();
        });
        data.afterWrite = undefined;
        for (const [key, tools] of written) assert.deepEqual(load(workers[0], key), tools);
      },
    ),
  );
});
