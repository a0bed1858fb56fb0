import type { Query, Row } from "../panel.ts";
import {
  CALLS,
  FAILED,
  FORWARDED,
  TIMED,
  events,
  max,
  ofServer,
  percentileColumns,
  quantile,
  rate,
  sum,
  top,
} from "../promql.ts";

const TOOL = ["mcp_server", "gen_ai_tool_name"];

/** Who is at fault, by the outcomes for which they are. */
const FAULTS = {
  "the tool": "tool_error",
  "the protocol": "rpc_error",
  "the server or the way to it": "unanswered|upstream_error",
  "the client": "http_error|unauthenticated|cancelled|disconnected",
};

const calls = (matchers: string) => events(ofServer("mcp_operations_total", `${CALLS}, ${matchers}`));
const forwarded = sum(TOOL, calls(FORWARDED));
const toolDurations = ofServer("mcp_operation_duration_milliseconds", `${CALLS}, ${TIMED}`);

export const tools: Row = {
  title: "Which tools fail or are slow, and who is at fault?",
  panels: [
    {
      title: "Who is at fault",
      description:
        "Operations per second that did not succeed. The tool: a result with isError. The protocol: a JSON-RPC error. The server or the way to it: no answer, HTTP 5xx, a reset, a timeout. The client: HTTP 3xx and 4xx without a message, a cancellation, a disconnection.",
      kind: "areas",
      unit: "perSecond",
      queries: Object.entries(FAULTS).map(([legend, outcomes]): Query => ({
        expr: sum([], rate(ofServer("mcp_operations_total", `mcp_outcome=~"${outcomes}"`))),
        legend,
      })),
    },
    {
      title: "JSON-RPC errors by code",
      description:
        "Errors per second. -32700, -32600, -32601 and -32602 say that the request was wrong, -32603 that the server failed.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        {
          expr: sum(["rpc_response_status_code"], rate(ofServer("mcp_operations_total", 'mcp_outcome="rpc_error"'))),
          legend: "{{rpc_response_status_code}}",
        },
      ],
    },
    {
      title: "Duration by tool, p95",
      description: "The duration that 5 % of a tool's calls exceed, interpolated within a bucket of the histogram.",
      kind: "lines",
      unit: "milliseconds",
      queries: [{ expr: quantile(0.95, TOOL, toolDurations), legend: "{{mcp_server}} {{gen_ai_tool_name}}" }],
    },
    {
      title: "Tools",
      description:
        "Calls in the selected time range that reached a server, the share of them that failed, and their durations. p50 needs 10 calls, p95 20 and p99 100.",
      kind: "table",
      unit: "milliseconds",
      width: 24,
      queries: [
        { expr: forwarded, legend: "calls", unit: "count" },
        {
          expr: `(${sum(TOOL, calls(FAILED))} or 0 * ${forwarded}) / (${forwarded} > 0)`,
          legend: "failed",
          unit: "share",
        },
        ...percentileColumns(TOOL, toolDurations),
      ],
    },
    {
      title: "Failed calls",
      description: "Calls that failed in the selected time range, by tool and outcome, the 30 most frequent.",
      kind: "table",
      unit: "count",
      queries: [{ expr: top(30, sum([...TOOL, "mcp_outcome"], calls(FAILED))), legend: "calls" }],
    },
    {
      title: "Oldest open operation by tool",
      description: "How long it has been open. Some tools take minutes without being stuck: compare with their p99.",
      kind: "lines",
      unit: "milliseconds",
      width: 12,
      queries: [
        {
          expr: max(
            ["mcp_server", "mcp_method_name", "gen_ai_tool_name"],
            ofServer("mcp_oldest_operation_milliseconds"),
          ),
          legend: "{{mcp_server}} {{mcp_method_name}} {{gen_ai_tool_name}}",
        },
      ],
    },
    {
      title: "Tasks",
      description: "States that tasks enter, per second. A task is a call that goes on after its answer.",
      kind: "areas",
      unit: "perSecond",
      queries: [{ expr: sum(["mcp_task_state"], rate(ofServer("mcp_tasks_total"))), legend: "{{mcp_task_state}}" }],
    },
    {
      title: "Duration of tasks",
      description: "The time from the call to the last state that 5 % of a tool's tasks exceed.",
      kind: "lines",
      unit: "milliseconds",
      queries: [
        {
          expr: quantile(0.95, TOOL, ofServer("mcp_task_duration_milliseconds")),
          legend: "{{mcp_server}} {{gen_ai_tool_name}}",
        },
      ],
    },
    {
      title: "Progress",
      description: "Progress notifications per second.",
      kind: "lines",
      unit: "perSecond",
      queries: [
        { expr: sum(TOOL, rate(ofServer("mcp_progress_total"))), legend: "{{mcp_server}} {{gen_ai_tool_name}}" },
      ],
    },
  ],
};
