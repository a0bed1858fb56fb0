import assert from "node:assert/strict";

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import {
  type Rate,
  type Whose,
  charge,
  data,
  entriesOf,
  hasBalance,
  hashOf,
  openAllowances,
  sweep,
  spend,
  workers,
} from "./allowance-workers.ts";
import { race } from "./race.ts";

const START = 1_800_000_000_000_000_000n;
const MS = 1_000_000n;
const SECOND = 1000 * Number(MS);
const DAY_MS = 86_400_000;

/** A leaky bucket in exact numbers: it holds at most `burst`, and `amount` leak in `perMs`. */
class Bucket {
  /** The level, times `perNs`. */
  #level = 0n;
  #at = START;
  readonly #perNs: bigint;

  constructor(private readonly rate: Rate) {
    this.#perNs = BigInt(rate.perMs) * MS;
  }

  /** Adds `count` at a time not before the last one. Returns the excess. */
  add(count: number, now: bigint): number {
    this.run(now);
    this.#level += BigInt(count) * this.#perNs;
    const surplus = this.#level - BigInt(this.rate.burst) * this.#perNs;
    return Number(surplus) / Number(this.#perNs);
  }

  /** Adds a cost. The excess is limited to the amount that leaks in a period. */
  charge(cost: bigint, now: bigint): void {
    this.run(now);
    const most = (BigInt(this.rate.burst) + BigInt(this.rate.amount)) * this.#perNs;
    this.#level += cost * this.#perNs;
    if (this.#level > most) this.#level = most;
  }

  remove(count: number): void {
    this.#level -= BigInt(count) * this.#perNs;
  }

  /** The number of whole units that fit. */
  room(now: bigint): number {
    this.run(now);
    const room = BigInt(this.rate.burst) * this.#perNs - this.#level;
    return room < 0n ? 0 : Number(room / this.#perNs);
  }

  /** The nanoseconds until `count` units fit, rounded up. */
  timeUntil(count: number, now: bigint): bigint {
    this.run(now);
    const lacking = this.#level + (BigInt(count) - BigInt(this.rate.burst)) * this.#perNs;
    return (lacking + BigInt(this.rate.amount) - 1n) / BigInt(this.rate.amount);
  }

  run(now: bigint): void {
    const run = (now - this.#at) * BigInt(this.rate.amount);
    this.#level = this.#level > run ? this.#level - run : 0n;
    this.#at = now;
  }
}

const rates = fc.record({
  amount: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(7, 1000, 999_983, 10 ** 9)),
  perMs: fc.oneof(fc.constantFrom(1, 1000, 60_000, 3_600_000, 30 * DAY_MS), fc.integer({ min: 1, max: 10_000 })),
  burst: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constantFrom(1000, 10 ** 9)),
});

/** The nanoseconds in which one unit refills. */
const intervalOf = ({ amount, perMs }: Rate): number => (perMs * Number(MS)) / amount;

const whose = (number: number, owner = number % 3): Whose => ({
  scope: hashOf(1),
  key: hashOf(1000 + number),
  owner: hashOf(-1 - owner),
});

/** A step of one worker, `pass` times the interval of the rate, plus some nanoseconds, after the previous one. */
const steps = fc.array(
  fc.record({
    worker: fc.nat({ max: workers.length - 1 }),
    key: fc.nat({ max: 2 }),
    pass: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 6, arbitrary: fc.double({ min: 0, max: 1.5, noNaN: true }) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 30, noNaN: true }) },
    ),
    nanoseconds: fc.nat({ max: 3 }),
    operation: fc.oneof(
      { weight: 12, arbitrary: fc.constant("spend" as const) },
      { weight: 2, arbitrary: fc.constant("refund" as const) },
      { weight: 2, arbitrary: fc.constant("sweep" as const) },
    ),
    count: fc.oneof(
      { weight: 3, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 11 }) },
    ),
    setBackMs: fc.oneof({ weight: 20, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: DAY_MS }) }),
  }),
  { minLength: 1, maxLength: 150, size: "max" },
);

const pauses = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 8 })), {
  maxLength: 100,
  size: "max",
});

/** How far the workers' clocks are ahead of the true time, in milliseconds. */
const clocks = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: workers.length, maxLength: workers.length });

type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

interface Admitted {
  readonly key: number;
  readonly count: number;
  readonly at: bigint;
}

/** Runs racing steps. Returns what was spent, in the order of time. A step that waits for others takes no time. */
function runRacing(
  rate: Rate,
  all: readonly Step[],
  pauses: readonly number[],
  { setsBack = false, clocks = [0, 0, 0, 0] }: { setsBack?: boolean; clocks?: readonly number[] } = {},
): { admitted: Admitted[]; end: bigint } {
  let now = START;
  let setBack = 0n;
  let depth = 0;
  const admitted: Admitted[] = [];
  race(data, all, pauses, ({ worker, key, pass, nanoseconds, operation, count, setBackMs }) => {
    if (depth === 0) {
      now += BigInt(Math.round(pass * intervalOf(rate)) + nanoseconds);
      if (setsBack) setBack += BigInt(setBackMs) * MS;
    }
    const at = now;
    const seen = at - setBack + BigInt(clocks[worker]) * MS;
    depth++;
    if (operation === "sweep") sweep(worker, seen);
    else {
      const isSpent = spend(worker, whose(key), count, seen);
      if (isSpent && operation === "refund") workers[worker].refund(workers[worker].id(), count, seen, seen);
      else if (isSpent) admitted.push({ key, count, at });
    }
    depth--;
  });
  return { admitted: admitted.sort((a, b) => Number(a.at - b.at)), end: now };
}

/** Throws if more was spent of a key in any period than the burst, the refill and `more`. */
function assertWithin(rate: Rate, admitted: readonly Admitted[], more = 0): void {
  for (let key = 0; key < 3; key++) {
    const bucket = new Bucket(rate);
    for (const { count, at } of admitted.filter((each) => each.key === key)) {
      const surplus = bucket.add(count, at);
      assert.ok(surplus <= more, `${surplus} too many at ${at - START} ns`);
    }
  }
}

/** The refill of one nanosecond, since times are whole. Nothing if the time for one unit is rounded up. */
const ofRounding = (rate: Rate): number => (intervalOf(rate) < 1000 ? 1 / intervalOf(rate) : 0);

afterEach(() => {
  data.beforeAccess = undefined;
  data.afterWrite = undefined;
});

describe("allowances", () => {
  itHolds(
    "never give more over any time than refills in it and the burst, whatever workers do in between",
    400,
    fc.property(rates, steps, pauses, (rate, steps, pauses) => {
      openAllowances(rate);
      assertWithin(rate, runRacing(rate, steps, pauses).admitted, ofRounding(rate));
    }),
  );

  itHolds(
    "give no more where the clock is set back",
    200,
    fc.property(rates, steps, pauses, (rate, steps, pauses) => {
      openAllowances(rate);
      const withoutRefunds = steps.filter(({ operation }) => operation !== "refund");
      assertWithin(rate, runRacing(rate, withoutRefunds, pauses, { setsBack: true }).admitted, ofRounding(rate));
    }),
  );

  itHolds(
    "give more only by what the workers' clocks differ",
    200,
    fc.property(rates, steps, pauses, clocks, (rate, steps, pauses, clocks) => {
      openAllowances(rate);
      const ahead = (Math.max(...clocks) - Math.min(...clocks)) * Number(MS);
      const more = ahead / intervalOf(rate) + ofRounding(rate);
      // Refunds use another clock.
      const withoutRefunds = steps.filter(({ operation }) => operation !== "refund");
      assertWithin(rate, runRacing(rate, withoutRefunds, pauses, { clocks }).admitted, more * (1 + 1e-9));
    }),
  );

  const saturating = fc.record({
    amount: fc.integer({ min: 1, max: 1000 }),
    perMs: fc.constantFrom(1, 7, 1000, 60_000, 30 * DAY_MS),
    // With a burst of 1, refills before the next spend are lost.
    burst: fc.integer({ min: 2, max: 20 }),
  });

  itHolds(
    "give at least 98 % of it to workers that always want more",
    100,
    fc.property(
      saturating,
      fc.array(fc.tuple(fc.nat({ max: 3 }), fc.double({ min: 0.1, max: 0.5, noNaN: true })), {
        minLength: 400,
        maxLength: 800,
        size: "max",
      }),
      pauses,
      (rate, wants, pauses) => {
        openAllowances(rate);
        const step = { key: 0, nanoseconds: 0, operation: "spend" as const, count: 1, setBackMs: 0 };
        const steps = wants.map(([worker, pass]) => ({ ...step, worker, pass }));
        // Finally, all remaining units are spent.
        steps.push(...Array.from({ length: rate.burst + 1 }, () => ({ ...step, worker: 0, pass: 0 })));
        const { admitted, end } = runRacing(rate, steps, pauses);
        assertWithin(rate, admitted);
        const due = Number(end - START) / intervalOf(rate) + rate.burst;
        assert.ok(admitted.length >= Math.floor(0.98 * due), `${admitted.length} of ${due}`);
      },
    ),
  );

  /** A rate with whole nanoseconds per unit. */
  const exactRates = fc
    .record({
      amount: fc.constantFrom(1, 10, 1000, 10 ** 6),
      perMs: fc.constantFrom(1000, 60_000, 3_600_000, 30 * DAY_MS),
      burst: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.constantFrom(1000, 10 ** 9)),
    })
    // A delay is at most 146 years.
    .filter(({ amount, perMs, burst }) => (burst * perMs) / amount < 100 * 365 * DAY_MS);
  const exactSteps = fc.array(
    fc.record({
      worker: fc.nat({ max: workers.length - 1 }),
      pass: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 20, noNaN: true })),
      /** The other operation of a pair. */
      isOther: fc.boolean(),
      count: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1000, 2 ** 32 - 1)),
    }),
    { maxLength: 100, size: "max" },
  );

  itHolds(
    "are exact buckets: what is spent, refunded, charged, left and awaited",
    300,
    fc.property(exactRates, exactSteps, fc.boolean(), (rate, steps, charges) => {
      openAllowances(rate);
      const bucket = new Bucket(rate);
      let now = START;
      for (const { worker, pass, isOther, count } of steps) {
        now += BigInt(Math.round(pass * intervalOf(rate)));
        const room = bucket.room(now);
        const exports = workers[worker];
        if (charges && isOther) {
          charge(worker, whose(0), BigInt(count), now);
          bucket.charge(BigInt(count), now);
          continue;
        }
        const wanted = charges ? 1 : count;
        const isSpent = charges ? hasBalance(worker, whose(0), now) : spend(worker, whose(0), count, now);
        assert.equal(isSpent, wanted <= room);
        if (!isSpent) {
          assert.equal(exports.remaining() >>> 0, room);
          assert.equal(exports.retryAfter(), wanted > rate.burst ? 0n : bucket.timeUntil(wanted, now));
          continue;
        }
        assert.equal(exports.remaining() >>> 0, charges ? room : room - count);
        if (charges) continue;
        if (isOther) exports.refund(exports.id(), count, now, now);
        else bucket.add(count, now);
      }
    }),
  );

  it("deny if other workers interfere with every attempt", () => {
    openAllowances({ amount: 1, perMs: 1000, burst: 1000 });
    expect(spend(1, whose(0), 1, START)).toBe(true);
    let isBusy = false;
    data.beforeAccess = () => {
      if (isBusy) return;
      isBusy = true;
      spend(1, whose(0), 1, START);
      isBusy = false;
    };
    expect(spend(0, whose(0), 1, START)).toBe(false);
    expect(workers[0].retryAfter()).toBeGreaterThan(0n);
    expect(workers[0].conflicts()).toBe(1);
  });
});

describe("too many keys", () => {
  const caps = fc.integer({ min: 1, max: 60 });
  const manySteps = fc.array(
    fc.record({
      worker: fc.nat({ max: workers.length - 1 }),
      key: fc.nat({ max: 200 }),
      passMs: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat({ max: 500 })),
      isSweep: fc.constantFrom(false, false, false, false, false, false, true),
    }),
    { minLength: 20, maxLength: 200, size: "max" },
  );
  const rate = { amount: 1, perMs: 1000, burst: 3 };

  /** Lets workers race to spend one unit by `key`, whose owner is its remainder modulo `owners`. */
  function raceMany(
    steps: readonly { worker: number; key: number; passMs: number; isSweep: boolean }[],
    pauses: readonly number[],
    owners: number,
    spent: (worker: number, key: number, isSpent: boolean) => void = () => undefined,
  ): void {
    let depth = 0;
    let now = START;
    data.afterWrite = (key, before, after) => {
      if (key.includes("/limits/")) check(entriesOf(before), entriesOf(after), now);
    };
    race(data, steps, pauses, ({ worker, key, passMs, isSweep }) => {
      if (depth === 0) now += BigInt(passMs) * MS;
      depth++;
      if (isSweep) sweep(worker, now);
      else spent(worker, key, spend(worker, whose(key, key % owners), 1, now));
      depth--;
    });
  }

  let check: (before: ReturnType<typeof entriesOf>, after: ReturnType<typeof entriesOf>, now: bigint) => void;

  itHolds(
    "share one allowance, and evict none that has not refilled",
    200,
    fc.property(caps, manySteps, pauses, fc.integer({ min: 1, max: 8 }), (maxKeys, steps, pauses, owners) => {
      openAllowances(rate, { maxKeys });
      check = (before, after, now) => {
        for (const { id, fullAt } of before) {
          if (fullAt > now) assert.ok(after.some((each) => each.id === id));
        }
        for (const { owner } of after.filter((each) => each.owner !== 0)) {
          const held = after.filter((each) => each.owner === owner).length;
          assert.ok(held <= Math.max(1, Math.floor(maxKeys / 4)), `${held} of ${maxKeys}`);
        }
      };
      raceMany(steps, pauses, owners);
    }),
  );

  itHolds(
    "make room among their owner's own, or those of the owner that has most, where the oldest may go",
    200,
    fc.property(caps, manySteps, pauses, fc.integer({ min: 1, max: 8 }), (maxKeys, steps, pauses, owners) => {
      openAllowances(rate, { maxKeys, evicts: true });
      check = (before, after, now) => {
        const gone = before.filter((each) => each.fullAt > now && !after.some(({ id }) => id === each.id));
        assert.ok(gone.length <= 1);
        if (gone.length === 0) return;
        const added = after.find((each) => !before.some(({ id }) => id === each.id))!;
        const countOf = (owner: number) => before.filter((each) => each.owner === owner).length;
        const [{ owner, fullAt }] = gone;
        assert.ok(before.every((each) => each.owner !== owner || each.fullAt >= fullAt || each.fullAt <= now));
        if (owner !== added.owner) assert.ok(before.every((each) => countOf(each.owner) <= countOf(owner)));
      };
      raceMany(steps, pauses, owners, (worker) => assert.equal(workers[worker].isShared(), 0));
    }),
  );

  it("spend from the scope's allowance if several owners fill all", () => {
    openAllowances(rate, { maxKeys: 40 });
    for (let key = 0; key < 40; key++) spend(0, whose(key, key % 4), 1, START);
    const admitted = Array.from({ length: 20 }, (_, i) => spend(0, whose(100 + i, 10 + i), 1, START));
    expect(admitted.filter(Boolean)).toHaveLength(3);
    expect(workers[0].isShared()).toBe(1);
    // Another scope has its own shared allowance.
    expect(spend(0, { ...whose(100, 10), scope: hashOf(2) }, 1, START)).toBe(true);
    // Once there is room, they have their own allowances.
    sweep(1, START + 2n * BigInt(SECOND));
    expect([spend(0, whose(101, 11), 3, START + 2n * BigInt(SECOND)), workers[0].isShared()]).toEqual([true, 0]);
  });
});

describe("damaged entries", () => {
  const whatever = fc.array(
    fc.record({
      id: fc.constantFrom(0n, 1n, 2n, 2n ** 64n - 1n, hashOf(5)),
      fullAt: fc.oneof(
        fc.constantFrom(0n, START, START + 1n, 2n ** 63n, 2n ** 64n - 1n),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      ),
      owner: fc.constantFrom(0, 1, Number(hashOf(-1) & 0xffffffffn), 0xffffffff),
      longest: fc.constantFrom(0, 1, 0xffffffff),
    }),
    { maxLength: 5 },
  );

  itHolds(
    "admit no more than the burst, and are dropped some time",
    200,
    fc.property(
      whatever,
      fc.constantFrom(1, 3, 100, 5461),
      fc.boolean(),
      fc.nat({ max: 23 }),
      (entries, repeat, evicts, cut) => {
        const rate = { amount: 10, perMs: 1000, burst: 5 };
        openAllowances(rate, { evicts });
        spend(0, whose(0), 1, START);
        const [ownKey] = data.keys().slice(-1);
        const own = entriesOf(data.get(ownKey)!.bytes)[0];
        const bytes = Buffer.concat(
          entries.map(({ id, fullAt, owner, longest }) => {
            const entry = Buffer.alloc(24);
            entry.writeBigUInt64LE(id === 1n ? own.id : id, 0);
            entry.writeBigUInt64LE(fullAt, 8);
            entry.writeUInt32LE(owner, 16);
            entry.writeUInt32LE(longest, 20);
            return entry;
          }),
        );
        const all = Buffer.alloc(Math.min(131_072, repeat * bytes.length), bytes.length ? bytes : 0);
        const damaged = all.subarray(0, Math.max(0, all.length - cut));
        data.set(ownKey, damaged, 0);
        // The values of the shared allowances that this key uses, and of the count.
        for (let number = 1024; number <= 1096; number++) data.set(numbered(ownKey, number), damaged, 0);
        let admitted = 0;
        for (let i = 0; i < 20; i++) if (spend(i % 4, whose(0), 1, START)) admitted++;
        assert.ok(admitted <= rate.burst, `${admitted}`);
        sweep(0, START);
        sweep(0, START + 2n ** 32n * BigInt(SECOND) + BigInt(SECOND));
        assert.equal(workers[0].keys(), 0);
      },
    ),
  );

  /** A key in another value of the same allowances. */
  const numbered = (key: string, number: number): string =>
    key.slice(0, -3) + String.fromCharCode(...[12, 6, 0].map((shift) => 0x30 + ((number >> shift) & 63)));
});
