/**
 * A separate process that tests batches for {@link fuzz} one after another, so that hangs and crashes harm nothing
 * else.
 */
import { writeFileSync } from "node:fs";
import { type BatchJob, runBatch } from "./batch.ts";
import { toText } from "./finding.ts";
import { targetNamed } from "./targets.ts";

/** The message to a worker. */
export interface WorkerJob extends BatchJob {
  /** The file to which each input is written before it is tested, to identify an input that ends or stops the
   *  process. */
  readonly record?: string;
}

/** The answer to each job. */
export interface WorkerAnswer {
  /** The finding as text; null for none. */
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
