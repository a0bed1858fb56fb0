import { type Entry, kindOf } from "./recorder.ts";

const INTERNAL = /^proxy_(get|set)_shared_data |^proxy_get_current_time_nanoseconds$/;
const SESSION = /(?<=^proxy_set_property mcp\.session\t|"session":")[0-9a-f]{16}/g;

/**
 * Reduces recordings to what can be observed from outside the filter: without shared data and the clock, and with
 * sessions numbered in their order of appearance. Modules with different keys and layouts can then be compared.
 */
export class ObservableView {
  readonly #sessions = new Map<string, string>();

  of(entries: readonly Entry[]): Entry[] {
    return entries
      .filter((entry) => !INTERNAL.test(kindOf(entry)))
      .map((entry) => entry.replace(SESSION, (hash) => this.#numberOf(hash)));
  }

  #numberOf(hash: string): string {
    const number = this.#sessions.get(hash) ?? `session-${this.#sessions.size + 1}`;
    this.#sessions.set(hash, number);
    return number;
  }
}
