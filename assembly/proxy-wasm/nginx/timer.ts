import { Clock } from "../../host/clock";
import { Timer, TimerTask } from "../../host/timer";
import { proxy_set_tick_period_milliseconds } from "../module/abi";

/**
 * Runs housekeeping and the timer tasks of a plugin instance at ticks with a fixed period. NGINX accepts one period in the life
 * of an instance, so that a task runs up to one period late.
 */
export class NginxTimer extends Timer {
  private tasks: TimerTask[] = [];
  private hasStarted: bool = false;

  constructor(private clock: Clock) {
    super();
  }

  start(housekeepingMs: u32): void {
    if (this.hasStarted) return;
    this.hasStarted = true;
    proxy_set_tick_period_milliseconds(housekeepingMs);
  }

  tick(): bool {
    const now = this.clock.milliseconds;
    // Backwards, since a task may remove itself and others.
    for (let i = this.tasks.length - 1; i >= 0; i--) {
      if (i < this.tasks.length) this.runIfDue(this.tasks[i], now);
    }
    return true;
  }

  after(task: TimerTask, delayMs: u32): void {
    const dueMs = this.clock.milliseconds + max(1, delayMs);
    if (task.delayMs && task.dueMs <= dueMs) return;
    this.schedule(task, max(1, delayMs), dueMs, false);
  }

  every(task: TimerTask, periodMs: u32): void {
    const period = max(1, periodMs);
    this.schedule(task, period, this.clock.milliseconds + period, true);
  }

  cancel(task: TimerTask): void {
    if (!task.delayMs) return;
    task.delayMs = 0;
    const last = this.tasks.pop();
    if (last != task) this.tasks[this.tasks.indexOf(task)] = last;
  }

  private schedule(task: TimerTask, delayMs: u32, dueMs: u64, isPeriodic: bool): void {
    if (!task.delayMs) this.tasks.push(task);
    task.delayMs = delayMs;
    task.dueMs = dueMs;
    task.isPeriodic = isPeriodic;
  }

  private runIfDue(task: TimerTask, now: u64): void {
    if (task.dueMs > now) return;
    if (task.isPeriodic) task.dueMs = now + task.delayMs;
    else this.cancel(task);
    task.run();
  }
}
