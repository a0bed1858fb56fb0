import { afterAll } from "vitest";

type Ending = { stop(): Promise<void> } | { close(): Promise<void> };

/**
 * For a file or a `describe`: gives a function that keeps what is started, and ends it all after the last test, the
 * newest first, also where a test or a hook failed.
 */
export function endsAfterAll(): <T extends Ending>(started: T) => T {
  const kept: Ending[] = [];
  afterAll(async () => {
    const failures: unknown[] = [];
    for (const started of kept.reverse()) {
      await ("stop" in started ? started.stop() : started.close()).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, "not all that was started has ended well");
  });
  return (started) => {
    kept.push(started);
    return started;
  };
}
