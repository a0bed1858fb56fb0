/** The history that the page's charts show: what happened in each step of some seconds, from successive readings of counters. */
import { nameOf } from "../statistics/names.ts";
import { type Buckets, histogramQuantile } from "../statistics/quantile.ts";
import type { Row } from "../statistics/rows.ts";
import type { Statistics } from "../statistics/statistics.ts";
import type { Point, RowPoint, ServerPoint } from "./data.ts";
import { rowKey, stateCounts } from "./names.ts";

export const STEP_MS = 5_000;
export const HISTORY_MS = 3_600_000;
/** The points that are kept. */
const MAX_POINTS = HISTORY_MS / STEP_MS;
/** The rows of a point: the most called ones. The servers' totals include all rows. */
const MAX_ROWS = 100;
/** A step may end this much early, because a timer's readings are not exactly a step apart. */
const TOLERANCE_MS = STEP_MS / 10;

/** The counters of a server. */
interface Totals {
  calls: number;
  errors: number;
  denied: number;
  limited: number;
  tokensIn: number;
  tokensOut: number;
}

/** The counters as of one point. */
interface Counters {
  time: number;
  rows: Map<string, Row>;
  servers: Map<string, Totals>;
}

/** The points of the last hour. */
export class History {
  readonly #points: Point[] = [];
  #before: Counters | undefined;

  get points(): readonly Point[] {
    return this.#points;
  }

  /** Adds what was read at `time` (milliseconds since 1970). Returns the new point; undefined if the step has not ended. */
  add(statistics: Statistics, time: number): Point | undefined {
    const before = this.#before;
    if (before !== undefined && time - before.time < STEP_MS - TOLERANCE_MS) return undefined;
    const after = countersOf(statistics, time);
    // What is missing, because an Envoy did not answer, is as it was.
    this.#before = {
      time,
      rows: new Map([...(before?.rows ?? []), ...after.rows]),
      servers: new Map([...(before?.servers ?? []), ...after.servers]),
    };
    // The first reading counts what happened before it, nobody knows when.
    if (before === undefined) return undefined;
    const point = pointOf(before, after, statistics);
    this.#points.push(point);
    if (this.#points.length > MAX_POINTS) this.#points.shift();
    return point;
  }
}

function countersOf({ rows, denials, servers }: Statistics, time: number): Counters {
  const totals = new Map<string, Totals>();
  const totalsOf = (server: string) => {
    const found = totals.get(server) ?? { calls: 0, errors: 0, denied: 0, limited: 0, tokensIn: 0, tokensOut: 0 };
    totals.set(server, found);
    return found;
  };
  for (const server of servers.keys()) if (server !== "") totalsOf(server);
  for (const row of rows) {
    const sum = totalsOf(row.server);
    for (const name of ["calls", "errors", "limited", "tokensIn", "tokensOut"] as const) sum[name] += row[name];
  }
  for (const { server, count, isShadow } of denials) if (!isShadow) totalsOf(server).denied += count;
  return { time, rows: new Map(rows.map((row) => [rowKey(row), row])), servers: totals };
}

function pointOf(before: Counters, after: Counters, statistics: Statistics): Point {
  const seconds = (after.time - before.time) / 1000;
  const rows = [...after.rows].map(([key, row]) => rowPoint(key, row, before.rows.get(key), seconds));
  const called = rows.filter(({ calls }) => calls > 0).sort((a, b) => b.calls - a.calls);
  const servers = [...after.servers].map(([name, totals]) => {
    const { sessionsByState = {} } = statistics.servers.get(name) ?? {};
    const queues = statistics.queues.filter(({ server }) => server === name);
    return {
      name: nameOf(name),
      ...rates(totals, before.servers.get(name), seconds),
      waiting: queues.reduce((sum, { waiting }) => sum + waiting, 0),
      states: stateCounts(sessionsByState),
    };
  });
  return { time: after.time, rows: called.slice(0, MAX_ROWS), servers };
}

function rates(
  after: Totals,
  before: Totals | undefined,
  seconds: number,
): Omit<ServerPoint, "name" | "waiting" | "states"> {
  const rate = (name: keyof Totals) => perSecond(after[name], before?.[name], seconds);
  return {
    calls: rate("calls"),
    errors: rate("errors"),
    denied: rate("denied"),
    limited: rate("limited"),
    tokensIn: rate("tokensIn"),
    tokensOut: rate("tokensOut"),
  };
}

function rowPoint(key: string, after: Row, before: Row | undefined, seconds: number): RowPoint {
  const durations: Buckets = new Map(
    [...after.durations].map(([bound, count]) => [bound, count - (before?.durations.get(bound) ?? 0)]),
  );
  return {
    key,
    calls: perSecond(after.calls, before?.calls, seconds),
    errors: perSecond(after.errors, before?.errors, seconds),
    p50: quantile(0.5, durations),
    p95: quantile(0.95, durations),
  };
}

/** A quantile in milliseconds: the lower bound for values beyond all buckets, null without values. */
function quantile(q: number, durations: Buckets): number | null {
  const found = histogramQuantile(q, durations);
  if (found === undefined) return null;
  return rounded(found.upper === Infinity ? found.lower : found.value);
}

/** The growth of a counter per second; never negative. */
function perSecond(after: number, before: number | undefined, seconds: number): number {
  return rounded(Math.max(0, after - (before ?? 0)) / seconds);
}

/** Three decimals are more than a chart can show. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
