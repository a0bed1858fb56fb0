/**
 * `npm run bench:events`: measures the delay that the filter adds to events of a stream, compared with the same Envoy
 * without it.
 */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { findEnvoy } from "../envoy/binary.ts";
import type { Cleanup } from "../start/cleanup.ts";
import { startBenchEnvoy } from "./bootstrap.ts";
import { EventStream, type StreamPlan } from "./events/stream.ts";
import { choice, number } from "./options.ts";
import { countOf, settled } from "./proof.ts";
import { micros, ratio, withSpread } from "./report/figures.ts";
import { renderTerminal } from "./report/terminal.ts";
import { runCommand } from "./run-command.ts";
import { quantile, type Spread, spread } from "./summary.ts";
import { type Variant, VARIANTS } from "./variants.ts";

interface Options extends StreamPlan {
  variants: readonly Variant[];
  rounds: number;
  json?: string;
}

/**
 * The delays of a variant in microseconds, over all rounds, and the difference and ratio to the variant `none` in the
 * same round.
 */
interface Delays {
  variant: string;
  p50: Spread;
  p99: Spread;
  addedP50?: Spread;
  addedP99?: Spread;
  ratioP50?: Spread;
  ratioP99?: Spread;
  /** Number of events in all rounds, and number of those that arrived only after the next one had been sent. */
  events: number;
  late: number;
  /** Number of events that our filter counted; undefined for other variants. */
  counted?: number;
}

/** One round of a variant. */
interface Round {
  p50: number;
  p99: number;
  late: number;
}

const COMPARED = VARIANTS.filter(({ id }) => ["none", "floor", "tokens"].includes(id));

const options = new Command("npm run bench:events --")
  .description("Measures how long events of a stream take from server to client, with the filter and without it.")
  .addOption(choice("--variants <ids>", "variants of npm run bench, by id", VARIANTS, COMPARED))
  .option("--rounds <number>", "how often each variant is measured", number(1000, true), 10)
  .option("--events <number>", "events of a stream", number(1_000_000, true), 400)
  .option("--interval <number>", "milliseconds from one event to the next", number(60_000), 5)
  .option("--json <file>", "writes all figures")
  .parse()
  .opts<Options>();

await runCommand(async (cleanup, signal) => {
  const results = await run(options, cleanup, signal);
  console.log(renderTerminal(tableOf(results)));
  if (options.json === undefined) return;
  await writeFile(resolve(process.env.INIT_CWD ?? ".", options.json), `${JSON.stringify(results, null, 2)}\n`);
});

async function run(options: Options, cleanup: Cleanup, signal: AbortSignal): Promise<Delays[]> {
  const { variants, rounds, events, interval } = options;
  const progress = (line: string) => console.error(line);
  const envoyPath = await findEnvoy({ progress, signal });
  const stream = await EventStream.start({ events, interval });
  cleanup.add(stream, stream.close);
  const envoy = await startBenchEnvoy({ variants, upstream: stream, envoyPath, signal });
  cleanup.add(envoy, envoy.stop);

  const measure = async (variant: Variant): Promise<Round> => {
    const { delays, late } = await stream.read(envoy.urlOf(variant), signal);
    return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), late };
  };
  progress("Warming up");
  for (const variant of variants) await measure(variant);
  const measured = new Map(variants.map((variant) => [variant, [] as Round[]]));
  for (let round = 0; round < rounds; round++) {
    progress(`Round ${round + 1} of ${rounds}`);
    // Each variant comes first in turn, so that other load on the machine affects all alike.
    const order = [...variants.slice(round % variants.length), ...variants.slice(0, round % variants.length)];
    for (const variant of order) measured.get(variant)!.push(await measure(variant));
  }
  const none = [...measured].find(([{ id }]) => id === "none")?.[1];
  const results = [...measured].map(([{ id }, of]) => summarize(id, of, none, events));
  for (const variant of variants.filter(({ proof }) => proof === "operations")) {
    const sent = events * (1 + rounds);
    const count = () => countOf(envoy, "mcp_notifications_total", { mcp_server: variant.id });
    const counted = await settled(count, sent);
    if (counted !== sent) throw new Error(`The variant ${variant.id} was sent ${sent} events and counted ${counted}.`);
    results.find((result) => result.variant === variant.id)!.counted = counted;
  }
  return results;
}

function summarize(
  variant: string,
  rounds: readonly Round[],
  none: readonly Round[] | undefined,
  events: number,
): Delays {
  const of = (figure: (round: Round, index: number) => number) => spread(rounds.map(figure));
  const compared = none !== undefined &&
    variant !== "none" && {
      addedP50: of(({ p50 }, round) => p50 - none[round].p50),
      addedP99: of(({ p99 }, round) => p99 - none[round].p99),
      ratioP50: of(({ p50 }, round) => p50 / none[round].p50),
      ratioP99: of(({ p99 }, round) => p99 / none[round].p99),
    };
  const late = rounds.reduce((sum, round) => sum + round.late, 0);
  return {
    variant,
    p50: of(({ p50 }) => p50),
    p99: of(({ p99 }) => p99),
    ...compared,
    events: events * rounds.length,
    late,
  };
}

function tableOf(results: readonly Delays[]): Parameters<typeof renderTerminal>[0] {
  const figure = (value: Spread | undefined) => (value === undefined ? "–" : withSpread(value, micros));
  const head = ["variant", "p50 µs", "added", "ratio", "p99 µs", "added", "ratio", "events", "late"];
  const rows = results.map(({ variant, p50, p99, addedP50, addedP99, ratioP50, ratioP99, events, late }) => [
    variant,
    figure(p50),
    figure(addedP50),
    ratio(ratioP50),
    figure(p99),
    figure(addedP99),
    ratio(ratioP99),
    String(events),
    String(late),
  ]);
  return { head, textColumns: 1, rows };
}
