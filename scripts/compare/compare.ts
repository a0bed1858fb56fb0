import { type ChildProcess, fork } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type KindCount, Tally } from "./differences.ts";
import type { Job } from "./job.ts";
import { type Growth, type JobResult, jobsOf } from "./jobs.ts";

/** Options of {@link compareModules}. */
export interface CompareOptions {
  /** Paths of the modules. */
  readonly old: string;
  readonly new: string;
  /** Number of generated inputs, in addition to all captures. */
  readonly inputs: number;
  /** Determines all generated inputs. */
  readonly seed: number;
  /** Compares only what can be observed from outside the filter. */
  readonly observable?: boolean;
  /** Number of concurrent processes. */
  readonly processes: number;
}

export interface Comparison {
  /** The kinds of host calls that differ; empty if the modules behave the same. */
  readonly kinds: readonly KindCount[];
  /** Number of generated inputs that were processed. */
  readonly inputs: number;
  readonly growth: Growth;
}

const ENTRY = fileURLToPath(new URL("worker.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The timeout of a job in milliseconds. A job takes seconds; after this time the module is considered to hang. */
const JOB_MS = 600_000;

/** Records all host calls of two modules that process the same traffic, and compares them input by input. */
export async function compareModules(
  { processes, inputs, seed, observable, ...modules }: CompareOptions,
  onProgress: (inputs: number) => void = () => {},
): Promise<Comparison> {
  const jobs = jobsOf(resolve(modules.old), resolve(modules.new), inputs, seed, observable);
  const tally = new Tally();
  const growth: Growth = {};
  let passed = 0;
  const children: ChildProcess[] = [];
  const stop = () => children.forEach((child) => child.kill("SIGKILL"));
  process.once("exit", stop);

  async function work(): Promise<void> {
    // The worker finds the modules of the generator only in the repository's root.
    const child = fork(ENTRY, { cwd: ROOT, execArgv: ["--import", "tsx"] });
    children.push(child);
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const result = await run(child, job);
      tally.add(result.kinds);
      addGrowth(growth, result.growth);
      passed += result.inputs;
      onProgress(passed);
    }
  }

  try {
    await Promise.all(Array.from({ length: Math.min(processes, jobs.length) }, work));
  } finally {
    stop();
    process.removeListener("exit", stop);
  }
  return { kinds: tally.kinds, inputs: passed, growth };
}

/** Runs a job in a worker process. Rejects if the process ends or hangs. */
async function run(child: ChildProcess, job: Job): Promise<JobResult> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<JobResult>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${JSON.stringify(job.traffic)}: ${why}`));
      timer = setTimeout(fail, JOB_MS, `no result within ${JOB_MS / 1000} s`);
      child.once("message", resolve);
      child.once("exit", (code, signal) => fail(`the process ended (${signal ?? code})`));
      child.once("error", reject);
      child.send(job);
    });
  } finally {
    clearTimeout(timer);
    child.removeAllListeners();
  }
}

/** Keeps the larger growth, because it determines a worker's memory. */
function addGrowth(growth: Growth, added: Growth): void {
  for (const [name, { old, new: now }] of Object.entries(added)) {
    const before = growth[name] ?? { old: 0, new: 0 };
    growth[name] = { old: Math.max(before.old, old), new: Math.max(before.new, now) };
  }
}
