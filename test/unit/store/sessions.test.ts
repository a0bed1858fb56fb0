import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { BUCKETS, LAG, MIN_CAPACITY, data, hashIn, openSessions, reopenSessions, workers } from "./session-workers.ts";

const START = 1_800_000_000_000;
const IDLE_SECONDS = 30;
const [first, second] = workers;

/** A session in a separate bucket. */
function insert(number: number, after = 0): string {
  return workers[number % workers.length].insert(hashIn(number % BUCKETS, number), number, IDLE_SECONDS, START + after);
}

beforeEach(() => openSessions(1000));

afterEach(() => {
  for (const worker of workers) worker.takeEvents();
  data.beforeAccess = undefined;
});

describe("a session", () => {
  const hash = hashIn(1, 1);

  it("is new to one worker, and active for the others", () => {
    expect(workers.map((worker, i) => worker.insert(hash, i, IDLE_SECONDS, START + i))).toEqual([
      ...["new", "active", "active", "active"],
    ]);
    expect(second.sweep(START)).toEqual([0]);
  });

  it("ends once, and is settled with everything reported until then", () => {
    first.insert(hash, 7, IDLE_SECONDS, START);
    expect(first.update(hash, 2, 2 ** 32, START + 1000)).toBe(true);
    second.end(hash, "deleted", START + 5000);
    first.end(hash, "refused", START + 5001);
    expect(first.update(hash, 3, 17, START + 6000)).toBe(false);
    expect(first.insert(hash, 8, IDLE_SECONDS, START + 6000)).toBe("ended");
    expect(first.sweep(START + 5000 + LAG - 1)).toEqual([]);
    expect([first.takeEvents(), second.takeEvents()]).toEqual([[], [{ ended: 7, end: "deleted" }]]);
    first.sweep(START + 5000 + LAG);
    expect(first.takeEvents()).toEqual([
      { settled: 7, end: "deleted", operations: 5, tokens: 2 ** 32 + 17, endedAt: START + 5000 },
    ]);
    expect(second.update(hash, 1, 1, START + 12_000)).toBe(false);
    expect(second.insert(hash, 9, IDLE_SECONDS, START + 12_000)).toBe("new");
  });

  it("that is idle ends at its latest activity, and may start again", () => {
    first.insert(hash, 7, IDLE_SECONDS, START);
    second.update(hash, 1, 20, START + 10_000);
    const idleAt = START + 10_000 + IDLE_SECONDS * 1000 + LAG;
    expect(first.sweep(idleAt - 1)).toEqual([7]);
    expect(first.sweep(idleAt)).toEqual([]);
    expect(first.takeEvents()).toEqual([
      { ended: 7, end: "idle" },
      { settled: 7, end: "idle", operations: 1, tokens: 20, endedAt: START + 10_000 },
    ]);
    expect(first.insert(hash, 8, IDLE_SECONDS, idleAt)).toBe("new");
  });

  it("is active regardless of differences between workers' clocks", () => {
    first.insert(hash, 7, 1, START);
    expect(second.sweep(START - 50)).toEqual([7]);
    expect(second.sweep(START - 3_600_000)).toEqual([7]);
    first.update(hash, 1, 0, START - 100);
    expect(second.sweep(START + 1000 + LAG - 1)).toEqual([7]);
    first.end(hash, "deleted", START);
    second.sweep(START - 50);
    expect(second.takeEvents()).toEqual([]);
  });

  it("that is unknown is neither updated nor ended", () => {
    expect(first.update(hash, 1, 1, START)).toBe(false);
    first.end(hash, "deleted", START);
    expect(first.sweep(START)).toEqual([]);
    expect(first.takeEvents()).toEqual([]);
  });
});

describe("the maximum", () => {
  it("is observed within 5 % at any time, and met by a sweep, which evicts the least recently active", () => {
    const births = 5000;
    for (let i = 0; i < births; i++) {
      expect(insert(i, i)).toBe("new");
      if (i % 500 === 0) first.sweep(START + i);
    }
    const evicted = workers.flatMap((worker) => worker.takeEvents()).filter((event) => "ended" in event);
    expect(evicted.every(({ end }) => end === "evicted")).toBe(true);
    expect(births - evicted.length).toBeLessThanOrEqual(1050);
    const left = first.sweep(START + births);
    expect(left.length).toBe(1000);
    expect(left.filter((birth) => birth < births - 2000)).toEqual([]);
  });

  it("is met at once if another configuration has lowered it", () => {
    for (let i = 0; i < 1000; i++) insert(i, i);
    reopenSessions(0, 10);
    expect(first.sweep(START + 1000)).toEqual(Array.from({ length: 10 }, (_, i) => 990 + i));
    expect(first.takeEvents().filter((event) => "ended" in event)).toHaveLength(990);
  });

  it("evicts sessions of the caller with most, in any number and any bucket", () => {
    const others = 60;
    for (let i = 0; i < others; i++) first.insert(hashIn(i * 17, i), i, IDLE_SECONDS, START, { caller: 1 + (i % 20) });
    for (let i = 0; i < 20_000; i++) {
      const hash = hashIn((i * 7919) % BUCKETS, 1000 + i);
      workers[i % 4].insert(hash, 1000 + i, 3600, START + 1000 + Math.floor(i / 4), { caller: 999 });
      if (i % 2500 === 2499) first.sweep(START + 1000 + Math.floor(i / 4));
    }
    const left = first.sweep(START + 7000);
    expect(left.slice(0, others)).toEqual(Array.from({ length: others }, (_, i) => i));
    expect(left.length).toBe(1000);
    // The caller keeps the latest of its sessions.
    expect(Math.min(...left.slice(others))).toBeGreaterThan(15_000);
  });

  it("in a full bucket evicts sessions of the caller with most there", () => {
    const full = MIN_CAPACITY;
    for (let i = 0; i < full; i++) first.insert(hashIn(5, i), i, IDLE_SECONDS, START + i, { caller: i < 6 ? 1 : 2 });
    for (let i = 0; i < 50; i++)
      first.insert(hashIn(5, 100 + i), 100 + i, IDLE_SECONDS, START + 100 + i, { caller: 3 });
    const left = first.sweep(START + 200);
    // Caller 3 evicted sessions of caller 2, which had most, until all three had equally many.
    expect(left.filter((birth) => birth < 6)).toHaveLength(5);
    expect(left.filter((birth) => birth >= 6 && birth < full)).toHaveLength(5);
    expect(left.filter((birth) => birth >= 100)).toEqual([144, 145, 146, 147, 148, 149]);
  });

  it("leaves each of two callers in a store half of it", () => {
    openSessions(100);
    for (let i = 0; i < 90; i++) first.insert(hashIn(i, i), i, IDLE_SECONDS, START, { caller: 1 });
    for (let i = 90; i < 190; i++) first.insert(hashIn(i, i), i, IDLE_SECONDS, START + i, { caller: 2 });
    let left = first.sweep(START + 200);
    while (!first.isSwept) left = first.sweep(START + 200);
    expect(left.length).toBe(100);
    expect(left.filter((birth) => birth < 90).length).toBe(50);
  });

  it("bounds the windows of a caller on a server, separately from those of others", () => {
    const window = (number: number, caller: number) =>
      first.insert(hashIn(5, number), 7, IDLE_SECONDS, START, { caller, isLimited: true });
    openSessions(100_000);
    expect(Array.from({ length: 17 }, (_, i) => window(i, 1))).toEqual([
      ...Array.from({ length: 15 }, () => "new"),
      "too many",
      "too many",
    ]);
    expect([window(3, 1), window(30, 2)]).toEqual(["active", "new"]);
    expect(first.insert(hashIn(5, 40), 7, IDLE_SECONDS, START, { caller: 1 })).toBe("new");
    first.end(hashIn(5, 3), "deleted", START);
    first.end(hashIn(5, 4), "deleted", START);
    expect(window(50, 1)).toBe("new");
  });

  it("bounds the size of a bucket", () => {
    for (let i = 0; i < 100; i++) expect(first.insert(hashIn(5, i), i, IDLE_SECONDS, START + i)).toBe("new");
    const last = Array.from({ length: MIN_CAPACITY }, (_, i) => 100 - MIN_CAPACITY + i);
    expect(first.sweep(START + 100)).toEqual(last);
  });

  it("allows a worker with a lower maximum to sweep the full buckets of another", () => {
    reopenSessions(1, 100_000);
    const count = 196;
    for (let i = 0; i < count; i++) expect(second.insert(hashIn(5, i), i, IDLE_SECONDS, START)).toBe("new");
    first.sweep(START + 3_600_000);
    const events = first.takeEvents();
    expect(events.flatMap((event) => ("ended" in event ? [event.ended] : []))).toEqual([...Array(count).keys()]);
    expect(events.flatMap((event) => ("settled" in event ? [event.settled] : []))).toEqual([...Array(count).keys()]);
    expect(second.insert(hashIn(5, 0), 500, IDLE_SECONDS, START)).toBe("new");
  });
});

describe("a sweep", () => {
  const COUNT = 10_000;
  const insertAll = () => Array.from({ length: COUNT }, (_, i) => insert(i));
  const endsOf = (events: ReturnType<typeof first.takeEvents>) =>
    events.flatMap((it) => ("ended" in it ? it.ended : []));

  it("ends at most 4 096 sessions, and the next sweeps end the others, each once", () => {
    openSessions(2 * COUNT);
    insertAll();
    const later = START + IDLE_SECONDS * 1000 + LAG;
    const ended: number[] = [];
    for (const [isSwept, count, left] of [
      [false, 4096, COUNT - 4096],
      [false, 4096, COUNT - 2 * 4096],
      [true, COUNT - 2 * 4096, 0],
    ] as const) {
      expect(first.sweep(later)).toHaveLength(left);
      const now = endsOf(first.takeEvents());
      expect([first.isSwept, now.length]).toEqual([isSwept, count]);
      ended.push(...now);
    }
    expect(ended.toSorted((a, b) => a - b)).toEqual([...Array(COUNT).keys()]);
    first.sweep(later);
    expect([first.isSwept, first.takeEvents()]).toEqual([true, []]);
  });

  it("evicts at most this number above a lowered maximum, the least recently active ones", () => {
    openSessions(2 * COUNT);
    for (let i = 0; i < COUNT; i++) insert(i, i);
    for (const worker of workers) worker.takeEvents();
    reopenSessions(0, 1000);
    const evicted: number[] = [];
    do {
      first.sweep(START + COUNT);
      evicted.push(...endsOf(first.takeEvents()));
    } while (!first.isSwept);
    // The store key of the count of sessions, on which the sweeps agree.
    expect(evicted.length).toBe(COUNT - 1000);
    expect(Math.max(...evicted)).toBe(COUNT - 1001);
  });
});

describe("a change with which other workers always interfere", () => {
  const hash = hashIn(1, 1);

  /** From now on, every value has been changed before a worker writes it. */
  function rewriteAll(): void {
    data.beforeAccess = () => {
      data.beforeAccess = undefined;
      for (const key of data.keys().filter((key) => key.includes("/sessions/"))) data.set(key, data.get(key)!.bytes, 0);
      rewriteAll();
    };
  }

  it("is abandoned and counted", () => {
    second.insert(hash, 1, IDLE_SECONDS, START);
    rewriteAll();
    expect(first.insert(hashIn(1, 2), 2, IDLE_SECONDS, START)).toBe("gave up");
    expect(first.takeConflicts()).toBe(1);
    expect(first.update(hash, 5, 50, START)).toBe(true);
    first.end(hash, "deleted", START);
    first.sweep(START + 3_600_000);
    expect(first.takeConflicts()).toBe(3);
    data.beforeAccess = undefined;
    expect(first.takeEvents()).toEqual([]);
    expect(first.sweep(START)).toEqual([1]);
  });
});
