import type { BatchJob } from "./batch.ts";
import type { Finding } from "./finding.ts";
import type { TargetEntry } from "./targets.ts";
import { WorkerProcess } from "./worker-process.ts";

/** Options of {@link fuzz}. */
export interface FuzzOptions {
  readonly targets: readonly TargetEntry[];
  /** Determines all inputs. */
  readonly seed: number;
  /** Number of inputs over all targets, divided by their shares. Each batch is completed. */
  readonly inputs: number;
  /** Ends the run after this number of seconds. */
  readonly seconds?: number;
  /** Number of concurrent processes. */
  readonly jobs: number;
}

/** The work done for a target. */
export interface Tried {
  readonly target: TargetEntry;
  inputs: number;
  /** CPU time in seconds. */
  seconds: number;
}

export interface FuzzResult {
  readonly tried: readonly Tried[];
  readonly findings: readonly Finding[];
}

/** Timeout in seconds. A batch takes seconds, or a minute if it has a finding to shrink. */
const BATCH_SECONDS = 180;

/** Tests the targets in separate processes. Stops testing a target after its first finding. */
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
  /** Number of inputs not handed out yet. */
  left: number;
}

/** Hands out batches, so that all targets progress evenly. */
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

  /** The next batch; undefined if there is none. */
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

  /** Stops the batches of this target. */
  drop(name: string): void {
    this.#dropped.add(name);
  }
}

/** The remaining number of a target's inputs, relative to its share. */
function left(progress: Progress): number {
  return progress.left / progress.target.share;
}
