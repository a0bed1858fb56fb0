import type { BatchJob } from "./batch.ts";
import type { Finding } from "./finding.ts";
import type { TargetEntry } from "./targets.ts";
import { WorkerProcess } from "./worker-process.ts";

/** How much is tried. */
export interface FuzzOptions {
  readonly targets: readonly TargetEntry[];
  /** Decides on all inputs. */
  readonly seed: number;
  /** Inputs over all targets, which get their shares of them; each batch is tried to its end. */
  readonly inputs: number;
  /** Ends the run after so many seconds. */
  readonly seconds?: number;
  /** Processes at work at once. */
  readonly jobs: number;
}

/** What a target was tried with. */
export interface Tried {
  readonly target: TargetEntry;
  inputs: number;
  /** Time of one core, in seconds. */
  seconds: number;
}

export interface FuzzResult {
  readonly tried: readonly Tried[];
  readonly findings: readonly Finding[];
}

/** A batch takes seconds, and with something to make smaller a minute. */
const BATCH_SECONDS = 180;

/** Tries the targets in processes of their own. A target is left alone after its first finding. */
export async function fuzz(
  options: FuzzOptions,
  onProgress: (tried: readonly Tried[]) => void = () => {},
): Promise<FuzzResult> {
  const findings: Finding[] = [];
  const schedule = new Schedule(options);
  const workers = Array.from({ length: options.jobs }, () => new WorkerProcess(BATCH_SECONDS));
  const stop = () => workers.forEach((worker) => worker.stop());
  process.once("exit", stop);

  async function work(worker: WorkerProcess): Promise<void> {
    for (let job = schedule.next(); job !== undefined; job = schedule.next()) {
      const started = performance.now();
      const finding = await worker.run(job);
      schedule.done(job, (performance.now() - started) / 1000);
      if (finding !== undefined) {
        findings.push(finding);
        schedule.drop(job.target);
      }
      onProgress(schedule.tried);
    }
  }

  try {
    await Promise.all(workers.map(work));
  } finally {
    stop();
    process.removeListener("exit", stop);
  }
  return { tried: schedule.tried, findings };
}

interface Progress extends Tried {
  batches: number;
  /** Inputs that are still to be handed out. */
  left: number;
}

/** Hands out batches, so that each target is as far as the others. */
class Schedule {
  readonly #targets: Progress[];
  readonly #seed: number;
  readonly #until: number;
  readonly #dropped = new Set<string>();

  constructor({ targets, seed, inputs, seconds }: FuzzOptions) {
    const shares = targets.reduce((sum, { share }) => sum + share, 0);
    this.#targets = targets.map((target) => {
      return { target, inputs: 0, seconds: 0, batches: 0, left: Math.ceil((inputs * target.share) / shares) };
    });
    this.#seed = seed;
    this.#until = seconds === undefined ? Infinity : performance.now() + seconds * 1000;
  }

  get tried(): readonly Tried[] {
    return this.#targets;
  }

  /** The next batch; undefined where there is none. */
  next(): BatchJob | undefined {
    if (performance.now() >= this.#until) return undefined;
    const open = this.#targets.filter(({ target, left }) => left > 0 && !this.#dropped.has(target.name));
    if (open.length === 0) return undefined;
    const furthest = open.reduce((best, each) => (left(each) > left(best) ? each : best));
    const inputs = Math.min(furthest.target.batchSize, furthest.left);
    furthest.left -= inputs;
    return { target: furthest.target.name, seed: this.#seed, batch: furthest.batches++, inputs };
  }

  done({ target: name, inputs }: BatchJob, seconds: number): void {
    const progress = this.#targets.find(({ target }) => target.name === name)!;
    progress.inputs += inputs;
    progress.seconds += seconds;
  }

  /** No more of this target. */
  drop(name: string): void {
    this.#dropped.add(name);
  }
}

/** What is left of a target, beside its share. */
function left(progress: Progress): number {
  return progress.left / progress.target.share;
}
