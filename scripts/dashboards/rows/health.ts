import type { Row } from "../panel.ts";
import { FAILED, FORWARDED, TIMED, max, ofProxy, ofServer, quantile, rate, sum } from "../promql.ts";

const operations = (matchers?: string) => rate(ofServer("mcp_operations_total", matchers));
const durations = ofServer("mcp_operation_duration_milliseconds", TIMED);

export const health: Row = {
  title: "Is it healthy?",
  panels: [
    {
      title: "Operations",
      description: "Requests per second: calls of tools and all others, whatever their outcome.",
      kind: "numbers",
      unit: "perSecond",
      queries: [{ expr: sum([], operations()), legend: "operations" }],
    },
    {
      title: "Failed",
      description: "The share of the operations that reached a server and failed. Cancelled ones did not fail.",
      kind: "numbers",
      unit: "share",
      queries: [
        {
          expr: `(${sum([], operations(FAILED))} or vector(0)) / ${sum([], operations(FORWARDED))}`,
          legend: "failed",
        },
      ],
    },
    {
      title: "Duration, p95",
      description:
        "The duration that 5 % of the operations exceed, interpolated within a bucket of the histogram. Denied and limited operations took no time and are left out.",
      kind: "numbers",
      unit: "milliseconds",
      queries: [{ expr: quantile(0.95, [], durations), legend: "p95" }],
    },
    {
      title: "Sessions",
      description: "Sessions that are open now.",
      kind: "numbers",
      unit: "count",
      queries: [{ expr: sum([], ofServer("mcp_sessions_active")), legend: "sessions" }],
    },
    {
      title: "In flight",
      description: "Operations that are open now.",
      kind: "numbers",
      unit: "count",
      queries: [{ expr: sum([], ofServer("mcp_operations_in_flight")), legend: "in flight" }],
    },
    {
      title: "Invalid configurations",
      description:
        "Plugins whose newest configuration is invalid, of any role and server. The proxy's log has the reasons.",
      kind: "numbers",
      unit: "count",
      queries: [{ expr: sum([], ofProxy("mcp_configuration_invalid")), legend: "invalid" }],
    },
    {
      title: "Operations by outcome",
      description: "Requests per second. docs/metrics.md explains each outcome.",
      kind: "areas",
      unit: "perSecond",
      queries: [{ expr: sum(["mcp_outcome"], operations()), legend: "{{mcp_outcome}}" }],
    },
    {
      title: "Duration of operations",
      description:
        "Percentiles are interpolated within a bucket of the histogram. Of few operations they only say that these took at most the bucket's upper bound.",
      kind: "lines",
      unit: "milliseconds",
      queries: [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, [], durations), legend: `p${Math.round(100 * q)}` })),
    },
    {
      title: "Oldest open operation",
      description: "How long the oldest operation of each server has been open.",
      kind: "lines",
      unit: "milliseconds",
      queries: [{ expr: max(["mcp_server"], ofServer("mcp_oldest_operation_milliseconds")), legend: "{{mcp_server}}" }],
    },
  ],
};
