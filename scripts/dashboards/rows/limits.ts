import type { Row } from "../panel.ts";
import { events, ofServer, quantile, rate, sum, top } from "../promql.ts";

const RULE = ["mcp_server", "mcp_limit_rule"];
const TOOL = ["mcp_server", "gen_ai_tool_name"];

export const limits: Row = {
  title: "Limits and waiting",
  panels: [
    {
      title: "Decisions of limits",
      description:
        "Decisions per second. A request counts once for each rule that admitted it; queued requests count again when they have waited.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        {
          expr: sum(["mcp_limit_decision"], rate(ofServer("mcp_limit_decisions_total"))),
          legend: "{{mcp_limit_decision}}",
        },
      ],
    },
    {
      title: "Requests that wait now",
      description: "Requests in the queue of each rule.",
      kind: "areas",
      unit: "count",
      queries: [{ expr: sum(RULE, ofServer("mcp_limit_queue_length")), legend: "{{mcp_server}} {{mcp_limit_rule}}" }],
    },
    {
      title: "How long requests waited",
      description: "Of the requests that waited: half of them, and all but 5 %, at most so long.",
      kind: "lines",
      unit: "milliseconds",
      queries: [0.5, 0.95].map((q) => ({
        expr: quantile(q, RULE, ofServer("mcp_limit_wait_milliseconds")),
        legend: `p${Math.round(100 * q)} {{mcp_server}} {{mcp_limit_rule}}`,
      })),
    },
    {
      title: "Decisions by rule",
      description:
        "Decisions in the selected time range. shadow_limited: a rule in shadow mode would have rejected the request.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: sum([...RULE, "mcp_limit_decision"], events(ofServer("mcp_limit_decisions_total"))),
          legend: "requests",
        },
      ],
    },
    {
      title: "Who was limited",
      description:
        "Requests in the selected time range that a limit rejected, the 30 most frequent. Callers need labels.caller in the filter's configuration.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: top(
            30,
            sum(
              ["mcp_caller", "mcp_server", "mcp_method_name", "gen_ai_tool_name"],
              events(ofServer("mcp_operations_total", 'mcp_outcome="limited"')),
            ),
          ),
          legend: "requests",
        },
      ],
    },
    {
      title: "Limits that adapt",
      description: "Calls of a tool that are in flight, and how many may be, as the filter has learnt.",
      kind: "lines",
      unit: "count",
      width: 12,
      queries: [
        { expr: sum(TOOL, ofServer("mcp_concurrency_limit")), legend: "{{mcp_server}} {{gen_ai_tool_name}} limit" },
        {
          expr: sum(TOOL, ofServer("mcp_concurrency_in_flight")),
          legend: "{{mcp_server}} {{gen_ai_tool_name}} in flight",
        },
      ],
    },
    {
      title: "Requests that share an allowance",
      description: "Requests per second that share an allowance with others, because there are too many keys.",
      kind: "lines",
      unit: "perSecond",
      width: 12,
      queries: [
        {
          expr: sum(RULE, rate(ofServer("mcp_limit_key_overflow_total"))),
          legend: "{{mcp_server}} {{mcp_limit_rule}}",
        },
      ],
    },
  ],
};
