/** Counts a module's host calls, so that tests can state the cost of a stream. */
export class HostCalls {
  readonly #counts = new Map<string, number>();
  /** The number of body bytes copied into the module's memory. Shows whether any byte was read twice. */
  bodyBytes = 0;

  /** Called by the host for each import that the module calls. */
  add(name: string): void {
    this.#counts.set(name, this.count(name) + 1);
  }

  /** How often the import was called since the last {@link reset}. */
  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All counts that are not zero, by the import's name. */
  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Resets all counts. */
  reset(): void {
    this.#counts.clear();
    this.bodyBytes = 0;
  }
}
