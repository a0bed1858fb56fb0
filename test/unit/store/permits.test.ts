import { beforeEach, describe, expect, it } from "vitest";

import { hashOf } from "./allowance-workers.ts";
import { SECOND, acquire, bytesUsed, open, release, tick } from "./permit-workers.ts";

const KEY = hashOf(1);
const OWNER = hashOf(-1);

beforeEach(open);

describe("permits", () => {
  it("are limited on all workers together", () => {
    expect([0, 1, 2, 3, 0].map((worker) => acquire(worker, KEY, OWNER, 4))).toEqual([1, 2, 3, 4, false]);
    expect(acquire(1, hashOf(2), OWNER, 4)).toBe(1);
    release(2, KEY, 1);
    expect([acquire(3, KEY, OWNER, 4), acquire(1, KEY, OWNER, 4)]).toEqual([4, false]);
  });

  it("are released once and leave nothing behind", () => {
    acquire(0, KEY, OWNER, 4);
    acquire(0, KEY, OWNER, 4);
    acquire(1, KEY, OWNER, 4);
    for (let i = 0; i < 5; i++) release(3, KEY, 0);
    expect(acquire(2, KEY, OWNER, 4)).toBe(2);
    release(1, KEY, 1);
    release(2, KEY, 2);
    release(2, KEY, 2);
    expect(bytesUsed()).toBe(0);
  });

  it("of a worker that died are released within two sweeps", () => {
    acquire(0, KEY, OWNER, 2);
    acquire(1, KEY, OWNER, 2);
    for (let second = 1; second <= 13; second++) for (const worker of [1, 2, 3]) tick(worker, second * SECOND);
    expect([acquire(2, KEY, OWNER, 2), acquire(2, KEY, OWNER, 2)]).toEqual([2, false]);
  });

  it("of live workers stay, even if the clock is set", () => {
    for (let worker = 0; worker < 4; worker++) acquire(worker, KEY, OWNER, 4);
    let now = 0;
    for (let second = 0; second < 60; second++) {
      now += SECOND;
      if (second % 11 === 5) now -= 3600 * SECOND;
      if (second % 11 === 9) now += 3600 * SECOND;
      // The sweeping worker sees the new time first.
      for (let worker = 0; worker < 4; worker++) tick(worker, now);
      expect(acquire(second % 4, KEY, OWNER, 4)).toBe(false);
    }
  });

  it("of a worker that received a slot since the sweep stay", () => {
    for (let second = 1; second <= 5; second++)
      for (let worker = 0; worker < 3; worker++) tick(worker, second * SECOND);
    acquire(3, KEY, OWNER, 1, 5 * SECOND);
    for (let second = 6; second <= 30; second++)
      for (let worker = 0; worker < 4; worker++) tick(worker, second * SECOND);
    expect(acquire(0, KEY, OWNER, 1)).toBe(false);
  });

  it("of one owner fill at most a quarter of a bucket, and others have room", () => {
    const inBucket = (number: number) => hashOf(number) & ((1n << 56n) - 1n);
    let own = 0;
    for (let i = 0; i < 1000; i++) if (acquire(0, inBucket(i), OWNER, 1)) own++;
    expect(own).toBe(128);
    for (let i = 0; i < 100; i++) expect(acquire(1, inBucket(2000 + i), hashOf(-2), 1)).toBe(1);
    // More permits of a key that it already has.
    expect(acquire(2, inBucket(0), OWNER, 2)).toBe(2);
    for (let owner = 3; owner < 10; owner++) {
      for (let i = 0; i < 100; i++) acquire(0, inBucket(owner * 1000 + i), hashOf(-owner), 1);
    }
    expect(bytesUsed()).toBeLessThan(512 * 24 + 50);
    expect(acquire(3, inBucket(100_000), hashOf(-100), 1)).toBe(false);
  });
});
