/** The parts of a comparison, each run separately by a worker process. */
import { captureNames, readEvents } from "../../test/fixtures/captures.ts";
import { replay } from "../../test/host/filter/replay.ts";
import type { FilterCase } from "../fuzz/filter/case.ts";
import { ExchangeGenerator } from "../fuzz/filter/generate.ts";
import { toText } from "../fuzz/finding.ts";
import { messageCorpus } from "../fuzz/messages.ts";
import { Random } from "../fuzz/random.ts";
import { CONFIGURATIONS, type Configuration } from "./configurations.ts";
import { cutsOf } from "./cuts.ts";
import { type KindCount, Tally } from "./differences.ts";
import type { Job } from "./job.ts";
import { Pair } from "./pair.ts";

/** Number of memory pages by which the proxies' workers grew, by configuration. */
export type Growth = Record<string, { old: number; new: number }>;

export interface JobResult {
  readonly kinds: readonly KindCount[];
  /** Number of generated inputs that were processed. */
  readonly inputs: number;
  readonly growth: Growth;
}

const BATCH = 2000;
/**
 * Seconds until everything has been recorded: sessions end after the idle timeout, and gauges are written every 5 s.
 */
const SETTLING_SECONDS = 50;

/** The captures, then the generated inputs in batches. */
export function jobsOf(old: string, now: string, inputs: number, seed: number, observable = false): Job[] {
  const traffic: Job["traffic"][] = captureNames().map((capture) => ({ capture }));
  for (let batch = 0; batch * BATCH < inputs; batch++) {
    traffic.push({ seed, batch, inputs: Math.min(BATCH, inputs - batch * BATCH) });
  }
  return traffic.map((traffic, job) => ({ job, old, new: now, observable, traffic }));
}

/** Runs a job: processes all its inputs with both modules under each configuration. */
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
      // Under each configuration, every second input is passed in parts: even and odd inputs alternate between configurations.
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

/** Processes a capture repeatedly, first uncut, so that calls are repeated and lists are compared with earlier ones. */
function passCapture(pair: Pair, capture: string): void {
  const events = readEvents(capture);
  for (const [title, makeCut] of cutsOf(events)) {
    pair.run(
      () => `capture ${capture}, ${title}`,
      (side) => replay(side.workers, events, makeCut()),
    );
  }
}

const SHOWN = 2000;

/** An input as one line of limited length. */
function shown(input: FilterCase): string {
  const text = toText(input).replaceAll(/\n */g, " ");
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
