import { type ChildProcess, fork } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BatchJob } from "./batch.ts";
import { type Finding, findingPath, fromText } from "./finding.ts";
import type { WorkerAnswer, WorkerJob } from "./worker.ts";

const ENTRY = fileURLToPath(new URL("worker.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The end of a worker that did not answer. */
class WorkerEnded extends Error {}

/** Tries batches in another process, which it starts anew where that hangs or crashes. */
export class WorkerProcess {
  readonly #limit: number;
  #child: ChildProcess | undefined;

  /** @param limit seconds that a batch may take; beyond it hangs */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Tries a batch. A hang or crash is a finding, too: the batch is then tried once more to learn by which input. */
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
    // The host's modules are found from the repository's root.
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
