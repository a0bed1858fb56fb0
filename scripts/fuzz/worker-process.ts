import { type ChildProcess, fork } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BatchJob } from "./batch.ts";
import { type Finding, findingPath, fromText } from "./finding.ts";
import type { WorkerAnswer, WorkerJob } from "./worker.ts";

const ENTRY = fileURLToPath(new URL("worker.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A worker process ended without an answer. */
class WorkerEnded extends Error {}

/** Tests batches in another process, which it restarts after a hang or crash. */
export class WorkerProcess {
  readonly #limit: number;
  #child: ChildProcess | undefined;

  /** @param limit seconds after which a batch counts as hanging */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Tests a batch. A hang or crash is a finding too: the batch is then tested again to find the input. */
  async run(job: BatchJob): Promise<Finding | undefined> {
    try {
      return await this.#ask(job);
    } catch (error) {
      if (!(error instanceof WorkerEnded)) throw error;
    }
    const record = findingPath(`${job.target}-${job.seed}-${job.batch}.running.json`);
    try {
      return await this.#ask({ ...job, record });
    } catch (error) {
      if (!(error instanceof WorkerEnded)) throw error;
      const { target, seed, batch } = job;
      return { target, error: error.message, seed, batch, inputs: [fromText(readFileSync(record, "utf8"))] };
    } finally {
      rmSync(record, { force: true });
    }
  }

  /** Ends the process. */
  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  async #ask(job: WorkerJob): Promise<Finding | undefined> {
    // Running in the repository's root lets the worker find the host's modules.
    this.#child ??= fork(ENTRY, { cwd: ROOT, execArgv: ["--import", "tsx"] });
    const child = this.#child;
    let timer: NodeJS.Timeout | undefined;
    try {
      const { finding } = await new Promise<WorkerAnswer>((resolve, reject) => {
        const end = (why: string) => reject(new WorkerEnded(why));
        timer = setTimeout(end, this.#limit * 1000, `a hang: no answer within ${this.#limit} s`);
        child.once("message", resolve);
        child.once("exit", (code, signal) => end(`the process ended (${signal ?? code})`));
        child.once("error", reject);
        child.send(job);
      });
      return finding === null ? undefined : (fromText(finding) as Finding);
    } catch (error) {
      this.stop();
      throw error;
    } finally {
      clearTimeout(timer);
      child.removeAllListeners();
    }
  }
}
