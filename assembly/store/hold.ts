import { elapsed, hasCome } from "../memory/elapsed";

/**
 * Says that workers hold something: until when, in milliseconds, unless one of them renews it, and in the lowest eight bits how
 * many they are. So the last one ends it at once, and those that trapped hold it for a while only. 0: nobody does.
 */
export type Hold = u64;

/** How long it lasts without being renewed. */
const HOLD_MS: u64 = 10_000;
const WORKER_BITS: u64 = 8;
const WORKERS: u64 = (1 << WORKER_BITS) - 1;

/** Whether it lasts. A time that no worker sets is of before the clock was set back, or damaged. */
export function isHeld(hold: Hold, nowMs: u64): bool {
  const untilMs = hold >> WORKER_BITS;
  return !hasCome(untilMs, nowMs) && elapsed(nowMs, untilMs) <= 2 * HOLD_MS;
}

/** What becomes of it by a worker that holds it from now on or no longer. `had`: the worker held it when it last said so. */
export function changedHold(hold: Hold, had: bool, has: bool, nowMs: u64): Hold {
  const others = isHeld(hold, nowMs) ? hold & WORKERS : 0;
  if (has) {
    const workers = had ? max<u64>(others, 1) : min(others + 1, WORKERS);
    return ((nowMs + HOLD_MS) << WORKER_BITS) | workers;
  }
  if (!had) return hold;
  return others > 1 ? hold - 1 : 0;
}
