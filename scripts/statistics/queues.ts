/** Adds up the queues of limits. */
import { numberOf, type Sample } from "./exposition.ts";
import { type Buckets, count } from "./quantile.ts";

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

/** The queues that have been used, ordered by server and then by requests that waited, most first. */
export function readQueues(samples: readonly Sample[]): QueueTotals[] {
  const queues = new Map<string, QueueTotals>();
  for (const { name, labels, value } of samples) {
    if (!name.startsWith("mcp_limit_")) continue;
    const { mcp_server: server = "", mcp_limit_rule: rule = "" } = labels;
    const key = JSON.stringify([server, rule]);
    const queue: QueueTotals = queues.get(key) ?? { server, rule, waiting: 0, queued: 0, waits: new Map() };
    queues.set(key, queue);
    if (name === "mcp_limit_queue_length") {
      queue.waiting += value;
    } else if (name === "mcp_limit_decisions_total" && labels.mcp_limit_decision === "queued") {
      queue.queued += value;
    } else if (name === "mcp_limit_wait_milliseconds_bucket") {
      count(queue.waits, numberOf(labels.le), value);
    }
  }
  return [...queues.values()]
    .filter(({ queued }) => queued > 0)
    .sort((a, b) => (a.server === b.server ? b.queued - a.queued : a.server < b.server ? -1 : 1));
}
