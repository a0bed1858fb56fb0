/** A process of its own that tries batches for {@link fuzz}, one after another: what hangs or crashes here hurts nobody. */
import { writeFileSync } from "node:fs";
import { type BatchJob, runBatch } from "./batch.ts";
import { toText } from "./finding.ts";
import { targetNamed } from "./targets.ts";

/** What a worker is asked to do. */
export interface WorkerJob extends BatchJob {
  /** The file that each input is written to before it is tried, for an input that ends or stops the process. */
  readonly record?: string;
}

/** What it answers to each job. */
export interface WorkerAnswer {
  /** The finding as text; null: nothing is wrong. */
  readonly finding: string | null;
}

process.on("disconnect", () => process.exit());
process.on("message", async (job: WorkerJob) => {
  const { record } = job;
  const before = record === undefined ? undefined : (input: unknown) => writeFileSync(record, toText(input));
  const finding = runBatch(await targetNamed(job.target).load(), job, before);
  const answer: WorkerAnswer = { finding: finding === undefined ? null : toText(finding) };
  process.send!(answer);
});
