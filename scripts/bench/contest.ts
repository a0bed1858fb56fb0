import { Bench } from "tinybench";

/** How a contest is measured. */
export interface ContestOptions {
  /** How often each contestant is measured. */
  readonly rounds: number;
  /** How long in milliseconds each time. */
  readonly milliseconds: number;
  /** The clock, in milliseconds; real time by default. */
  readonly now?: () => number;
}

/** CPU time of this process in milliseconds: a clock that other processes do not affect. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * Measures functions in rounds, each with all of them in turn, so that a temporary slowdown of the machine affects all alike.
 * The first round is only a warm-up.
 * @returns for each function, its calls per millisecond in each round
 * @throws what a function throws
 */
export function contest<Name extends string>(
  contestants: Readonly<Record<Name, () => unknown>>,
  { rounds, milliseconds, now }: ContestOptions,
): Record<Name, number[]> {
  const names = Object.keys(contestants) as Name[];
  const rates = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round++) {
    const bench = new Bench({ time: milliseconds, iterations: 1, warmup: false, throws: true, now });
    for (const name of names) bench.add(name, contestants[name], { async: false });
    for (const { name, result } of bench.runSync()) {
      if (result.state !== "completed") throw new Error(`${name} was not measured.`);
      if (round > 0) rates[name as Name].push(1 / result.latency.mean);
    }
  }
  return rates;
}
