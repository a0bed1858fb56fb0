import { TestModule } from "../module.ts";
import { RacingData } from "./race.ts";

interface Exports {
  create(self: bigint, space: number, max: number): void;
  insert(hash: bigint, server: number, idleSeconds: number, now: bigint, caller: number, isLimited: boolean): number;
  update(hash: bigint, operations: number, tokens: bigint, now: bigint): number;
  end(hash: bigint, reason: number, now: bigint): void;
  sweep(now: bigint): number;
  conflicts(): number;
}

const INSERTED = ["new", "active", "ended", "too many", "gave up"] as const;
const ENDS = ["none", "deleted", "refused", "idle", "evicted"] as const;

export type Inserted = (typeof INSERTED)[number];
export type End = (typeof ENDS)[number];

/** A worker's report about a session, identified by the number of its birth. */
export type Event =
  | { readonly ended: number; readonly end: End }
  | {
      readonly settled: number;
      readonly end: End;
      readonly operations: number;
      readonly tokens: number;
      readonly endedAt: number;
    };

export const BUCKETS = 1024;
/** The hash of a session in this bucket, whose number is in the highest bits. */
export function hashIn(bucket: number, number: number): bigint {
  return (BigInt(bucket) << 54n) + BigInt(number);
}

/** The minimum capacity of a bucket. */
export const MIN_CAPACITY = 16;
/** The time in milliseconds after which a worker has reported all observations. */
export const LAG = 6000;

export const data = new RacingData();

/** One of the workers that share sessions. */
export class SessionWorker {
  /** Its reports since the last call. */
  #events: Event[] = [];
  #counted: number[] = [];
  readonly #exports = new TestModule<Exports>(
    "sessions",
    {
      ended: (ended: number, end: number) => this.#events.push({ ended, end: ENDS[end] }),
      settled: (settled: number, end: number, operations: number, tokens: bigint, endedAt: bigint) =>
        this.#events.push({ settled, end: ENDS[end], operations, tokens: Number(tokens), endedAt: Number(endedAt) }),
      counted: (birth: number) => this.#counted.push(birth),
    },
    data,
  ).exports;

  /** Creates the sessions of `space`. */
  open(self: number, space: number, max: number): void {
    this.#exports.create(BigInt(self), space, max);
  }

  insert(
    hash: bigint,
    birth: number,
    idleSeconds: number,
    now: number,
    { caller = 0, isLimited = false } = {},
  ): Inserted {
    return INSERTED[this.#exports.insert(hash, birth, idleSeconds, BigInt(now), caller, isLimited)];
  }

  update(hash: bigint, operations: number, tokens: number, now: number): boolean {
    return this.#exports.update(hash, operations, BigInt(tokens), BigInt(now)) !== 0;
  }

  end(hash: bigint, end: End, now: number): void {
    this.#exports.end(hash, ENDS.indexOf(end), BigInt(now));
  }

  /** Whether the latest sweep removed all sessions that were due. */
  isSwept = true;

  /** Returns the birth numbers of the active sessions, in ascending order. */
  sweep(now: number): number[] {
    this.#counted = [];
    this.isSwept = this.#exports.sweep(BigInt(now)) !== 0;
    return this.#counted.sort((a, b) => a - b);
  }

  takeEvents(): Event[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  takeConflicts(): number {
    return this.#exports.conflicts();
  }
}

export const workers = Array.from({ length: 4 }, () => new SessionWorker());

let space = 0;

/** Creates an empty set of sessions on all workers. */
export function openSessions(max: number): void {
  space++;
  for (const [i, worker] of workers.entries()) worker.open(i + 1, space, max);
}

/** Reopens the same sessions on one worker, as after a reconfiguration. */
export function reopenSessions(worker: number, max: number): void {
  workers[worker].open(worker + 1, space, max);
}
