import assert from "node:assert/strict";

import { type End, type Event, type Inserted, LAG, MIN_CAPACITY } from "./session-workers.ts";

/** An operation of a worker on sessions, at a time of its own clock. */
export type Operation =
  | { readonly type: "insert"; readonly hash: bigint; readonly birth: number; readonly idleSeconds: number }
  | { readonly type: "update"; readonly hash: bigint; readonly operations: number; readonly tokens: number }
  | { readonly type: "end"; readonly hash: bigint; readonly end: End }
  | { readonly type: "sweep" };

/** An operation in progress on a worker, and its effects so far. */
export interface Doing {
  readonly operation: Operation;
  readonly now: number;
  /** Its start by the true time. */
  readonly trueTime: number;
  /** The reports that its changes require. */
  readonly events: Event[];
  hasWritten: boolean;
  /** The number of sessions according to the store at its start. */
  count: number | undefined;
  /** The maximum number of active sessions since its start. */
  mostActive: number;
  evicted: number;
}

/** A session in a bucket: see SessionEntry. */
interface Session {
  readonly hash: bigint;
  readonly startedAt: number;
  activeAt: number;
  endedAt: number;
  tokens: number;
  operations: number;
  readonly idleSeconds: number;
  readonly birth: number;
  end: End;
}

const ENTRY_SIZE = 104;
const ENDS: End[] = ["none", "deleted", "refused", "idle", "evicted"];

function sessionsIn(bucket: Uint8Array): Session[] {
  const bytes = Buffer.from(bucket);
  assert.equal(bytes.length % ENTRY_SIZE, 0);
  return Array.from({ length: bytes.length / ENTRY_SIZE }, (_, i) => {
    const at = i * ENTRY_SIZE;
    const long = (offset: number): number => Number(bytes.readBigUInt64LE(at + offset));
    return {
      hash: bytes.readBigUInt64LE(at),
      startedAt: long(8),
      activeAt: long(16),
      endedAt: long(24),
      tokens: long(32),
      operations: bytes.readUInt32LE(at + 48),
      idleSeconds: bytes.readUInt32LE(at + 52),
      birth: bytes.readInt32LE(at + 40),
      end: ENDS[bytes.readUInt8(at + 61)],
    };
  });
}

/**
 * A model of the sessions, by the numbers of their births. It follows the successful writes, each of which is atomic for all
 * workers, and checks that the operation was allowed to make them.
 */
export class SessionModel {
  readonly sessions = new Map<number, Session>();
  /** The time of the latest activity of each session, by the true time. */
  readonly #activity = new Map<number, number>();

  constructor(readonly max: number) {}

  get active(): number[] {
    return [...this.sessions.values()].filter(({ end }) => end === "none").map(({ birth }) => birth);
  }

  begin(operation: Operation, now: number, trueTime: number): Doing {
    const mostActive = this.active.length;
    return { operation, now, trueTime, events: [], hasWritten: false, count: undefined, mostActive, evicted: 0 };
  }

  /** Handles a write to a bucket. `all`: the operations in progress on any worker. */
  written(doing: Doing, before: Uint8Array, after: Uint8Array, all: Iterable<Doing>): void {
    const [old, fresh] = [before, after].map((bucket) => new Map(sessionsIn(bucket).map((each) => [each.birth, each])));
    assert.ok(fresh.size <= MIN_CAPACITY);
    doing.hasWritten = true;
    for (const entry of old.values()) if (!fresh.has(entry.birth)) this.#taken(entry, [...old.values()], doing);
    for (const entry of fresh.values()) {
      if (!old.has(entry.birth)) this.#put(entry, doing);
      else this.#changed(entry, doing);
    }
    for (const each of all) each.mostActive = Math.max(each.mostActive, this.active.length);
  }

  /** Checks that the reports of a worker at the end of an operation match its changes. */
  finished(doing: Doing, result: Inserted | boolean | undefined, events: Event[], conflicts: number): void {
    const { operation, hasWritten } = doing;
    assert.deepEqual(events, doing.events);
    if (operation.type === "insert") {
      assert.equal(result === "new", hasWritten);
      assert.equal(result === "gave up", conflicts > 0 && !hasWritten);
    } else if (operation.type === "update") {
      if (result === true) assert.ok(hasWritten || conflicts > 0, "an update was lost");
    } else if (operation.type === "sweep") {
      assert.ok(doing.evicted <= Math.max(0, doing.mostActive - this.max), `${doing.evicted} were evicted`);
    }
  }

  #put(entry: Session, { operation, now, trueTime }: Doing): void {
    assert.ok(operation.type === "insert");
    const { birth, hash, idleSeconds } = operation;
    assert.ok(![...this.sessions.values()].some((each) => each.hash === hash), "born twice");
    const times = { startedAt: now, activeAt: now, endedAt: 0 };
    assert.deepEqual(entry, { birth, hash, idleSeconds, ...times, operations: 0, tokens: 0, end: "none" });
    this.sessions.set(birth, entry);
    this.#activity.set(birth, trueTime);
  }

  #changed(entry: Session, { operation, now, trueTime, events }: Doing): void {
    const session = this.sessions.get(entry.birth)!;
    if (operation.type === "update" && operation.hash === session.hash) {
      session.operations += operation.operations;
      session.tokens += operation.tokens;
      session.activeAt = Math.max(session.activeAt, now);
      this.#activity.set(entry.birth, Math.max(this.#activity.get(entry.birth)!, trueTime));
    } else if (operation.type === "end" && operation.hash === session.hash) {
      assert.equal(session.end, "none");
      session.end = operation.end;
      session.endedAt = now;
      events.push({ ended: session.birth, end: operation.end });
    }
    assert.deepEqual(entry, session);
  }

  #taken(entry: Session, neighbours: Session[], doing: Doing): void {
    const session = this.sessions.get(entry.birth)!;
    const { operation, now, events } = doing;
    if (operation.type === "insert") {
      assert.ok(neighbours.length >= MIN_CAPACITY || doing.count! >= this.max, "there was room");
      const idlest = neighbours.filter(({ end }) => end === "none").sort((a, b) => a.activeAt - b.activeAt)[0];
      const hasEnded = neighbours.some(({ end }) => end !== "none");
      if (session.end === "none") assert.ok(!hasEnded && entry.activeAt === idlest.activeAt, "not the idlest");
    } else {
      assert.equal(operation.type, "sweep");
      if (session.end !== "none") assert.ok(now - session.endedAt >= LAG, "settled too early");
    }
    if (session.end === "none") {
      const idleFor = doing.trueTime - this.#activity.get(session.birth)!;
      const isIdle = operation.type === "sweep" && now - session.activeAt >= session.idleSeconds * 1000 + LAG;
      session.end = isIdle ? "idle" : "evicted";
      session.endedAt = isIdle ? session.activeAt : now;
      if (isIdle) assert.ok(idleFor >= session.idleSeconds * 1000, `idle for ${idleFor} ms only`);
      else doing.evicted++;
      events.push({ ended: session.birth, end: session.end });
    }
    events.push({
      settled: session.birth,
      end: session.end,
      operations: session.operations,
      tokens: session.tokens,
      endedAt: session.endedAt,
    });
    this.sessions.delete(session.birth);
  }
}
