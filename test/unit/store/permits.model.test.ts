import assert from "node:assert/strict";

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { hashOf } from "./allowance-workers.ts";
import {
  SECOND,
  acquire,
  bytesUsed,
  damage,
  data,
  open,
  recordsOf,
  release,
  selfOf,
  tick,
  workers,
} from "./permit-workers.ts";
import { race } from "./race.ts";

const OWNER = hashOf(-1);
/** Keys of one bucket, and the limit of each. */
const LIMITS = [1, 2, 5];
/** A worker that acquires nothing, since permits that another one acquires meanwhile could be released. */
const NOBODY = workers.length;
const keyOf = (number: number): bigint => BigInt(number + 1);

const steps = fc.array(
  fc.record({
    worker: fc.nat({ max: workers.length - 1 }),
    key: fc.nat({ max: LIMITS.length - 1 }),
    operation: fc.oneof(
      { weight: 6, arbitrary: fc.constant("acquire" as const) },
      { weight: 4, arbitrary: fc.constant("release" as const) },
      { weight: 1, arbitrary: fc.constant("release too often" as const) },
      { weight: 1, arbitrary: fc.constant("tick" as const) },
    ),
    /** The index of the permit to release. */
    which: fc.nat({ max: 100 }),
  }),
  { minLength: 1, maxLength: 150, size: "max" },
);

const pauses = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 8 })), {
  maxLength: 100,
  size: "max",
});

interface Permit {
  readonly key: number;
  readonly holder: number;
}

/** The permits that were acquired and not released. */
class Held {
  readonly permits: Permit[] = [];

  take(which: number): Permit | undefined {
    if (this.permits.length === 0) return undefined;
    return this.permits.splice(which % this.permits.length, 1)[0];
  }

  of(key: number): number {
    return this.permits.filter((each) => each.key === key).length;
  }

  /** The number of permits of each key that each worker holds. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { key, holder } of this.permits) {
      const name = `${keyOf(key)} of ${selfOf(holder)}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }
}

/** The number of permits of each key that each worker holds, according to the store. */
function stored(): Record<string, number> {
  return Object.fromEntries(recordsOf(0).map(({ key, holder, count }) => [`${key} of ${holder}`, count]));
}

afterEach(() => {
  data.beforeAccess = undefined;
  data.afterWrite = undefined;
});

describe("permits", () => {
  /** Throws if a value has more permits of a key than its limit, or an empty record. */
  function watch(): void {
    data.afterWrite = (key) => {
      if (!key.includes("/permits/")) return;
      const records = recordsOf(0);
      for (const [number, limit] of LIMITS.entries()) {
        const ofKey = records.filter((each) => each.key === keyOf(number));
        const inUse = ofKey.reduce((sum, { count }) => sum + count, 0);
        assert.ok(inUse <= limit, `${inUse} of ${limit}`);
      }
      for (const { count } of records) assert.ok(count >= 1);
    };
  }

  itHolds(
    "are those of a plain model, whatever workers do in between, and never more than the limit",
    300,
    fc.property(steps, pauses, (steps, pauses) => {
      open();
      const held = new Held();
      watch();
      race(data, steps, pauses, ({ worker, key, operation, which }) => {
        if (operation === "tick") return tick(worker, 0);
        if (operation === "acquire") {
          if (acquire(worker, keyOf(key), OWNER, LIMITS[key]) !== false) held.permits.push({ key, holder: worker });
          return;
        }
        if (operation === "release") {
          const permit = held.take(which);
          if (permit) release(worker, keyOf(permit.key), permit.holder);
        } else {
          release(worker, keyOf(key), NOBODY);
        }
      });
      for (const worker of workers.keys()) tick(worker, 0);
      assert.deepEqual(stored(), held.counts());
      // Each free permit can be acquired.
      for (const [key, limit] of LIMITS.entries()) {
        while (held.of(key) < limit) {
          assert.notEqual(acquire(3, keyOf(key), OWNER, limit), false);
          held.permits.push({ key, holder: 3 });
        }
        assert.equal(acquire(2, keyOf(key), OWNER, limit), false);
      }
      // When all are released, there are none.
      for (let permit = held.take(0); permit; permit = held.take(0)) release(2, keyOf(permit.key), permit.holder);
      assert.equal(bytesUsed(), 0);
    }),
  );

  const lives = fc.array(
    fc.record({
      worker: fc.nat({ max: workers.length - 1 }),
      key: fc.nat({ max: LIMITS.length - 1 }),
      operation: fc.constantFrom("acquire" as const, "acquire" as const, "release" as const, "second" as const),
      which: fc.nat({ max: 100 }),
      dies: fc.constantFrom(false, false, false, false, false, false, false, true),
      setMs: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: -3_600_000, max: 3_600_000 })),
    }),
    { minLength: 20, maxLength: 120, size: "max" },
  );

  itHolds(
    "stay with workers that live and leave those that died, however the clock is set",
    200,
    fc.property(lives, pauses, (steps, pauses) => {
      open();
      const held = new Held();
      watch();
      const dead = new Set<number>();
      let now = 0;
      let depth = 0;
      let ticking: number | undefined;
      const second = () => {
        now += SECOND;
        const alive = [...workers.keys()].filter((worker) => !dead.has(worker));
        for (const worker of alive) {
          ticking = worker;
          tick(worker, now, alive[0]);
        }
        ticking = undefined;
      };
      race(data, steps, pauses, ({ worker, key, operation, which, dies, setMs }) => {
        // A worker does one thing at a time. The race keeps back only the worker of the step "second", but that step ticks all
        // of them. An acquire within its own tick would leave its name in place of the slot's, the slot's write would fail, and
        // the worker would take another slot: the old one, still in its name, hides later signs of life from the sweep.
        if (dead.has(worker) || worker === ticking) return;
        depth++;
        if (operation === "second" && depth === 1) {
          now += setMs;
          second();
          // It does not return, and has not released its permits.
          if (dies && dead.size < 3) dead.add(worker);
        } else if (operation === "acquire") {
          const isHeld = acquire(worker, keyOf(key), OWNER, LIMITS[key], now) !== false;
          if (isHeld) held.permits.push({ key, holder: worker });
        } else if (operation === "release") {
          const permit = held.take(which);
          if (permit) release(worker, keyOf(permit.key), permit.holder);
        }
        depth--;
      });
      // Two sweeps after the last one has died.
      for (let i = 0; i < 14; i++) second();
      const alive = new Held();
      alive.permits.push(...held.permits.filter(({ holder }) => !dead.has(holder)));
      assert.deepEqual(stored(), alive.counts());
    }),
  );

  it("are not acquired if other workers interfere with every attempt, and are released at the next tick", () => {
    open();
    acquire(0, keyOf(0), OWNER, 5);
    acquire(1, keyOf(9), OWNER, 1000);
    let isBusy = false;
    data.beforeAccess = () => {
      if (isBusy) return;
      isBusy = true;
      workers[1].acquire(keyOf(9), OWNER, 1000);
      isBusy = false;
    };
    expect(acquire(0, keyOf(0), OWNER, 5)).toBe(false);
    release(0, keyOf(0), 0);
    data.beforeAccess = undefined;
    expect(workers[0].conflicts()).toBe(2);
    expect(stored()).toHaveProperty(`${keyOf(0)} of ${selfOf(0)}`, 1);
    tick(0, SECOND);
    expect(stored()).not.toHaveProperty(`${keyOf(0)} of ${selfOf(0)}`);
  });

  const records = fc.array(
    fc.record({
      key: fc.constantFrom(0n, keyOf(0), 2n ** 56n - 1n),
      holder: fc.constantFrom(0n, selfOf(0), selfOf(1), 99n, 2n ** 64n - 1n),
      owner: fc.constantFrom(0, Number(OWNER & 0xffffffffn)),
      count: fc.constantFrom(0, 1, 2, 0x80000000, 0xffffffff),
    }),
    { maxLength: 5 },
  );

  itHolds(
    "are never more than the limit where records are damaged, and those of nobody go",
    200,
    fc.property(records, fc.constantFrom(1, 2, 200), fc.nat({ max: 23 }), (records, repeat, cut) => {
      open();
      workers[0].claim(0n);
      damage(records, repeat, cut);
      let acquired = 0;
      for (let i = 0; i < 20; i++) if (acquire(i % 2, keyOf(0), OWNER, 5) !== false) acquired++;
      assert.ok(acquired <= 5);
      for (let i = 0; i < 20; i++) release(i % 2, keyOf(0), i % 4);
      for (let i = 1; i <= 20; i++) for (const worker of [0, 1]) tick(worker, i * SECOND);
      for (const { holder, count } of recordsOf(0)) {
        assert.ok(holder === selfOf(0) || holder === selfOf(1));
        assert.ok(count >= 1);
      }
    }),
  );
});
