/** Runs a benchmark as a command: it ends at a signal, and whatever it started ends with it. */
import { setMaxListeners } from "node:events";
import { Cleanup } from "../start/cleanup.ts";

/** What has not ended by then is killed as this process exits. */
const STOP_MS = 10_000;

/** Does the work, then what is registered for cleaning up, and exits. An error is one sentence and exit code 1. */
export async function runCommand(work: (cleanup: Cleanup, signal: AbortSignal) => Promise<void>): Promise<never> {
  const cleanup = new Cleanup();
  const stop = new AbortController();
  // Each Envoy that is started listens, one after the other.
  setMaxListeners(0, stop.signal);
  stop.signal.addEventListener("abort", () => setTimeout(() => process.exit(1), STOP_MS).unref());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // At a Ctrl-C this comes twice, from the terminal and from npm: repeats must not cut the cleaning up short.
    process.on(signal, () => {
      process.exitCode = 1;
      stop.abort();
    });
  }
  try {
    await work(cleanup, stop.signal);
  } catch (error) {
    // Whatever a stop interrupts fails; that is no error.
    if (!stop.signal.aborted) {
      console.error((error as Error).message);
      process.exitCode = 1;
    }
  } finally {
    await cleanup.run();
    process.exit();
  }
}
