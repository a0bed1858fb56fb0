/** Tests which worker is next among those whose requests wait for the same key. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { hashOf } from "./allowance-workers.ts";
import { RacingData } from "./race.ts";

interface Exports {
  create(self: bigint, space: number): void;
  announce(key: bigint, callers: number, queue: number, now: bigint): number;
  isAwaited(key: bigint, now: bigint): number;
  choose(key: bigint, now: bigint): number;
  chosen(): bigint;
  served(key: bigint, now: bigint): void;
}

const START = 1_800_000_000_000;
const KEY = hashOf(1);
const data = new RacingData();
const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("waiting_workers", {}, data).exports);
let space = 0;

const time = (now: number) => BigInt(START + now);
/** Worker `at` waits with a number of callers. Its queue number is ten times its own number. */
const announce = (at: number, callers: number, now = 0, key = KEY) =>
  workers[at].announce(key, callers, 10 * at, time(now)) !== 0;
/** The next worker, as seen by worker `by`; -1 for none. */
function next(by = 0, now = 0, key = KEY): number {
  const queue = workers[by].choose(key, time(now));
  return queue < 0 ? queue : queue / 10;
}
/** Serves the next worker `count` times. Returns how often each one was served. */
function serve(count: number, now = 0): number[] {
  const served = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    const at = next(i % 4, now);
    served[at]++;
    workers[at].served(KEY, time(now));
  }
  return served;
}

beforeEach(() => {
  space++;
  for (const [i, worker] of workers.entries()) worker.create(BigInt(i + 1), space);
});

describe("workers that wait", () => {
  it("are known to all as long as they wait", () => {
    expect(next()).toBe(-1);
    announce(2, 1);
    expect([next(0), next(2)]).toEqual([2, 2]);
    expect(workers[1].chosen()).toBe(0n);
    expect(workers[3].isAwaited(KEY, time(0))).toBe(1);
    expect(workers[3].isAwaited(hashOf(2), time(0))).toBe(0);
    announce(2, 0);
    expect(next()).toBe(-1);
    expect(workers[3].isAwaited(KEY, time(0))).toBe(0);
  });

  it("have turns in proportion to their callers", () => {
    announce(0, 1);
    announce(1, 3);
    announce(3, 4);
    const served = serve(800);
    expect(served.map((count) => Math.round(count / 10))).toEqual([10, 30, 0, 40]);
  });

  it("that come later start level with the others", () => {
    announce(0, 1);
    announce(1, 1);
    serve(1000);
    announce(2, 1);
    const served = serve(30);
    expect(served.slice(0, 3).every((count) => count >= 9 && count <= 11)).toBe(true);
  });

  it("have their next turn sooner once they have more callers", () => {
    announce(0, 1);
    announce(1, 2);
    announce(2, 1);
    const turn = () => serve(1).indexOf(1);
    expect(turn()).toBe(0);
    announce(0, 2);
    expect([turn(), turn(), turn()]).toEqual([1, 2, 0]);
  });

  it("expire 3.5 seconds after their latest announcement", () => {
    announce(0, 1);
    announce(1, 1, 3000);
    expect([next(0, 3499), next(0, 3500), next(0, 6600)]).toEqual([0, 1, -1]);
    announce(2, 1, 6600);
    // The earlier ones have expired.
    const [key] = data.keys().filter((name) => name.includes(`/test-${space}/waiting/`));
    expect(data.get(key)!.bytes).toHaveLength(40);
  });

  itHolds(
    "get shares by their callers, whatever comes and goes",
    200,
    fc.property(
      fc.array(fc.record({ at: fc.nat(3), callers: fc.nat(5), turns: fc.nat(200) }), { maxLength: 30 }),
      (steps) => {
        space++;
        for (const [i, worker] of workers.entries()) worker.create(BigInt(i + 1), space);
        const callers = [0, 0, 0, 0];
        for (const { at, callers: count, turns } of steps) {
          callers[at] = count;
          expect(announce(at, count)).toBe(true);
          const total = callers.reduce((sum, now) => sum + now, 0);
          if (total === 0) {
            expect(next()).toBe(-1);
            continue;
          }
          const served = serve(turns);
          for (const [i, turnsOf] of served.entries()) {
            const share = (turns * callers[i]) / total;
            if (callers[i] === 0) expect(turnsOf).toBe(0);
            // A worker is ahead of or behind the others by at most one turn of one caller.
            else expect(Math.abs(turnsOf - share)).toBeLessThanOrEqual(2 * total + 1);
          }
        }
      },
    ),
  );
});
