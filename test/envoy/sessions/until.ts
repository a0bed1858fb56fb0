import { setTimeout as sleep } from "node:timers/promises";

/** Waits for a condition; rejects where it does not come. For hooks, which may not poll by `expect`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, limit = 30_000): Promise<void> {
  const deadline = Date.now() + limit;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${limit} ms: ${what}`);
    await sleep(20);
  }
}
