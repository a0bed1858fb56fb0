import { elapsed, hasCome } from "../memory/elapsed";

/**
 * A hold that workers have on something: the time until which it lasts unless renewed, in milliseconds, and in the lowest
 * eight bits the number of workers. When the last worker releases it, it ends at once; the hold of a worker that trapped
 * expires. 0: no worker holds it.
 */
export type Hold = u64;

/** How long a hold lasts without renewal. */
const HOLD_MS: u64 = 10_000;
const WORKER_BITS: u64 = 8;
const WORKERS: u64 = (1 << WORKER_BITS) - 1;

/** Whether the hold is still valid. An end further away than any worker sets it was written before the clock was set back,
 *  or is corrupt. */
export function isHeld(hold: Hold, nowMs: u64): bool {
  const untilMs = hold >> WORKER_BITS;
  return !hasCome(untilMs, nowMs) && elapsed(nowMs, untilMs) <= 2 * HOLD_MS;
}

/** The hold after a worker has acquired, renewed or released it. `has`: the worker holds it from now on. `had`: the worker
 *  held it according to its previous update. */
export function changedHold(hold: Hold, had: bool, has: bool, nowMs: u64): Hold {
  const others = isHeld(hold, nowMs) ? hold & WORKERS : 0;
  if (has) {
    const workers = had ? max<u64>(others, 1) : min(others + 1, WORKERS);
    return ((nowMs + HOLD_MS) << WORKER_BITS) | workers;
  }
  if (!had) return hold;
  return others > 1 ? hold - 1 : 0;
}
