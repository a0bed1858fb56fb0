/** Servers of known capacity, clients and limits on a simulated clock: times are in milliseconds. */

/** Deterministic random numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What happens when, in order. */
export class Schedule {
  now = 0;
  readonly #times: number[] = [];
  readonly #actions: (() => void)[] = [];

  at(time: number, action: () => void): void {
    const times = this.#times;
    const actions = this.#actions;
    let index = times.length;
    times.push(time);
    actions.push(action);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (times[parent] <= time) break;
      times[index] = times[parent];
      actions[index] = actions[parent];
      index = parent;
    }
    times[index] = time;
    actions[index] = action;
  }

  after(delay: number, action: () => void): void {
    this.at(this.now + delay, action);
  }

  /** Lets all happen that is due until then. */
  runUntil(end: number): void {
    while (this.#times.length > 0 && this.#times[0] <= end) {
      this.now = this.#times[0];
      this.#pop()();
    }
    this.now = end;
  }

  #pop(): () => void {
    const times = this.#times;
    const actions = this.#actions;
    const first = actions[0];
    const time = times.pop()!;
    const action = actions.pop()!;
    const { length } = times;
    if (length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= length) break;
      if (child + 1 < length && times[child + 1] < times[child]) child++;
      if (times[child] >= time) break;
      times[index] = times[child];
      actions[index] = actions[child];
      index = child;
    }
    times[index] = time;
    actions[index] = action;
    return first;
  }
}

type Done = (isFailed: boolean) => void;

/** A server whose calls hinder each other beyond `capacity` in flight. */
export abstract class Server {
  inFlight = 0;
  /** Calls take longer by this factor, however many there are. */
  slowness = 1;

  constructor(
    protected readonly schedule: Schedule,
    public capacity: number,
  ) {}

  /** `work`: how long the call takes if nothing hinders it. */
  abstract call(work: number, done: Done): void;

  /** Lets its capacity or slowness change now. */
  change(change: () => void): void {
    change();
  }
}

/** Calls share what there is: beyond its capacity each is slower by (in flight ÷ capacity) ^ `power`, at each moment. Throughput
 *  is the same with power 1, and falls with a higher one. */
export class SharingServer extends Server {
  #virtual = 0;
  #updatedAt = 0;
  #version = 0;
  readonly #jobs: { end: number; done: Done }[] = [];

  constructor(
    schedule: Schedule,
    capacity: number,
    private readonly power = 1,
  ) {
    super(schedule, capacity);
  }

  call(work: number, done: Done): void {
    this.#advance();
    this.inFlight++;
    const job = { end: this.#virtual + work, done };
    let index = this.#jobs.length;
    while (index > 0 && this.#jobs[index - 1].end < job.end) index--;
    this.#jobs.splice(index, 0, job);
    this.#plan();
  }

  get #speed(): number {
    const crowd = Math.max(1, this.inFlight / this.capacity);
    return 1 / (crowd ** this.power * this.slowness);
  }

  #advance(): void {
    this.#virtual += (this.schedule.now - this.#updatedAt) * this.#speed;
    this.#updatedAt = this.schedule.now;
  }

  #plan(): void {
    const version = ++this.#version;
    const next = this.#jobs.at(-1);
    if (!next) return;
    const delay = Math.max(0, (next.end - this.#virtual) / this.#speed);
    this.schedule.after(delay, () => {
      if (version !== this.#version) return;
      this.#advance();
      this.#jobs.pop();
      this.inFlight--;
      this.#virtual = Math.max(this.#virtual, next.end);
      this.#plan();
      next.done(false);
    });
  }

  override change(change: () => void): void {
    this.#advance();
    change();
    this.#plan();
  }
}

/** As many calls as its capacity run at a time; others wait, in order. */
export class QueueingServer extends Server {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  call(work: number, done: Done): void {
    this.inFlight++;
    const run = () => {
      this.#running++;
      this.schedule.after(work * this.slowness, () => {
        this.#running--;
        this.inFlight--;
        if (this.#running < this.capacity) this.#waiting.shift()?.();
        done(false);
      });
    };
    if (this.#running < this.capacity) run();
    else this.#waiting.push(run);
  }

  override change(change: () => void): void {
    change();
    while (this.#running < this.capacity && this.#waiting.length > 0) this.#waiting.shift()!();
  }
}

/** How long a call takes is decided when it comes, by how many are in flight then. */
export class DelayingServer extends Server {
  constructor(
    schedule: Schedule,
    capacity: number,
    private readonly power = 1,
  ) {
    super(schedule, capacity);
  }

  call(work: number, done: Done): void {
    this.inFlight++;
    const crowd = Math.max(1, this.inFlight / this.capacity);
    this.schedule.after(work * this.slowness * crowd ** this.power, () => {
      this.inFlight--;
      done(false);
    });
  }
}

/** It fails what comes beyond its capacity, at once. */
export class RejectingServer extends Server {
  call(work: number, done: Done): void {
    if (this.inFlight >= this.capacity) {
      this.schedule.after(1, () => done(true));
      return;
    }
    this.inFlight++;
    this.schedule.after(work * this.slowness, () => {
      this.inFlight--;
      done(false);
    });
  }
}

/** Some of its calls fail, however many there are. */
export class UnreliableServer extends SharingServer {
  constructor(
    schedule: Schedule,
    capacity: number,
    private readonly failing: number,
    private readonly random: () => number,
  ) {
    super(schedule, capacity);
  }

  override call(work: number, done: Done): void {
    super.call(work, () => done(this.random() < this.failing));
  }
}

/** Decides how many calls of a worker may be in flight. */
export interface Limiter {
  limit(now: number): number;
  inFlight(): number;
  start(now: number): number;
  end(now: number, startedAt: number, startedWith: number, isFailed: boolean): void;
}

export class FixedLimiter implements Limiter {
  #inFlight = 0;

  constructor(private readonly value: number) {}

  limit(): number {
    return this.value;
  }

  inFlight(): number {
    return this.#inFlight;
  }

  start(): number {
    return ++this.#inFlight;
  }

  end(): void {
    this.#inFlight--;
  }
}

/** What a worker has seen: each call that was answered since {@link Worker.forget}. */
export interface Seen {
  answered: number;
  failed: number;
  limited: number;
  /** From the call's beginning on the server, and from its coming, to its answer. */
  latencies: number[];
  totals: number[];
}

const MAX_WAIT = 2000;
const MAX_LENGTH = 100;

/** A worker of the proxy in front of a server: calls beyond the limit wait for 2 s at most, 100 of them. */
export class Worker {
  seen: Seen = { answered: 0, failed: 0, limited: 0, latencies: [], totals: [] };
  readonly #line: { since: number; work: number; done: (isAnswered: boolean) => void }[] = [];

  constructor(
    private readonly schedule: Schedule,
    private readonly server: Server,
    readonly limiter: Limiter,
  ) {}

  forget(): void {
    this.seen = { answered: 0, failed: 0, limited: 0, latencies: [], totals: [] };
  }

  call(work: number, done: (isAnswered: boolean) => void): void {
    if (this.#line.length >= MAX_LENGTH) {
      this.seen.limited++;
      done(false);
      return;
    }
    const entry = { since: this.schedule.now, work, done };
    this.#line.push(entry);
    this.#admit();
    if (!this.#line.includes(entry)) return;
    this.schedule.after(MAX_WAIT, () => {
      const index = this.#line.indexOf(entry);
      if (index < 0) return;
      this.#line.splice(index, 1);
      this.seen.limited++;
      done(false);
    });
  }

  /** Lets on what may. */
  #admit(): void {
    const { limiter, schedule } = this;
    while (this.#line.length > 0 && limiter.inFlight() < limiter.limit(schedule.now)) {
      const { since, work, done } = this.#line.shift()!;
      const startedAt = schedule.now;
      const startedWith = limiter.start(startedAt);
      this.server.call(work, (isFailed) => {
        const { now } = schedule;
        limiter.end(now, startedAt, startedWith, isFailed);
        if (isFailed) {
          this.seen.failed++;
        } else {
          this.seen.answered++;
          this.seen.latencies.push(now - startedAt);
          this.seen.totals.push(now - since);
        }
        this.#admit();
        done(!isFailed);
      });
    }
  }
}

/** How long calls take. */
export type Work = (random: () => number) => number;

export const works: Record<string, (mean: number) => Work> = {
  constant: (mean) => () => mean,
  jittered: (mean) => (random) => mean * (0.8 + 0.4 * random()),
  exponential: (mean) => (random) => -mean * Math.log(1 - random()),
};

/** So many clients that each call again when they have an answer; if their call has failed or was limited, after 100 ms. */
export function closedLoop(
  schedule: Schedule,
  worker: Worker,
  clients: number,
  work: Work,
  random: () => number,
): void {
  const again = () => {
    worker.call(work(random), (isAnswered) => {
      if (isAnswered) again();
      else schedule.after(100, again);
    });
  };
  for (let i = 0; i < clients; i++) schedule.at(schedule.now + i, again);
}

/** Calls that come independently of each other: `rate` in a millisecond on average. */
export function openLoop(schedule: Schedule, worker: Worker, rate: number, work: Work, random: () => number): void {
  const next = () => {
    worker.call(work(random), () => {});
    schedule.after(-Math.log(1 - random()) / rate, next);
  };
  next();
}

export function percentile(values: number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
