/** A separate process that runs jobs of {@link compareModules} one after another. */
import type { Job } from "./job.ts";
import { runJob } from "./jobs.ts";

process.on("disconnect", () => process.exit());
process.on("message", (job: Job) => process.send!(runJob(job)));
