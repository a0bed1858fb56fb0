/** Ends, in reverse order, all that was started: the one place that must not forget anything. */
export class Cleanup {
  private readonly tasks: (() => Promise<void>)[] = [];

  /** Registers how to end something, and returns that thing. */
  add<T>(started: T, end: () => Promise<void>): T {
    this.tasks.push(end);
    return started;
  }

  /** Runs every task, the latest first; one that fails does not keep the others from running. */
  async run(): Promise<void> {
    for (let task = this.tasks.pop(); task !== undefined; task = this.tasks.pop()) {
      await task().catch((error: unknown) => console.error(error));
    }
  }
}
