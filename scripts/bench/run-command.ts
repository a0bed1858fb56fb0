/** Runs a benchmark as a command: it ends at a signal, together with everything that it started. */
import { setMaxListeners } from "node:events";
import { Cleanup } from "../start/cleanup.ts";

/** Milliseconds after which this process exits, and whatever has not ended is killed. */
const STOP_MS = 10_000;

/** Does the work, then the registered cleanup, and exits. An error prints one sentence and exits with code 1. */
export async function runCommand(work: (cleanup: Cleanup, signal: AbortSignal) => Promise<void>): Promise<never> {
  const cleanup = new Cleanup();
  const stop = new AbortController();
  // Each started Envoy adds a listener.
  setMaxListeners(0, stop.signal);
  stop.signal.addEventListener("abort", () => setTimeout(() => process.exit(1), STOP_MS).unref());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // A Ctrl-C sends the signal twice, from the terminal and from npm. Repeats must not interrupt the cleanup.
    process.on(signal, () => {
      process.exitCode = 1;
      stop.abort();
    });
  }
  try {
    await work(cleanup, stop.signal);
  } catch (error) {
    // Everything that a stop interrupts fails, which is not an error.
    if (!stop.signal.aborted) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  } finally {
    await cleanup.run();
    process.exit();
  }
}
