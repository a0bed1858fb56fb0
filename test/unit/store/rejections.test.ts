import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { RacingData } from "./race.ts";

interface Exports {
  create(space: number): void;
  add(session: bigint, id: bigint, byte: number, length: number, nowMs: bigint): number;
  find(session: bigint, id: bigint, nowMs: bigint): number;
}

const CAPACITY = 64;
const NOW = 1_700_000_000_000n;
const data = new RacingData();
const workers = Array.from({ length: 2 }, () => new TestModule<Exports>("rejections", {}, data).exports);
const [one, other] = workers;
let space = 0;

const found = (byte: number, length: number) => (byte << 16) | length;

beforeEach(() => {
  space++;
  for (const worker of workers) worker.create(space);
});

describe("the errors for rejected requests", () => {
  it("are found by every worker, only with their session and id", () => {
    one.add(1n, 2n, 7, 150, NOW);
    expect(other.find(1n, 2n, NOW)).toBe(found(7, 150));
    expect([other.find(2n, 1n, NOW), other.find(1n, 1n, NOW), other.find(2n, 2n, NOW)]).toEqual([-1, -1, -1]);
  });

  it("have at most 1024 bytes", () => {
    expect(one.add(1n, 1n, 7, 1024, NOW)).toBe(1);
    expect(one.add(1n, 2n, 7, 1025, NOW)).toBe(0);
    expect([one.find(1n, 1n, NOW), one.find(1n, 2n, NOW)]).toEqual([found(7, 1024), -1]);
  });

  it("expire after a minute, also if the clock was set back", () => {
    one.add(1n, 1n, 7, 3, NOW);
    const times = [59_999n, 60_000n, -59_999n, -60_000n];
    expect(times.map((after) => one.find(1n, 1n, NOW + after))).toEqual([found(7, 3), -1, found(7, 3), -1]);
  });

  it("are replaced by the latest one for the same id", () => {
    one.add(1n, 1n, 7, 300, NOW);
    one.add(1n, 2n, 8, 9, NOW);
    other.add(1n, 1n, 9, 2, NOW);
    expect([one.find(1n, 1n, NOW), one.find(1n, 2n, NOW)]).toEqual([found(9, 2), found(8, 9)]);
  });

  it("are bounded, and the oldest is evicted first", () => {
    for (let id = 0; id <= CAPACITY; id++) one.add(1n, BigInt(id), 1 + id, 1024, NOW);
    expect(other.find(1n, 0n, NOW)).toBe(-1);
    for (let id = 1; id <= CAPACITY; id++) expect(other.find(1n, BigInt(id), NOW)).toBe(found(1 + id, 1024));
  });

  it("make room once they have expired", () => {
    for (let id = 0; id < CAPACITY; id++) one.add(1n, BigInt(id), 1, 1024, NOW);
    const full = data.size;
    one.add(1n, 1000n, 2, 8, NOW + 60_000n);
    expect(one.find(1n, 1000n, NOW + 60_000n)).toBe(found(2, 8));
    expect(data.size).toBeLessThan(full);
  });

  it("are not lost when workers race", () => {
    // The bucket is empty, so the first access is the write.
    data.beforeAccess = () => {
      data.beforeAccess = undefined;
      other.add(1n, 2n, 8, 5, NOW);
    };
    one.add(1n, 1n, 7, 4, NOW);
    expect([one.find(1n, 1n, NOW), one.find(1n, 2n, NOW)]).toEqual([found(7, 4), found(8, 5)]);
  });
});
