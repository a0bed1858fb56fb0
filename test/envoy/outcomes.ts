/** Runs a scenario and expects what it adds to the counters: nothing less, and nothing else. */
import type { ServerResponse } from "node:http";
import { beforeAll, expect } from "vitest";
import { type Envoy, type EnvoyOptions, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "./cleanup.ts";
import * as mcp from "./mcp-messages.ts";
import { added, count, type Counts, countersOf, type Metric, ofStreams, readMetrics } from "./prometheus.ts";
import { exchange, type RawAnswer } from "./raw-http.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";

/** The tool that scenarios call. */
export const TOOL = "probe";
/** Makes the tool's name a label from the start. */
const PLUGIN_CONFIG = JSON.stringify({ labels: { tools: [TOOL] } });

/** What a scenario is to add. */
export interface Expected {
  /** An operation, and how it ends: `rpc_error` may have its code behind a blank. None where absent. */
  outcome?: string;
  /** How many operations there are that end so; 1 where absent. */
  times?: number;
  /** The operation's method; a call of {@link TOOL} where absent. */
  method?: string;
  /** Streams, as `kind end`; `post complete` where absent. */
  streams?: string[];
  /** Reasons of mcp_undecoded_total. */
  undecoded?: string[];
  /** Notifications, as `direction method`. */
  notifications?: string[];
  /** Reports of progress on {@link TOOL}. */
  progress?: number;
  /** States that tasks of {@link TOOL} entered. */
  taskStates?: string[];
  /** Headers that say something else than the body. */
  mismatches?: string[];
}

/** Sums of what passed, and what is counted as scenarios call the same tool time and again. */
const LEFT_OUT = ["mcp_payload_bytes_total", "mcp_tokens_total", "mcp_repeated_calls_total"];

/** The metrics that scenarios look at. */
export function ofOutcomes(metrics: Metric[]): Metric[] {
  return ofStreams(metrics).filter(({ name }) => !LEFT_OUT.includes(name));
}

/** Scenarios against one Envoy, with a server behind it that does as each of them says. */
export class Scenarios {
  upstream!: Upstream;
  envoy!: Envoy;
  /** All that was expected so far. */
  readonly total: Counts = {};

  /** Runs `scenario` and waits until the counters have grown by just what is expected. */
  async expect(expected: Expected, scenario: () => Promise<unknown>): Promise<void> {
    const before = await this.#counters();
    await scenario();
    const counts = countsOfExpected(expected);
    await expect.poll(async () => added(before, await this.#counters()), { timeout: 5000 }).toEqual(counts);
    for (const [key, value] of Object.entries(counts)) this.total[key] = (this.total[key] ?? 0) + value;
  }

  async #counters(): Promise<Counts> {
    return countersOf(ofOutcomes(await readMetrics(this.envoy)));
  }

  /** Where the server, once it has read the request, answers so. */
  readonly answering = (answer: (response: ServerResponse) => void): string => {
    const path = this.upstream.route(async (request, response) => {
      await bodyOf(request);
      answer(response);
    });
    return `${this.envoy.proxyUrl}${path}`;
  };
}

/** Starts the server and Envoy for the scenarios of a file or a `describe`, and ends them. */
export function useScenarios(options: Partial<EnvoyOptions> = {}): Scenarios {
  const keep = endsAfterAll();
  const scenarios = new Scenarios();
  beforeAll(async () => {
    scenarios.upstream = keep(await startUpstream());
    scenarios.envoy = keep(await startEnvoy({ upstream: scenarios.upstream, pluginConfig: PLUGIN_CONFIG, ...options }));
  });
  return scenarios;
}

/** Posts a message, a call of {@link TOOL} where none is given, and expects this status. */
export async function post(
  url: string,
  status: number,
  body: string | Buffer = mcp.toolCall(1, TOOL),
  headers: Record<string, string> = mcp.LEGACY,
): Promise<RawAnswer> {
  const answer = await exchange(url, { headers, body: [body] });
  expect(answer.status).toBe(status);
  return answer;
}

function countsOfExpected(expected: Expected): Counts {
  const counts: Counts = {};
  if (expected.outcome !== undefined) {
    const [outcome, code = ""] = expected.outcome.split(" ");
    const method = expected.method ?? "tools/call";
    count(
      counts,
      "mcp_operations_total",
      {
        mcp_method_name: method,
        gen_ai_tool_name: method === "tools/call" ? TOOL : "",
        mcp_outcome: outcome,
        rpc_response_status_code: code,
      },
      expected.times,
    );
  }
  for (const stream of expected.streams ?? ["post complete"]) {
    const [mcp_stream_kind, mcp_stream_end] = stream.split(" ");
    count(counts, "mcp_streams_total", { mcp_stream_kind, mcp_stream_end });
  }
  for (const mcp_reason of expected.undecoded ?? []) count(counts, "mcp_undecoded_total", { mcp_reason });
  for (const passed of expected.notifications ?? []) {
    const [mcp_direction, mcp_method_name] = passed.split(" ");
    count(counts, "mcp_notifications_total", { mcp_direction, mcp_method_name });
  }
  const tool = { gen_ai_tool_name: TOOL };
  if (expected.progress !== undefined) count(counts, "mcp_progress_total", tool, expected.progress);
  for (const mcp_task_state of expected.taskStates ?? []) count(counts, "mcp_tasks_total", { ...tool, mcp_task_state });
  for (const mcp_header of expected.mismatches ?? []) count(counts, "mcp_header_mismatch_total", { mcp_header });
  return counts;
}
