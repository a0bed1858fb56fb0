import assert from "node:assert/strict";

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { race } from "./race.ts";
import { type Doing, type Operation, SessionModel } from "./session-model.ts";
import { type End, type Inserted, data, hashIn, openSessions, workers } from "./session-workers.ts";

/** An operation of one worker, with its delay in milliseconds after the start of the previous one. */
interface Step {
  readonly worker: number;
  readonly pass: number;
  readonly operation: Operation;
}

const START = 1_800_000_000_000;
const MINUTE = 60_000;

/** Many more sessions than the two buckets hold. */
const hashes = fc
  .record({ bucket: fc.nat({ max: 1 }), number: fc.integer({ min: 1, max: 24 }) })
  .map(({ bucket, number }) => hashIn(bucket, number));

/** Below and above the capacity of the two buckets. */
const caps = fc.integer({ min: 1, max: 40 });

const insert = fc
  .record({ hash: hashes, idleSeconds: fc.constantFrom(1, 30) })
  .map(({ hash, idleSeconds }): Operation => ({ type: "insert", hash, birth: 0, idleSeconds }));

const operation = fc.oneof(
  { weight: 12, arbitrary: insert },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("update" as const),
      hash: hashes,
      operations: fc.nat({ max: 5 }),
      tokens: fc.oneof(fc.nat({ max: 5000 }), fc.constantFrom(2 ** 32 - 1, 2 ** 40)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("end" as const),
      hash: hashes,
      end: fc.constantFrom<End>("deleted", "refused"),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Operation>({ type: "sweep" }) },
);

const steps = fc
  .array(
    fc.record({
      worker: fc.nat({ max: workers.length - 1 }),
      pass: fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 300 }) }, { weight: 1, arbitrary: fc.nat({ max: 20_000 }) }),
      operation,
    }),
    { minLength: 1, maxLength: 120, size: "max" },
  )
  // Each birth has a unique number, which identifies the session.
  .map((all) =>
    all.map((step, i): Step => {
      const { operation } = step;
      return { ...step, operation: operation.type === "insert" ? { ...operation, birth: i + 1 } : operation };
    }),
  );

/** How far the workers' clocks are ahead of the true time. */
const clocks = fc.array(fc.integer({ min: -50, max: 50 }), { minLength: workers.length, maxLength: workers.length });

const pauses = fc.array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: 8 })), {
  maxLength: 60,
  size: "max",
});

/** Runs operations on the workers and on the model. */
class Run {
  readonly model: SessionModel;
  now = START;
  /** The operations in progress on each worker, innermost last. */
  readonly #doing = new Map<number, Doing>();

  constructor(
    max: number,
    private readonly clocks: readonly number[],
  ) {
    openSessions(max);
    this.model = new SessionModel(max);
    data.afterRead = (key, value) => {
      const doing = [...this.#doing.values()].at(-1);
      if (doing && key.includes("/count/")) doing.count ??= Buffer.from(value).readInt32LE();
    };
    data.afterWrite = (key, before, after) => {
      const all = [...this.#doing.values()];
      if (key.includes("/sessions/")) this.model.written(all[all.length - 1], before, after, all);
    };
  }

  /** Returns the sessions counted, if it is a sweep. */
  step({ worker, pass, operation }: Step): number[] {
    this.now += pass;
    const now = this.now + this.clocks[worker];
    const doing = this.model.begin(operation, now, this.now);
    this.#doing.set(worker, doing);
    let result: Inserted | boolean | undefined;
    let counted: number[] = [];
    const each = workers[worker];
    if (operation.type === "insert") result = each.insert(operation.hash, operation.birth, operation.idleSeconds, now);
    else if (operation.type === "update") {
      result = each.update(operation.hash, operation.operations, operation.tokens, now);
    } else if (operation.type === "end") each.end(operation.hash, operation.end, now);
    else counted = each.sweep(now);
    this.#doing.delete(worker);
    this.model.finished(doing, result, each.takeEvents(), each.takeConflicts());
    return counted;
  }
}

afterEach(() => {
  data.afterRead = undefined;
  data.afterWrite = undefined;
});

describe("sessions", () => {
  itHolds(
    "are those of a plain model, whatever workers do in between: born, ended and settled once, by one of them",
    400,
    fc.property(caps, clocks, steps, pauses, (max, clocks, steps, pauses) => {
      const run = new Run(max, clocks);
      race(data, steps, pauses, (step) => run.step(step));
      const sweep = (worker: number, pass: number): number[] =>
        run.step({ worker, pass, operation: { type: "sweep" } });
      const counted = sweep(0, 0);
      const left = run.model.active.sort((a, b) => a - b);
      assert.deepEqual(counted, left);
      // One sweep corrects the count, so that the next one meets the maximum exactly.
      assert.deepEqual(
        sweep(0, 0),
        run.model.active.sort((a, b) => a - b),
      );
      assert.ok(run.model.active.length <= max);
      assert.ok(run.model.active.length >= Math.min(left.length, max));
      // Finally, all sessions are idle and settled.
      assert.deepEqual(sweep(2, MINUTE), []);
      sweep(3, MINUTE);
      assert.equal(run.model.sessions.size, 0);
    }),
  );

  itHolds(
    "are found as a plain model has them, where one operation follows the other",
    200,
    fc.property(caps, steps, (max, steps) => {
      const run = new Run(max, [0, 0, 0, 0]);
      for (const step of steps) {
        const { operation } = step;
        const hash = "hash" in operation ? operation.hash : undefined;
        const session = [...run.model.sessions.values()].find((each) => each.hash === hash);
        const active = run.model.active.length;
        run.step(step);
        const isThere = [...run.model.sessions.values()].some((each) => each.hash === hash);
        if (operation.type === "insert") assert.ok(isThere);
        if (operation.type === "end" && session?.end === "none") {
          assert.equal(run.model.sessions.get(session.birth)?.end, operation.end);
          assert.equal(run.model.active.length, active - 1);
        }
      }
    }),
  );

  it("meet every possible outcome in generated steps", () => {
    const seen = new Set<string>();
    const generated = fc.sample(fc.tuple(caps, clocks, steps, pauses), {
      numRuns: 150,
      seed: 1,
    });
    for (const [max, clocks, steps, pauses] of generated) {
      const run = new Run(max, clocks);
      const finished = run.model.finished.bind(run.model);
      run.model.finished = (doing, result, events, conflicts) => {
        finished(doing, result, events, conflicts);
        const { type } = doing.operation;
        if (type === "insert") seen.add(`insert: ${String(result)}`);
        if (type === "update" && !result) seen.add(`update: ${doing.hasWritten ? "ended" : "gone"}`);
        if (conflicts) seen.add("conflict");
        for (const event of events) seen.add(`${type}: ${"ended" in event ? "ended" : "settled"} as ${event.end}`);
      };
      race(data, steps, pauses, (step) => run.step(step));
    }
    expect([...seen].filter((each) => !each.includes("gave up") && each !== "conflict").sort()).toEqual(
      [
        ...["insert: new", "insert: active", "insert: ended", "update: ended", "update: gone"],
        ...["insert: ended as evicted", "insert: settled as evicted"],
        ...["insert: settled as deleted", "insert: settled as refused"],
        ...["end: ended as deleted", "end: ended as refused"],
        ...["sweep: ended as idle", "sweep: ended as evicted", "sweep: settled as idle", "sweep: settled as evicted"],
        ...["sweep: settled as deleted", "sweep: settled as refused"],
      ].sort(),
    );
  });
});
