/** What an Envoy shows about queues, and what must hold once they are empty. */
import { expect } from "vitest";
import type { Envoy } from "../../scripts/envoy/process.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { until } from "../envoy/sessions/until.ts";
import { connectStreams } from "./connections.ts";
import { callHeaders } from "./queued-load.ts";
import { WAIT, workCall, type WorkServer } from "./work-server.ts";

/** Number of calls beyond the permits, which must wait. */
const BEYOND = 4;

/** The access-log fields of a call. */
export interface LogLine {
  call: string;
  status: number;
  mcp_outcome: string | null;
  mcp_limit: string | null;
  waited_ms: string | null;
}

/** The lines of an access log by call. */
export class LogLines {
  readonly #lines = new Map<string, LogLine>();

  /** Reads a line of Envoy's output. */
  readonly read = (line: string): void => {
    if (!line.startsWith("{") || !line.includes('"call":"')) return;
    const fields = JSON.parse(line) as LogLine;
    this.#lines.set(fields.call, fields);
  };

  /** Number of calls that have waited for a limit. */
  get waited(): number {
    return [...this.#lines.values()].filter(({ waited_ms }) => Number(waited_ms) > 0).length;
  }

  of(call: string): LogLine | undefined {
    return this.#lines.get(call);
  }
}

/** The filter's figures of a rule's decisions so far, and of its waiting requests. */
export async function queueFigures(envoy: Envoy, rule: string) {
  const metrics = (await readMetrics(envoy)).filter(({ labels }) => labels.mcp_limit_rule === rule);
  const sum = (name: string, decision?: string) =>
    metrics
      .filter((metric) => metric.name === name && (!decision || metric.labels.mcp_limit_decision === decision))
      .reduce((total, { value }) => total + value, 0);
  const decisions = (decision: string) => sum("mcp_limit_decisions_total", decision);
  return {
    admitted: decisions("admitted"),
    queued: decisions("queued"),
    limited: decisions("limited"),
    length: sum("mcp_limit_queue_length"),
  };
}

let rounds = 0;

/**
 * Expects that all permits are free and nothing waits: exactly as many calls pass at once as the rule `calls` admits,
 * and those beyond them wait.
 */
export async function expectFreePermits(server: WorkServer, envoy: Envoy, url: string, limit: number): Promise<void> {
  await until(() => server.requests.now === 0, "the server is at rest");
  await until(async () => (await queueFigures(envoy, "calls")).length === 0, "nothing waits");
  const { queued } = await queueFigures(envoy, "calls");
  const round = ++rounds;
  const connections = Array.from({ length: limit + BEYOND }, () => connectStreams(url));
  const calls = connections.map((connection, index) => {
    const call = `permits-${round}-${index}`;
    return connection.post(callHeaders(call), workCall(call, WAIT)).ended;
  });
  await until(
    async () => (await queueFigures(envoy, "calls")).queued - queued >= BEYOND,
    "those beyond the limit wait",
  );
  await until(() => server.waiting === limit, `${limit} calls are let in`);
  server.release();
  await until(() => server.waiting === BEYOND, "the others are let in");
  server.release();
  expect(await Promise.all(calls)).toEqual(Array(calls.length).fill("answered"));
  for (const connection of connections) connection.close();
}

/** Expects that no VM has trapped. */
export function expectNoTrap(log: string): void {
  expect(log).not.toMatch(/RangeError|unreachable|Function: proxy_on_\w+ failed/);
}
