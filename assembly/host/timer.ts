/** Work that a {@link Timer} runs. A task belongs to one timer. */
export abstract class TimerTask {
  /** Milliseconds from when it was scheduled until it runs; 0 while it is not scheduled. Kept by the timer. */
  delayMs: u32 = 0;
  /** When it runs, in milliseconds since the epoch. Kept by the timer. */
  dueMs: u64 = 0;
  /** Whether it is scheduled again each time it runs. Kept by the timer. */
  isPeriodic: bool = false;

  /** The delay or the period is over. The plugin instance is current, and must be current again at the return. */
  abstract run(): void;
}

/**
 * Runs tasks of one plugin instance later. Must be called with the instance, or one of its streams, current. Delays are
 * minimum times: a proxy's timers come late, by up to 8 ms where its kernel's clock has steps of 4 ms, so a task must not
 * count its runs as time. A delay of 0 counts as 1. Scheduling allocates nothing once as many tasks were scheduled before.
 */
export abstract class Timer {
  /** Runs the task once, `delayMs` milliseconds from now. A task that is due earlier already keeps its time. */
  abstract after(task: TimerTask, delayMs: u32): void;

  /** Runs the task every `periodMs` milliseconds, for the first time one period from now, whenever it was due before. */
  abstract every(task: TimerTask, periodMs: u32): void;

  /** Does not run the task any more, if it is scheduled. */
  abstract cancel(task: TimerTask): void;
}
