/** What the limits that adapt must hold, on a simulated clock against servers of known capacity. */
import { describe, expect, test } from "vitest";

import { effort } from "../../effort.ts";
import { FIXED_SEEDS, FRESH_SEED, replayCommand } from "../../seeds.ts";
import { TestModule } from "../module.ts";
import {
  closedLoop,
  DelayingServer,
  FixedLimiter,
  type Limiter,
  openLoop,
  percentile,
  QueueingServer,
  randomOf,
  RejectingServer,
  Schedule,
  type Server,
  SharingServer,
  UnreliableServer,
  type Work,
  Worker,
  works,
} from "./simulation.ts";

interface Exports {
  create(count: number, isEnforced: boolean): void;
  limit(index: number, nowMs: number): number;
  inFlight(index: number): number;
  start(index: number, nowMs: number): number;
  end(index: number, nowMs: number, startedAtMs: number, token: number, how: number): void;
}

const { exports } = new TestModule<Exports>("concurrency");
const ANSWERED = 1;
const FAILED = 2;

/** The limit under test, of this index. */
class Adaptive implements Limiter {
  constructor(private readonly index: number) {}

  limit(now: number): number {
    return exports.limit(this.index, now);
  }

  inFlight(): number {
    return exports.inFlight(this.index);
  }

  start(now: number): number {
    return exports.start(this.index, now);
  }

  end(now: number, startedAt: number, token: number, isFailed: boolean): void {
    exports.end(this.index, now, startedAt, token, isFailed ? FAILED : ANSWERED);
  }
}

const SECOND = 1000;
/** How long a call takes if nothing hinders it. */
const SERVICE = 50;
/** Any point in time, as of the clock of a host. */
const EPOCH = 1_700_000_000_000;

const servers = {
  "shares what there is": (schedule: Schedule, capacity: number) => new SharingServer(schedule, capacity),
  "gets slower in all by sharing": (schedule: Schedule, capacity: number) => new SharingServer(schedule, capacity, 2),
  "has a queue": (schedule: Schedule, capacity: number) => new QueueingServer(schedule, capacity),
  "delays by what is in flight": (schedule: Schedule, capacity: number) => new DelayingServer(schedule, capacity),
  "rejects the rest": (schedule: Schedule, capacity: number) => new RejectingServer(schedule, capacity),
} satisfies Record<string, (schedule: Schedule, capacity: number) => Server>;

type Kind = keyof typeof servers;

/** Clients that call again and again, more than the server can serve at a time; or calls at this multiple of its rate. */
type Load = "closed" | number;

interface Setting {
  readonly kind: Kind;
  readonly capacity: number;
  readonly work?: Work;
  readonly load?: Load;
  readonly workers?: number;
  readonly seed: number;
}

interface Measured {
  /** Calls answered in a second. */
  readonly goodput: number;
  /** The 99th percentile of their latencies without the time in line, in milliseconds. */
  readonly p99: number;
}

/** A server with its load. */
class Simulation {
  readonly schedule = new Schedule();
  readonly server: Server;
  readonly workers: Worker[];

  constructor(
    { kind, capacity, work = works.jittered(SERVICE), load = "closed", workers = 1, seed }: Setting,
    limiter: (index: number) => Limiter,
  ) {
    this.schedule.now = EPOCH;
    this.server = servers[kind](this.schedule, capacity);
    const random = randomOf(seed);
    this.workers = Array.from({ length: workers }, (_, index) => {
      const worker = new Worker(this.schedule, this.server, limiter(index));
      if (load === "closed") {
        closedLoop(this.schedule, worker, Math.ceil((3 * capacity + 10) / workers), work, random);
      } else {
        openLoop(this.schedule, worker, (load * capacity) / SERVICE / workers, work, random);
      }
      return worker;
    });
  }

  pass(time: number): void {
    this.schedule.runUntil(this.schedule.now + time);
  }

  measure(time: number): Measured {
    for (const worker of this.workers) worker.forget();
    this.pass(time);
    const latencies = this.workers.flatMap(({ seen }) => seen.latencies);
    return { goodput: (latencies.length / time) * SECOND, p99: percentile(latencies, 0.99) };
  }

  /** All limits together. */
  get limit(): number {
    return this.workers.reduce((sum, { limiter }) => sum + limiter.limit(this.schedule.now), 0);
  }
}

function adaptive(setting: Setting): Simulation {
  exports.create(setting.workers ?? 1, true);
  return new Simulation(setting, (index) => new Adaptive(index));
}

/** The fixed limit with the best goodput, for one worker: the lowest one of those that are alike. */
function best(setting: Setting): Measured {
  let found: Measured = { goodput: 0, p99: 0 };
  for (let limit = 1; limit <= 2 * setting.capacity + 2; limit = Math.max(limit + 1, Math.floor(limit * 1.1))) {
    const simulation = new Simulation({ ...setting, workers: 1 }, () => new FixedLimiter(limit));
    simulation.pass(3 * SECOND);
    // As many calls, whatever the capacity.
    const measured = simulation.measure((effort(160, 1600) / setting.capacity) * SECOND + 5 * SECOND);
    if (measured.goodput > found.goodput * 1.005) found = measured;
  }
  return found;
}

/** Where one call at a time is best, a trial of two takes exactly twice as long: percentiles of samples differ by a little more. */
const P99 = 2.01;

function expectAsGood(measured: Measured, reference: Measured): void {
  expect(measured.goodput, "goodput").toBeGreaterThanOrEqual(0.95 * reference.goodput);
  expect(measured.p99, "p99").toBeLessThanOrEqual(P99 * reference.p99);
}

/** Runs a test with the fixed seeds: deterministic, as all of it is; and with a fresh one in `npm run test:full`. */
function withSeeds(name: string, body: (seed: number) => void): void {
  test(name, () => {
    for (const seed of effort([FIXED_SEEDS[0]], [...FIXED_SEEDS, FRESH_SEED])) {
      try {
        body(seed);
      } catch (error) {
        (error as Error).message = `Seed ${seed}; ${replayCommand()}\n${(error as Error).message}`;
        throw error;
      }
    }
  });
}

const WARM_UP = 30 * SECOND;
const MEASURED = effort(30, 60) * SECOND;

describe.each(Object.keys(servers) as Kind[])("against a server that %s", (kind) => {
  describe.each([2, 8, 50])("beyond %i calls", (capacity) => {
    withSeeds("goodput and p99 are as with the best fixed limit, under clients that wait", (seed) => {
      const simulation = adaptive({ kind, capacity, seed });
      simulation.pass(WARM_UP);
      expectAsGood(simulation.measure(MEASURED), best({ kind, capacity, seed }));
    });

    withSeeds("the same with twice the calls that it can serve", (seed) => {
      const simulation = adaptive({ kind, capacity, load: 2, seed });
      simulation.pass(WARM_UP);
      expectAsGood(simulation.measure(MEASURED), best({ kind, capacity, load: 2, seed }));
    });
  });
});

describe.each(["shares what there is", "rejects the rest"] as const)("a server that %s", (kind) => {
  describe.each([2, 8, 50])("beyond %i calls", (capacity) => {
    withSeeds("loses half of its capacity and regains it: each time all is as good after 10 s", (seed) => {
      const [whole, half] = [best({ kind, capacity, seed }), best({ kind, capacity: capacity / 2, seed })];
      const simulation = adaptive({ kind, capacity, seed });
      const { server } = simulation;
      simulation.pass(WARM_UP);
      expectAsGood(simulation.measure(10 * SECOND), whole);
      server.change(() => (server.capacity /= 2));
      simulation.pass(10 * SECOND);
      expectAsGood(simulation.measure(20 * SECOND), half);
      server.change(() => (server.capacity *= 2));
      simulation.pass(10 * SECOND);
      expectAsGood(simulation.measure(20 * SECOND), whole);
    });
  });
});

withSeeds("where all calls take twice as long, whatever their number, the limit stays", (seed) => {
  const setting: Setting = { kind: "shares what there is", capacity: 8, seed };
  const simulation = adaptive(setting);
  const { server } = simulation;
  simulation.pass(WARM_UP);
  server.change(() => (server.slowness = 2));
  simulation.pass(10 * SECOND);
  expectAsGood(simulation.measure(20 * SECOND), best({ ...setting, work: works.jittered(2 * SERVICE) }));
});

withSeeds("calls that fail whatever their number do not lower the limit for long", (seed) => {
  exports.create(1, true);
  const schedule = new Schedule();
  schedule.now = EPOCH;
  const random = randomOf(seed);
  const server = new UnreliableServer(schedule, 8, 0.2, random);
  const worker = new Worker(schedule, server, new Adaptive(0));
  closedLoop(schedule, worker, 40, works.jittered(SERVICE), random);
  schedule.runUntil(EPOCH + WARM_UP);
  worker.forget();
  schedule.runUntil(EPOCH + WARM_UP + MEASURED);
  const served = worker.seen.answered + worker.seen.failed;
  expect(served).toBeGreaterThanOrEqual((0.9 * 8 * MEASURED) / SERVICE);
});

describe("in an hour of constant load the limit does not drift", () => {
  const HOUR = 3600 * SECOND;

  withSeeds("where all of it is used", (seed) => {
    const simulation = adaptive({ kind: "shares what there is", capacity: 8, seed });
    simulation.pass(WARM_UP);
    const first = simulation.measure(60 * SECOND);
    const limits: number[] = [];
    for (let time = 0; time < HOUR; time += 10 * SECOND) {
      simulation.pass(10 * SECOND);
      limits.push(simulation.limit);
    }
    const last = simulation.measure(60 * SECOND);
    expectAsGood(last, first);
    expectAsGood(first, last);
    expect(percentile(limits, 0.05)).toBeGreaterThanOrEqual(4);
    expect(percentile(limits, 0.95)).toBeLessThanOrEqual(12);
  });

  withSeeds("where less than half of it is used", (seed) => {
    const simulation = adaptive({ kind: "shares what there is", capacity: 50, seed });
    simulation.pass(WARM_UP);
    const little = new Simulation(
      { kind: "shares what there is", capacity: 50, load: 0.1, seed },
      () => new Adaptive(0),
    );
    little.schedule.now = simulation.schedule.now;
    // A trial that has begun may end.
    little.pass(60 * SECOND);
    const { limit } = little;
    expect(limit).toBeGreaterThan(40);
    for (let time = 0; time < HOUR; time += 60 * SECOND) {
      little.pass(60 * SECOND);
      expect(little.limit).toBe(limit);
    }
  });
});

describe.each([
  [2, 8],
  [2, 50],
  [4, 50],
])("%i workers, each with limits of its own, in front of one server for %i calls", (workers, capacity) => {
  withSeeds("have goodput and p99 as one with the best fixed limit", (seed) => {
    const setting: Setting = { kind: "shares what there is", capacity, workers, seed };
    const simulation = adaptive(setting);
    simulation.pass(2 * WARM_UP);
    expectAsGood(simulation.measure(MEASURED), best(setting));
  });
});

withSeeds("a limit that is only measured follows the server's capacity where calls are in flight beyond it", (seed) => {
  exports.create(1, false);
  const schedule = new Schedule();
  schedule.now = EPOCH;
  const server = new SharingServer(schedule, 8);
  const random = randomOf(seed);
  const measured = new Adaptive(0);
  const unlimited: Limiter = {
    limit: () => Infinity,
    inFlight: () => 0,
    start: (now) => measured.start(now),
    end: (...call) => measured.end(...call),
  };
  const worker = new Worker(schedule, server, unlimited);
  closedLoop(schedule, worker, 4, works.jittered(SERVICE), random);
  schedule.runUntil(EPOCH + WARM_UP);
  closedLoop(schedule, worker, 28, works.jittered(SERVICE), random);
  schedule.runUntil(EPOCH + 2 * WARM_UP);
  expect(server.inFlight).toBe(32);
  expect(measured.limit(schedule.now)).toBeGreaterThanOrEqual(7);
  expect(measured.limit(schedule.now)).toBeLessThanOrEqual(12);
});
