/** The parts of a comparison, each of which a worker process runs on its own. */
import { type CapturedEvent, captureNames, readEvents } from "../../test/fixtures/captures.ts";
import { type Cut, replay, whole } from "../../test/host/filter/replay.ts";
import { loadModule } from "../../test/host/index.ts";
import { cut } from "../../test/unit/chunks.ts";
import type { FilterCase } from "../fuzz/filter/case.ts";
import { ExchangeGenerator } from "../fuzz/filter/generate.ts";
import { toText } from "../fuzz/finding.ts";
import { messageCorpus } from "../fuzz/messages.ts";
import { randomSizes } from "../fuzz/mutate.ts";
import { Random } from "../fuzz/random.ts";
import { CONFIGURATIONS, type Configuration } from "./configurations.ts";
import { type KindCount, Tally } from "./differences.ts";
import { Side } from "./side.ts";

/** A capture, or a batch of generated inputs, through both modules (paths of their files). */
export interface Job {
  readonly job: number;
  readonly old: string;
  readonly new: string;
  readonly traffic: { readonly capture: string } | { readonly seed: number; readonly batch: number; inputs: number };
}

/** Pages of memory by which the proxies' workers grew, by configuration. */
export type Growth = Record<string, { old: number; new: number }>;

export interface JobResult {
  readonly kinds: readonly KindCount[];
  /** Generated inputs that passed. */
  readonly inputs: number;
  readonly growth: Growth;
}

const BATCH = 2000;
/** Until everything that is due has been recorded: sessions end after the idle timeout, gauges are written every 5 s. */
const SETTLING_SECONDS = 50;
const PIECES = [1, 7, 64];
const SINGLE_CUTS = 4;
const RANDOM_CUTS = 2;

/** The captures, then so many generated inputs in batches. */
export function jobsOf(old: string, now: string, inputs: number, seed: number): Job[] {
  const traffic: Job["traffic"][] = captureNames().map((capture) => ({ capture }));
  for (let batch = 0; batch * BATCH < inputs; batch++) {
    traffic.push({ seed, batch, inputs: Math.min(BATCH, inputs - batch * BATCH) });
  }
  return traffic.map((traffic, job) => ({ job, old, new: now, traffic }));
}

/** Runs a job: all its inputs pass both modules under each configuration. */
export function runJob(job: Job): JobResult {
  const tally = new Tally();
  const growth: Growth = {};
  const pairOf = (configuration: Configuration) => new Pair(job, configuration, tally);
  if ("capture" in job.traffic) {
    for (const configuration of CONFIGURATIONS) passCapture(pairOf(configuration), job.traffic.capture);
    return { kinds: tally.kinds, inputs: 0, growth };
  }
  const { seed, batch, inputs } = job.traffic;
  const random = new Random(seed, batch);
  const generator = new ExchangeGenerator(random, messageCorpus(random), random.oneIn(2));
  const pairs = CONFIGURATIONS.map(pairOf);
  for (let number = 0; number < inputs; number++) {
    const input = generator.next();
    pairs.forEach((pair, index) => {
      // Half of all inputs pass in parts, under each configuration the other half than under the one before.
      const inParts = (number + index) % 2 === 0;
      const title = () =>
        `seed ${seed}, batch ${batch}, input ${number}${inParts ? ", in parts" : ""}: ${shown(input)}`;
      pair.run(title, (side) => side.pass(input, number, inParts));
    });
  }
  for (const pair of pairs) {
    pair.run(
      () => `seed ${seed}, batch ${batch}: the end of all streams, and ${SETTLING_SECONDS} s`,
      (side) => {
        side.close();
        side.passSeconds(SETTLING_SECONDS);
      },
    );
    growth[pair.configuration.name] = pair.growth();
  }
  return { kinds: tally.kinds, inputs, growth };
}

/** The same configuration with both modules. */
class Pair {
  readonly configuration: Configuration;
  readonly #job: Job;
  readonly #tally: Tally;
  readonly #sides: readonly [old: Side, now: Side];
  readonly #pages: readonly [old: number, now: number];
  #inputs = 0;

  constructor(job: Job, configuration: Configuration, tally: Tally) {
    this.#job = job;
    this.configuration = configuration;
    this.#tally = tally;
    this.#sides = [
      new Side("old", loadModule(job.old), configuration),
      new Side("new", loadModule(job.new), configuration),
    ];
    this.#pages = [this.#sides[0].pages, this.#sides[1].pages];
    this.#compare(() => "the start of two workers");
  }

  /** Does the same with both modules, and compares what is recorded. Nothing after a trap. */
  run(title: () => string, action: (side: Side) => void): void {
    if (this.#sides.some(({ failed }) => failed)) return;
    for (const side of this.#sides) side.run(() => action(side));
    this.#compare(title);
  }

  growth(): { old: number; new: number } {
    return { old: this.#sides[0].pages - this.#pages[0], new: this.#sides[1].pages - this.#pages[1] };
  }

  #compare(title: () => string): void {
    const [old, now] = this.#sides;
    const { name: configuration } = this.configuration;
    const input = this.#inputs++;
    const place = () => ({ job: this.#job.job, input, configuration, title: title() });
    this.#tally.compare(old.entries, now.entries, place);
    old.entries.length = now.entries.length = 0;
    // An exchange that only one of them answers takes less time there; what follows shall pass both at the same time.
    old.clock.now = now.clock.now = old.clock.now > now.clock.now ? old.clock.now : now.clock.now;
  }
}

/** A capture again and again, first whole, so that calls are repeated and lists are compared with earlier ones. */
function passCapture(pair: Pair, capture: string): void {
  const events = readEvents(capture);
  for (const [title, makeCut] of cutsOf(events)) {
    pair.run(
      () => `capture ${capture}, ${title}`,
      (side) => replay(side.workers, events, makeCut()),
    );
  }
}

/** Ways to cut the bodies of a capture. */
function cutsOf(events: readonly CapturedEvent[]): [title: string, makeCut: () => Cut][] {
  const sizes = events.map(({ request, chunk }) => (request?.body.length ?? 0) + (chunk?.length ?? 0));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  const positions = Array.from({ length: SINGLE_CUTS }, (_, i) => Math.round((size * (i + 0.5)) / SINGLE_CUTS));
  return [
    ["whole", () => whole],
    ...PIECES.map((size): [string, () => Cut] => [`in pieces of ${size}`, () => (body) => cut(body, [size])]),
    ...positions.map((at): [string, () => Cut] => [`cut once at byte ${at} of ${size}`, () => onceAt(at)]),
    ...Array.from({ length: RANDOM_CUTS }, (_, seed): [string, () => Cut] => {
      const makeCut = (): Cut => {
        const random = new Random(seed);
        return (body) => cut(body, randomSizes(random));
      };
      return [`in pieces of any size, seed ${seed}`, makeCut];
    }),
  ];
}

/** Cuts the one body that holds this byte of all bodies, before it. */
function onceAt(position: number): Cut {
  let passed = 0;
  return (body) => {
    const at = position - passed;
    passed += body.length;
    return at > 0 && at < body.length ? [body.subarray(0, at), body.subarray(at)] : [body];
  };
}

const SHOWN = 2000;

function shown(input: FilterCase): string {
  const text = toText(input);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
