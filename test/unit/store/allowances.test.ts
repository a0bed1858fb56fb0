import { beforeEach, describe, expect, it } from "vitest";

import { bytesUsed, charge, hasBalance, hashOf, openAllowances, sweep, spend, workers } from "./allowance-workers.ts";

const START = 1_800_000_000_000_000_000n;
const MS = 1_000_000n;
const SECOND = 1000n * MS;
const MIB = 2 ** 20;

/** Ten per second, five at once. */
const RATE = { amount: 10, perMs: 1000, burst: 5 };
const SCOPE = hashOf(1);
const key = (number: number, owner = 0) => ({ scope: SCOPE, key: hashOf(number), owner: hashOf(-1 - owner) });
const KEY = key(1);

beforeEach(() => openAllowances(RATE));

/** The number of successful attempts, out of many at the same time, to spend a unit. */
function spendAll(whose = KEY, now = START, worker = 0): number {
  let spent = 0;
  while (spent < 1000 && spend(worker, whose, 1, now)) spent++;
  return spent;
}

describe("an allowance", () => {
  it("admits its burst at once, and then the refills, on all workers together", () => {
    expect([0, 1, 2, 3, 0, 1].map((worker) => spend(worker, KEY, 1, START))).toEqual([1, 1, 1, 1, 1, 0].map(Boolean));
    expect(workers[1].retryAfter()).toBe(100n * MS);
    expect(spend(2, KEY, 1, START + 100n * MS - 1n)).toBe(false);
    expect(spend(3, KEY, 1, START + 100n * MS)).toBe(true);
    expect(spendAll(KEY, START + 350n * MS)).toBe(2);
    expect(spendAll(KEY, START + 3600n * SECOND)).toBe(5);
  });

  it("shows the remaining units", () => {
    const left = [1, 3, 2, 1].map((count) => [spend(0, KEY, count, START), workers[0].remaining()]);
    expect(left).toEqual([
      [true, 4],
      [true, 1],
      [false, 1],
      [true, 0],
    ]);
  });

  it("never admits more than the burst at once, and shows that waiting does not help", () => {
    expect([spend(0, KEY, 6, START), workers[0].retryAfter()]).toEqual([false, 0n]);
    expect(spend(0, KEY, 5, START)).toBe(true);
    expect([spend(0, KEY, 6, START), workers[0].retryAfter()]).toEqual([false, 0n]);
    expect([spend(0, KEY, 5, START), workers[0].retryAfter()]).toEqual([false, 500n * MS]);
  });

  it("belongs to one key of one scope", () => {
    expect(spendAll()).toBe(5);
    expect(spendAll(key(2))).toBe(5);
    expect(spendAll({ ...KEY, scope: hashOf(2) })).toBe(5);
  });

  it("is refunded for units without use", () => {
    expect(spend(0, KEY, 4, START)).toBe(true);
    workers[0].refund(workers[0].id(), 3, START, START);
    expect(spendAll()).toBe(4);
  });

  it("is not refunded for units that have refilled since, which others may have spent", () => {
    spend(0, KEY, 2, START);
    const id = workers[0].id();
    expect(spendAll(KEY, START + 150n * MS)).toBe(4);
    workers[0].refund(id, 2, START, START + 150n * MS);
    // 150 of the 200 ms that two units need have passed.
    expect(workers[0].spend(KEY.scope, KEY.key, KEY.owner, 1, START + 150n * MS)).toBe(1);
    expect(spendAll(KEY, START + 150n * MS)).toBe(0);
  });

  it("refills in the same time if the clock was set back", () => {
    expect(spendAll(KEY, START + 3600n * SECOND)).toBe(5);
    expect([spendAll(KEY, START), workers[0].retryAfter()]).toEqual([0, 100n * MS]);
    expect(spendAll(KEY, START + 200n * MS)).toBe(2);
  });

  it("is not dropped as full by the clock of a worker that is ahead", () => {
    openAllowances({ ...RATE, burst: 1 });
    let spent = 0;
    for (let i = 0; i < 10; i++) {
      spent += spendAll(KEY, START - 50n * MS);
      sweep(1, START + 50n * MS);
      // Nor by a key that needs its room.
      for (let other = 0; other < 10; other++) spend(1, key(100 + other, other), 1, START + 50n * MS);
    }
    expect(spent).toBe(1);
  });

  it("that nobody uses is dropped soon if the clock was set back", () => {
    expect(spendAll(KEY, START + 3600n * SECOND)).toBe(5);
    sweep(1, START);
    expect(workers[1].keys()).toBe(1);
    sweep(1, START + 3n * SECOND);
    expect(workers[1].keys()).toBe(0);
  });
});

describe("a balance", () => {
  it("admits a request that causes a debt", () => {
    expect(hasBalance(0, KEY, START)).toBe(true);
    charge(1, KEY, 9n, START);
    expect([hasBalance(2, KEY, START), workers[2].retryAfter()]).toEqual([false, 500n * MS]);
    expect([hasBalance(2, KEY, START + 500n * MS - 1n), hasBalance(2, KEY, START + 500n * MS)]).toEqual([false, true]);
    expect(workers[2].remaining()).toBe(1);
  });

  it("owes at most the refill of one period", () => {
    charge(0, KEY, 2n ** 32n, START);
    charge(1, KEY, 2n ** 40n, START);
    expect([hasBalance(2, KEY, START), workers[2].retryAfter()]).toEqual([false, 1100n * MS]);
  });

  it("is not changed by a query", () => {
    for (let i = 0; i < 20; i++) hasBalance(0, KEY, START);
    expect(bytesUsed()).toBe(0);
  });
});

const DEFAULT_KEYS = 65_536;

describe("keys", () => {
  it("have their own allowances up to 65 536, of eight owners, in 2.6 MB", () => {
    openAllowances(RATE, { maxKeys: DEFAULT_KEYS });
    let shared = 0;
    for (let i = 0; i < DEFAULT_KEYS; i++) {
      expect(spend(0, key(i, i % 8), 1, START)).toBe(true);
      shared += workers[0].isShared();
    }
    expect(shared).toBe(0);
    expect(workers[0].keys()).toBe(DEFAULT_KEYS);
    // One more key shares an allowance.
    expect(spend(0, key(DEFAULT_KEYS, 9), 1, START)).toBe(true);
    expect(workers[0].isShared()).toBe(1);
    expect(bytesUsed()).toBeLessThan(2.6 * MIB);
    // All have refilled.
    sweep(1, START + SECOND);
    expect([workers[0].keys(), workers[1].keys()]).toEqual([0, 0]);
    expect(bytesUsed()).toBeLessThan(16 * 1024);
  });

  it("of one owner never evict those of others, and leave room for them", () => {
    openAllowances(RATE, { maxKeys: DEFAULT_KEYS });
    const others = Array.from({ length: 1000 }, (_, i) => key(i, i % 10));
    for (const each of others) expect(spendAll(each)).toBe(5);
    let own = 0;
    let admitted = 0;
    for (let i = 0; i < 100_000; i++) {
      const isSpent = spend(1, key(1_000_000 + i, 99), 1, START);
      if (isSpent && !workers[1].isShared()) own++;
      else if (isSpent) admitted++;
    }
    expect(own).toBeLessThanOrEqual(DEFAULT_KEYS / 4);
    // All other keys share one allowance.
    expect(admitted).toBe(5);
    expect(spend(1, { ...key(2_000_000, 99), scope: hashOf(2) }, 1, START)).toBe(true);
    for (const each of others) expect(spend(2, each, 1, START)).toBe(false);
    for (let i = 0; i < 1000; i++) {
      expect(spendAll(key(3_000_000 + i, 200 + i), START, 3)).toBe(5);
      expect(workers[3].isShared()).toBe(0);
    }
  });
});
