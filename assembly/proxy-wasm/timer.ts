import { Clock } from "../host/clock";
import { Timer, TimerTask } from "../host/timer";
import { proxy_set_tick_period_milliseconds } from "./module/abi";

/**
 * Runs a plugin instance's housekeeping and its timer tasks with the single tick period that the proxy has for the instance:
 * the time until the first of them is due. Without tasks, the period is that of housekeeping and is set once. Setting the
 * period restarts it. Between ticks it is therefore only shortened, for an earlier tick; otherwise frequent changes would
 * postpone ticks forever.
 */
export class HostTimer extends Timer {
  /** All scheduled tasks. */
  private tasks: TimerTask[] = [];
  private housekeepingMs: u32 = 0;
  /** When housekeeping is due, in milliseconds since the epoch; 0 until the first tick. */
  private housekeepingDueMs: u64 = 0;
  /** The current tick period in milliseconds; 0 before {@link start}. */
  private periodMs: u32 = 0;
  /** When the next tick is expected, in milliseconds since the epoch; 0 until the first tick. */
  private tickDueMs: u64 = 0;
  /** The time at the last reading of the clock, in milliseconds since the epoch. */
  private latestMs: u64 = 0;

  constructor(private clock: Clock) {
    super();
  }

  start(housekeepingMs: u32): void {
    this.housekeepingMs = housekeepingMs;
    if (this.periodMs && this.tasks.length) return;
    this.tickDueMs = 0;
    this.setPeriod(housekeepingMs);
  }

  tick(): bool {
    const now = this.now(this.tickDueMs);
    // With this period every tick is a housekeeping tick, whatever the clock shows.
    const isHousekeeping = this.periodMs == this.housekeepingMs || left(this.housekeepingDueMs, now) == 0;
    if (isHousekeeping) this.housekeepingDueMs = now + this.housekeepingMs;
    // Backwards, since a task may remove itself and others. Tasks that it adds run at a later tick.
    for (let i = this.tasks.length - 1; i >= 0; i--) {
      if (i < this.tasks.length) this.runIfDue(this.tasks[i], now);
    }
    let period = left(this.housekeepingDueMs, now);
    for (let i = 0; i < this.tasks.length; i++) {
      period = min(period, left(this.tasks[i].dueMs, now));
    }
    period = max(1, period);
    this.tickDueMs = now + period;
    if (period != this.periodMs) this.setPeriod(period);
    return isHousekeeping;
  }

  after(task: TimerTask, delayMs: u32): void {
    const delay = max(1, delayMs);
    const now = this.now();
    if (task.delayMs && left(task.dueMs, now) <= delay) return;
    this.schedule(task, delay, now, false);
  }

  every(task: TimerTask, periodMs: u32): void {
    this.schedule(task, max(1, periodMs), this.now(), true);
  }

  cancel(task: TimerTask): void {
    if (!task.delayMs) return;
    task.delayMs = 0;
    const last = this.tasks.pop();
    if (last != task) this.tasks[this.tasks.indexOf(task)] = last;
  }

  private schedule(task: TimerTask, delayMs: u32, now: u64, isPeriodic: bool): void {
    if (!task.delayMs) this.tasks.push(task);
    task.delayMs = delayMs;
    task.dueMs = now + delayMs;
    task.isPeriodic = isPeriodic;
    if (!this.periodMs) return;
    if (!this.tickDueMs) {
      // The time when ticks started is unknown, so expect the next one a whole period from now.
      this.housekeepingDueMs = now + this.housekeepingMs;
      this.tickDueMs = now + this.periodMs;
    }
    if (delayMs >= left(this.tickDueMs, now)) return;
    this.tickDueMs = now + delayMs;
    this.setPeriod(delayMs);
  }

  private runIfDue(task: TimerTask, now: u64): void {
    if (left(task.dueMs, now) > 0) return;
    if (task.isPeriodic) task.dueMs = now + task.delayMs;
    else this.cancel(task);
    task.run();
  }

  private setPeriod(milliseconds: u32): void {
    this.periodMs = milliseconds;
    proxy_set_tick_period_milliseconds(milliseconds);
  }

  /** The time in milliseconds since the epoch. Detects that the clock was set back: the time is normally at least
   *  `expectedMs`. */
  private now(expectedMs: u64 = 0): u64 {
    const now = this.clock.now() / 1_000_000;
    if (now < this.latestMs) this.setBack(max(this.latestMs, expectedMs) - now);
    this.latestMs = now;
    return now;
  }

  /** Moves all due times back by the amount that the clock was set back. */
  private setBack(milliseconds: u64): void {
    if (this.tickDueMs) this.tickDueMs -= milliseconds;
    this.housekeepingDueMs -= milliseconds;
    for (let i = 0; i < this.tasks.length; i++) this.tasks[i].dueMs -= milliseconds;
  }
}

/** Milliseconds from `now` until `dueMs`; 0 if that has passed. */
function left(dueMs: u64, now: u64): u32 {
  return dueMs > now ? <u32>(dueMs - now) : 0;
}
