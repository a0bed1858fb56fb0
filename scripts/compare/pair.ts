import { loadModule } from "../host/index.ts";
import type { Configuration } from "./configurations.ts";
import type { Tally } from "./differences.ts";
import type { Job } from "./job.ts";
import { ObservableView } from "./observable.ts";
import { Side } from "./side.ts";

/** Both modules under the same configuration. */
export class Pair {
  readonly configuration: Configuration;
  readonly #job: Job;
  readonly #tally: Tally;
  readonly #sides: readonly [old: Side, now: Side];
  readonly #views: readonly [old: ObservableView, now: ObservableView] | undefined;
  readonly #pages: readonly [old: number, now: number];
  #inputs = 0;

  constructor(job: Job, configuration: Configuration, tally: Tally) {
    this.#job = job;
    if (job.observable) this.#views = [new ObservableView(), new ObservableView()];
    this.configuration = configuration;
    this.#tally = tally;
    this.#sides = [
      new Side("old", loadModule(job.old), configuration),
      new Side("new", loadModule(job.new), configuration),
    ];
    this.#pages = [this.#sides[0].pages, this.#sides[1].pages];
    this.#compare(() => "the start of two workers");
  }

  /** Runs the action with both modules, and compares the recordings. Does nothing after a trap. */
  run(title: () => string, action: (side: Side) => void): void {
    if (this.#sides.some(({ failed }) => failed)) return;
    for (const side of this.#sides) side.run(() => action(side));
    this.#compare(title);
  }

  growth(): { old: number; new: number } {
    return { old: this.#sides[0].pages - this.#pages[0], new: this.#sides[1].pages - this.#pages[1] };
  }

  #compare(title: () => string): void {
    const [old, now] = this.#sides;
    const { name: configuration } = this.configuration;
    const input = this.#inputs++;
    const place = () => ({ job: this.#job.job, input, configuration, title: title() });
    const [oldEntries, nowEntries] = this.#sides.map(({ entries }, i) => this.#views?.[i].of(entries) ?? entries);
    this.#tally.compare(oldEntries, nowEntries, place);
    old.entries.length = now.entries.length = 0;
    // An exchange that only one module answers takes less time there. Both continue at the same time.
    old.clock.now = now.clock.now = old.clock.now > now.clock.now ? old.clock.now : now.clock.now;
  }
}
