/** Ends everything that was started, in reverse order. */
export class Cleanup {
  private readonly tasks: (() => Promise<void>)[] = [];

  /** Registers the function that ends `started`. Returns `started`. */
  add<T>(started: T, end: () => Promise<void>): T {
    this.tasks.push(end);
    return started;
  }

  /** Runs every registered function, the latest first. If one fails, the others still run. */
  async run(): Promise<void> {
    for (let task = this.tasks.pop(); task !== undefined; task = this.tasks.pop()) {
      await task().catch((error: unknown) => console.error(error));
    }
  }
}
