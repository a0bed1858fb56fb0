import assert from "node:assert/strict";

import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { RacingData, race } from "../store/race.ts";

interface Exports {
  create(self: bigint, space: number, idleSeconds: number): void;
  begin(hash: bigint, kind: number, server: number, revision: number, now: bigint): void;
  meet(hash: bigint, server: number, revision: number, now: bigint): void;
  add(hash: bigint, operations: number, tokens: bigint, now: bigint): void;
  beginWork(hash: bigint, waits: boolean, now: bigint): number;
  endWork(hash: bigint, waits: boolean): void;
  turnToServer(hash: bigint, now: bigint): void;
  turnToClient(hash: bigint, now: bigint): void;
  end(hash: bigint, reason: number, now: bigint): void;
  close(now: bigint): void;
  tick(now: bigint): void;
  sweep(now: bigint): void;
}

const START = 1_800_000_000_000;
const SECOND = 1000;
const IDLE_SECONDS = 3600;
/** How long the holds of a dead worker last. */
const HOLD_SECONDS = 10;
/** The interval at which a worker renews its holds. */
const FLUSH_SECONDS = 5;
const STATES = ["idle", "calling", "waiting_for_client", "waiting_for_limit"];
const DELETED = 1;

const data = new RacingData();
let states = new Map<bigint, string>();
let accesses = 0;

const nothing = (): void => undefined;
const trace = {
  ...{ started: nothing, adopted: nothing, ended: nothing, settled: nothing },
  counted: (hash: bigint, state: number) => states.set(BigInt.asUintN(64, hash), STATES[state]),
};

const workers = Array.from({ length: 4 }, () => new TestModule<Exports>("tracker", trace, data).exports);
let self = 0n;
let space = 0;
let now = START;

beforeEach(create);

function create(): void {
  space++;
  now = START;
  for (const worker of workers.keys()) restart(worker);
}

/** Another plugin instance replaces one that trapped. */
function restart(worker: number): void {
  workers[worker].create(++self, space, IDLE_SECONDS);
}

/** The session exists, and no worker has it in memory. */
function adopt(...hashes: bigint[]): void {
  for (const hash of hashes) workers[0].meet(hash, 1, 4, BigInt(now));
  pass(2 * FLUSH_SECONDS + 1);
}

function call(worker: number, hash = 1n): void {
  workers[worker].beginWork(hash, false, BigInt(now));
  workers[worker].turnToServer(hash, BigInt(now));
}

function answer(worker: number, hash = 1n): void {
  workers[worker].meet(hash, 1, 4, BigInt(now));
  workers[worker].add(hash, 1, 0n, BigInt(now));
  workers[worker].endWork(hash, false);
}

function askForInput(worker: number, hash = 1n): void {
  workers[worker].meet(hash, 1, 4, BigInt(now));
  workers[worker].turnToClient(hash, BigInt(now));
  workers[worker].endWork(hash, false);
}

function pass(seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    now += SECOND;
    for (const worker of workers) worker.tick(BigInt(now));
  }
}

function stateOf(hash = 1n): string | undefined {
  return statesOf(hash)[0];
}

function statesOf(...hashes: bigint[]): (string | undefined)[] {
  states = new Map();
  workers[3].sweep(BigInt(now));
  return hashes.map((hash) => states.get(hash));
}

function accessesOf(use: () => void): number {
  accesses = 0;
  data.beforeAccess = () => accesses++;
  use();
  data.beforeAccess = undefined;
  return accesses;
}

describe("the state of a session", () => {
  it("is calling from the first tick of a call to the first tick after its end", () => {
    adopt(1n);
    expect(stateOf()).toBe("idle");
    call(0);
    pass(1);
    expect(stateOf()).toBe("calling");
    pass(60);
    expect(stateOf()).toBe("calling");
    answer(0);
    pass(1);
    expect(stateOf()).toBe("idle");
  });

  it("costs nothing if calls start and end between two ticks", () => {
    adopt(1n);
    call(0);
    answer(0);
    pass(FLUSH_SECONDS);
    const calls = (): void => {
      for (let i = 0; i < 100; i++) {
        call(0);
        answer(0);
      }
      pass(FLUSH_SECONDS);
    };
    // The flush of its operations: one read and one write.
    expect(accessesOf(calls)).toBe(2);
  });

  it("costs a read and a write when a long call starts, every five seconds, and when it ends", () => {
    adopt(1n);
    call(0);
    expect(accessesOf(() => pass(1))).toBe(2);
    expect(accessesOf(() => pass(FLUSH_SECONDS - 1))).toBe(0);
    expect(accessesOf(() => pass(1))).toBe(2);
    expect(accessesOf(() => pass(10 * FLUSH_SECONDS))).toBe(20);
    workers[0].endWork(1n, false);
    expect(accessesOf(() => pass(1))).toBe(2);
    expect(accessesOf(() => pass(60))).toBe(0);
  });

  it("ends only with the last of the workers that call", () => {
    adopt(1n);
    for (let worker = 0; worker < 4; worker++) call(worker);
    pass(3);
    for (const worker of [2, 0, 3]) {
      answer(worker);
      pass(1);
      expect(stateOf()).toBe("calling");
    }
    answer(1);
    pass(1);
    expect(stateOf()).toBe("idle");
  });

  it("lasts ten seconds after a worker traps, without affecting other workers that call", () => {
    adopt(1n, 2n);
    for (const worker of [0, 1]) call(worker, 1n);
    call(1, 2n);
    pass(1);
    restart(1);
    pass(HOLD_SECONDS - 1);
    expect(statesOf(1n, 2n)).toEqual(["calling", "calling"]);
    pass(1);
    expect(statesOf(1n, 2n)).toEqual(["calling", "idle"]);
    answer(0, 1n);
    // The store still counts the worker that trapped.
    pass(HOLD_SECONDS);
    expect(stateOf()).toBe("idle");
    call(0);
    pass(1);
    answer(0);
    pass(1);
    expect(stateOf()).toBe("idle");
  });

  it("ends at once if the worker closes", () => {
    adopt(1n);
    call(0);
    workers[0].beginWork(1n, true, BigInt(now));
    pass(1);
    expect(stateOf()).toBe("waiting_for_limit");
    workers[0].close(BigInt(now));
    restart(0);
    expect(stateOf()).toBe("idle");
  });

  it("is the highest one: waiting for limits, then for the client, then calling", () => {
    adopt(1n);
    call(0);
    call(1);
    pass(1);
    askForInput(1);
    workers[2].beginWork(1n, true, BigInt(now));
    pass(1);
    expect(stateOf()).toBe("waiting_for_limit");
    workers[2].endWork(1n, true);
    pass(1);
    expect(stateOf()).toBe("waiting_for_client");
    call(1);
    pass(1);
    expect(stateOf()).toBe("calling");
    answer(1);
    answer(0);
    pass(1);
    expect(stateOf()).toBe("idle");
  });

  it("is the client's turn until it returns, to any worker, after any time", () => {
    adopt(1n);
    call(0);
    pass(1);
    askForInput(0);
    pass(1);
    expect(stateOf()).toBe("waiting_for_client");
    pass(1200);
    expect(stateOf()).toBe("waiting_for_client");
    call(1);
    answer(1);
    pass(FLUSH_SECONDS);
    expect(stateOf()).toBe("idle");
  });

  it("depends on the later of two turns, even if its worker reports it first", () => {
    adopt(1n);
    for (const worker of [0, 1]) {
      call(0);
      answer(0);
      pass(6);
      call(0);
      now += 10;
      askForInput(0);
      now += 10;
      call(1);
      answer(1);
      now += 10;
      // One of them reports at once, the other one later.
      workers[worker].tick(BigInt(now + FLUSH_SECONDS * SECOND));
      pass(FLUSH_SECONDS + 1);
      expect(stateOf()).toBe("idle");
    }
  });

  it("does not exist for a session whose server has not accepted the request, which costs a read every five seconds", () => {
    // Another session of the same bucket.
    adopt(1n);
    call(0, 9n);
    expect(accessesOf(() => pass(FLUSH_SECONDS))).toBe(1);
    expect(accessesOf(() => pass(FLUSH_SECONDS))).toBe(1);
    expect(stateOf(9n)).toBeUndefined();
    workers[0].meet(9n, 1, 4, BigInt(now));
    pass(1);
    expect(stateOf(9n)).toBe("calling");
    workers[0].endWork(9n, false);
    expect(accessesOf(() => pass(1))).toBe(2);
    // Rejected requests leave nothing behind.
    const refused = (): void => {
      for (let i = 0; i < 20_000; i++) {
        call(0, BigInt(1000 + i));
        workers[0].endWork(BigInt(1000 + i), false);
      }
      pass(1);
    };
    expect(accessesOf(refused)).toBe(0);
  });

  it("is counted for 4 096 sessions per worker, which leave room for others", () => {
    const busy = 5000;
    for (let i = 1; i <= busy; i++) workers[0].beginWork(BigInt(i), false, BigInt(now));
    const counted = Array.from({ length: busy }, (_, i) => workers[0].beginWork(BigInt(i + 1), true, BigInt(now)));
    expect(counted.filter((each) => each !== 0)).toHaveLength(4096);
    const hashOf = (i: number): bigint => (BigInt(i % 1024) << 54n) + BigInt(i + 1);
    for (let i = 0; i < 12_000; i++) workers[0].meet(hashOf(i), 1, 4, BigInt(now));
    for (let i = 1; i <= busy; i++) for (const waits of [false, true]) workers[0].endWork(BigInt(i), waits);
    pass(6);
    // All of its places are free again.
    for (let i = 0; i < 4096; i++) expect(workers[0].beginWork(hashOf(i), false, BigInt(now))).toBe(1);
    pass(3);
    statesOf();
    expect([...states.values()].filter((state) => state === "calling")).toHaveLength(4096);
  });

  it("ends with its session, and continues with one of the same key", () => {
    adopt(1n);
    call(0);
    pass(1);
    workers[1].end(1n, DELETED, BigInt(now));
    pass(30);
    expect(stateOf()).toBeUndefined();
    // The call is still open.
    workers[1].meet(1n, 1, 4, BigInt(now));
    pass(FLUSH_SECONDS);
    expect(stateOf()).toBe("calling");
    workers[0].endWork(1n, false);
    pass(1);
    expect(stateOf()).toBe("idle");
  });

  it("does not last if the clock is set back", () => {
    adopt(1n, 2n);
    call(0);
    call(0, 2n);
    pass(1);
    askForInput(0, 2n);
    pass(1);
    now -= 3600 * SECOND;
    pass(FLUSH_SECONDS);
    expect(stateOf()).toBe("calling");
    answer(0);
    call(0, 2n);
    answer(0, 2n);
    pass(FLUSH_SECONDS);
    expect(statesOf(1n, 2n)).toEqual(["idle", "idle"]);
  });
});

describe("states of sessions", () => {
  const HASHES = [1n, 2n, 3n];

  interface Step {
    readonly worker: number;
    readonly hash: bigint;
    readonly what: "begin" | "end" | "ask" | "return" | "meet" | "trap";
    readonly waits: boolean;
    readonly seconds: number;
  }

  const step: fc.Arbitrary<Step> = fc.record({
    worker: fc.nat({ max: 2 }),
    hash: fc.constantFrom(...HASHES),
    what: fc.constantFrom("begin", "begin", "begin", "end", "end", "ask", "return", "meet", "trap"),
    waits: fc.boolean(),
    seconds: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.nat({ max: 3 }) },
      fc.nat({ max: 15 }),
    ),
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 60, size: "max" });

  /** The open work, and whose turn it is. */
  class Model {
    readonly #open = new Map<string, number>();
    readonly #asked = new Set<bigint>();

    /** Executes a step on its worker. */
    do({ worker, hash, what, waits }: Step): void {
      const each = workers[worker];
      const key = `${worker} ${hash} ${waits}`;
      const count = this.#open.get(key) ?? 0;
      if (what === "begin") {
        each.beginWork(hash, waits, BigInt(now));
        this.#open.set(key, count + 1);
      } else if (what === "end") {
        // Ending work that has not started must change nothing.
        each.endWork(hash, waits);
        this.#open.set(key, Math.max(0, count - 1));
      } else if (what === "trap") {
        // Turns that it has not reported are lost with it.
        now += FLUSH_SECONDS * SECOND;
        each.tick(BigInt(now));
        restart(worker);
        for (const key of this.#open.keys()) if (key.startsWith(`${worker} `)) this.#open.delete(key);
      } else {
        each.meet(hash, 1, 4, BigInt(now));
        // Other workers may have had turns in between.
        now++;
        if (what === "ask") {
          each.turnToClient(hash, BigInt(now));
          this.#asked.add(hash);
        } else if (what === "return") {
          each.turnToServer(hash, BigInt(now));
          this.#asked.delete(hash);
        }
      }
    }

    states(): string[] {
      return HASHES.map((hash) => {
        const isOpen = (waits: boolean) =>
          [0, 1, 2].some((worker) => (this.#open.get(`${worker} ${hash} ${waits}`) ?? 0) > 0);
        if (isOpen(true)) return "waiting_for_limit";
        if (this.#asked.has(hash)) return "waiting_for_client";
        return isOpen(false) ? "calling" : "idle";
      });
    }
  }

  itHolds(
    "are those of a plain model with each tick, and five seconds after a client came back to a worker that did not know",
    200,
    fc.property(steps, (steps) => {
      create();
      adopt(...HASHES);
      const model = new Model();
      for (const each of steps.filter(({ what }) => what !== "trap")) {
        now += 10;
        model.do(each);
        pass(each.what === "return" ? FLUSH_SECONDS : 1);
        assert.deepEqual(statesOf(...HASHES), model.states());
        pass(each.seconds);
        assert.deepEqual(statesOf(...HASHES), model.states());
      }
    }),
  );

  itHolds(
    "are those of a plain model once all workers tick again, even if some trapped in between",
    300,
    // Fewer pauses than the attempts of a worker.
    fc.property(steps, fc.array(fc.nat({ max: 4 }), { maxLength: 14 }), (steps, pauses) => {
      create();
      adopt(...HASHES);
      const model = new Model();
      race(data, steps, pauses, (each) => {
        now += 10;
        for (let i = 0; i < each.seconds; i++) {
          now += SECOND;
          workers[each.worker].tick(BigInt(now));
        }
        model.do(each);
      });
      pass(HOLD_SECONDS + FLUSH_SECONDS);
      assert.deepEqual(statesOf(...HASHES), model.states());
    }),
  );
});
