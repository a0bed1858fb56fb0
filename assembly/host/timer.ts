/** A task that a {@link Timer} runs. It belongs to one timer. */
export abstract class TimerTask {
  /** The delay or period in milliseconds; 0 while the task is not scheduled. Maintained by the timer. */
  delayMs: u32 = 0;
  /** The time when the task is due, in milliseconds since the epoch. Maintained by the timer. */
  dueMs: u64 = 0;
  /** Whether the task repeats. Maintained by the timer. */
  isPeriodic: bool = false;

  /** Called when the delay or period has elapsed. The plugin instance is current, and must be current again on return. */
  abstract run(): void;
}

/**
 * Runs tasks of one plugin instance after a delay. Must be called while the instance, or one of its streams, is current.
 * Delays are minimum times: a proxy's timer may fire up to 8 ms late if its kernel's clock has steps of 4 ms, so a task must
 * not measure time by counting its runs. A delay of 0 counts as 1. Scheduling allocates only when the number of scheduled
 * tasks exceeds its maximum so far.
 */
export abstract class Timer {
  /** Starts ticks, with housekeeping every `housekeepingMs` milliseconds. No task runs before the first tick. */
  abstract start(housekeepingMs: u32): void;

  /** Handles a tick: runs the tasks that are due. Returns whether housekeeping is due. */
  abstract tick(): bool;

  /** Runs the task once, `delayMs` milliseconds from now. If the task is already due earlier, that time stays. */
  abstract after(task: TimerTask, delayMs: u32): void;

  /** Runs the task every `periodMs` milliseconds, first one period from now. This replaces an earlier schedule. */
  abstract every(task: TimerTask, periodMs: u32): void;

  /** Cancels the task, if it is scheduled. */
  abstract cancel(task: TimerTask): void;
}

/** Runs nothing. For a host without ticks. */
export class NoTimer extends Timer {
  start(_housekeepingMs: u32): void {}

  tick(): bool {
    return false;
  }

  after(_task: TimerTask, _delayMs: u32): void {}

  every(_task: TimerTask, _periodMs: u32): void {}

  cancel(_task: TimerTask): void {}
}
