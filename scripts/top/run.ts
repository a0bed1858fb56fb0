/** Shows what servers, tools or callers do: in place on a terminal, otherwise as one table or one line of JSON after another. */
import { setTimeout as sleep } from "node:timers/promises";
import { createLogUpdate } from "log-update";
import { colors } from "../cli/colors.ts";
import { printableJson } from "../cli/terminal.ts";
import { activitiesOf, type Activity } from "./activity.ts";
import { adminSource } from "./admin.ts";
import type { Dimension, SortKey, TopOptions } from "./command.ts";
import { KEYS_TEXT, watchKeys } from "./keys.ts";
import { prometheusSource } from "./prometheus.ts";
import type { Reading, Source } from "./reading.ts";
import { percentile, renderTop, sorted } from "./table.ts";

const DEFAULT_ADMIN = new URL("http://127.0.0.1:9901");
/** Seconds between two readings. Once, it is more than the 5 s after which Envoy publishes durations. */
const INTERVAL_S = { live: 2, once: 6 };
const PRINTED_COLUMNS = 120;

/** Runs the command until q or Ctrl-C, or once. Rejects with one sentence if no source has statistics at first. */
export async function top(options: TopOptions): Promise<void> {
  const sources = options.prometheus
    ? [prometheusSource(options.prometheus)]
    : (options.admin ?? [DEFAULT_ADMIN]).map(adminSource);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());

  const intervalMs = 1000 * (options.interval ?? (options.once ? INTERVAL_S.once : INTERVAL_S.live));
  const first = await readAll(sources);
  if (first.readings.length === 0) throw new Error(first.problems.join(" "));
  // Envoy has totals only: what happened since shows with the second reading.
  if (options.prometheus === undefined) await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => {});
  if (options.once) {
    if (!stop.signal.aborted) print(options, await readAll(sources));
  } else if (process.stdout.isTTY && options.output === "text") {
    await showLive(options, sources, intervalMs, stop);
  } else {
    while (!stop.signal.aborted) {
      print(options, await readAll(sources));
      if (options.output === "text") console.log();
      await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  }
}

interface State {
  readings: Reading[];
  /** One sentence for each source that could not be read. */
  problems: string[];
}

async function readAll(sources: readonly Source[]): Promise<State> {
  const results = await Promise.allSettled(sources.map((source) => source.read()));
  return {
    readings: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    problems: results.flatMap((result) => (result.status === "rejected" ? [(result.reason as Error).message] : [])),
  };
}

/** Prints one table or one object, with problems on standard error. */
function print({ by, sort, output }: TopOptions, { readings, problems }: State): void {
  for (const problem of problems) console.error(problem);
  const rows = sorted(activitiesOf(readings, by), sort);
  const seconds = Math.max(0, ...readings.map((reading) => reading.seconds));
  if (output === "json") console.log(printableJson({ by, seconds, rows: rows.map(jsonOf) }));
  else console.log(renderTop(rows, by, sort, { columns: PRINTED_COLUMNS, lines: Infinity }));
}

/** A row as JSON: names decoded, rates per second, and null for what no metric tells. */
function jsonOf({ server, name, calls, errors, limited, tokens, inFlight, durations }: Activity): object {
  return {
    server: decoded(server),
    name: decoded(name),
    calls_per_second: calls,
    errors_per_second: errors,
    limited_per_second: limited,
    tokens_per_second: tokens ?? null,
    in_flight: inFlight ?? null,
    p50_ms: percentile(durations, "p50") ?? null,
    p95_ms: percentile(durations, "p95") ?? null,
  };
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

async function showLive(
  options: TopOptions,
  sources: readonly Source[],
  intervalMs: number,
  stop: AbortController,
): Promise<void> {
  const terminal = createLogUpdate(process.stdout);
  let { by, sort }: { by: Dimension; sort: SortKey } = options;
  let state: State = { readings: [], problems: [] };
  const draw = () => {
    const { columns, rows: height } = process.stdout;
    const above = [colors.dim(KEYS_TEXT.slice(0, columns - 1)), ...state.problems.map((text) => colors.red(text))];
    const lines = height - 1 - above.reduce((sum, text) => sum + Math.ceil(text.length / columns), 0);
    const rows = sorted(activitiesOf(state.readings, by), sort);
    terminal([...above, renderTop(rows, by, sort, { columns, lines: Math.max(3, lines) })].join("\n"));
  };
  const unwatch = watchKeys({
    sort: (key) => ((sort = key), draw()),
    by: (dimension) => ((by = dimension), draw()),
    quit: () => stop.abort(),
  });
  process.stdout.on("resize", draw);
  try {
    while (!stop.signal.aborted) {
      state = await readAll(sources);
      draw();
      await sleep(intervalMs, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    process.stdout.off("resize", draw);
    unwatch();
    terminal.done();
  }
}
