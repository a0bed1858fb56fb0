/** Reads the queues of limits from /stats/prometheus, and renders them as lines below the table. */
import colors from "picocolors";
import { readSamples } from "../envoy/exposition.ts";
import { nameOf } from "./names.ts";
import type { Buckets } from "./quantile.ts";
import { formatQuantile } from "./table.ts";

/** The queue of one rule of `limits` for the requests to one server. */
export interface QueueTotals {
  server: string;
  rule: string;
  /** The number of requests that are waiting, as the filter last counted them. */
  waiting: number;
  /** The number of requests that have waited or are waiting. */
  queued: number;
  /** The waiting times in milliseconds. */
  waits: Buckets;
}

/** The queues that have been used, in all expositions, ordered by server and then by requests that waited, most first. */
export function readQueues(expositions: readonly string[]): QueueTotals[] {
  const queues = new Map<string, QueueTotals>();
  for (const { name, labels, value } of expositions.flatMap((text) => readSamples(text, "mcp_limit_"))) {
    const { mcp_server: server = "", mcp_limit_rule: rule = "" } = labels;
    const key = JSON.stringify([server, rule]);
    const queue = queues.get(key) ?? { server, rule, waiting: 0, queued: 0, waits: new Map() };
    queues.set(key, queue);
    if (name === "mcp_limit_queue_length") {
      queue.waiting += value;
    } else if (name === "mcp_limit_decisions_total" && labels.mcp_limit_decision === "queued") {
      queue.queued += value;
    } else if (name === "mcp_limit_wait_milliseconds_bucket") {
      const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
      queue.waits.set(bound, (queue.waits.get(bound) ?? 0) + value);
    }
  }
  return [...queues.values()]
    .filter(({ queued }) => queued > 0)
    .sort((a, b) => (a.server === b.server ? b.queued - a.queued : a.server < b.server ? -1 : 1));
}

/** Renders one line per queue, at most `lines`. Returns "" if nothing has waited. */
export function renderQueues(queues: readonly QueueTotals[], lines = Infinity): string {
  if (queues.length === 0) return "";
  const shown = queues.slice(0, Math.max(1, lines));
  const cells = shown.map(({ waiting, queued, waits }) => [
    String(waiting),
    String(queued),
    formatQuantile(0.95, 20, waits),
  ]);
  const titles = ["waiting", "queued", "p95 wait"];
  const padded = (column: number, text: string) =>
    text.padStart(Math.max(titles[column].length, ...cells.map((row) => row[column].length)));
  const head = colors.dim(`  ${titles.map((title, column) => padded(column, title)).join("  ")}`);
  const rows = shown.map(({ server, rule, waiting }, index) => {
    const [first, ...rest] = cells[index].map((text, column) => padded(column, text));
    const counts = [waiting > 0 ? colors.yellow(first) : first, ...rest];
    return `  ${counts.join("  ")}  ${nameOf(server)}  for ${rule}`;
  });
  const left = queues.length - shown.length;
  if (left > 0) rows.push(colors.dim(`  and ${left} more`));
  return [colors.bold("queues"), head, ...rows].join("\n");
}
