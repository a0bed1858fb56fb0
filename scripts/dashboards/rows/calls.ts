import type { Row } from "../panel.ts";
import { CALLS, events, ofServer, rate, sum, top } from "../promql.ts";

const NAMED = 'mcp_method_name=~"tools/call|prompts/get"';

export const calls: Row = {
  title: "Who calls what?",
  panels: [
    {
      title: "Calls by server",
      description: "Calls of tools per second.",
      kind: "areas",
      unit: "perSecond",
      queries: [{ expr: sum(["mcp_server"], rate(ofServer("mcp_operations_total", CALLS))), legend: "{{mcp_server}}" }],
    },
    {
      title: "Calls by caller",
      description:
        "Calls of tools per second. Callers need labels.caller in the filter's configuration; calls of an unknown caller have no name.",
      kind: "areas",
      unit: "perSecond",
      queries: [{ expr: sum(["mcp_caller"], rate(ofServer("mcp_operations_total", CALLS))), legend: "{{mcp_caller}}" }],
    },
    {
      title: "Requests by method",
      description: "Requests per second, in both directions.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        { expr: sum(["mcp_method_name"], rate(ofServer("mcp_operations_total"))), legend: "{{mcp_method_name}}" },
      ],
    },
    {
      title: "Calls by caller and target",
      description: "Calls of tools and uses of prompts in the selected time range, the 50 most frequent.",
      kind: "table",
      unit: "count",
      width: 24,
      queries: [
        {
          expr: top(
            50,
            sum(
              ["mcp_caller", "mcp_server", "gen_ai_tool_name", "gen_ai_prompt_name"],
              events(ofServer("mcp_operations_total", NAMED)),
            ),
          ),
          legend: "calls",
        },
      ],
    },
    {
      title: "Notifications",
      description: "Notifications per second, by method and direction.",
      kind: "areas",
      unit: "perSecond",
      width: 12,
      queries: [
        {
          expr: sum(["mcp_method_name", "mcp_direction"], rate(ofServer("mcp_notifications_total"))),
          legend: "{{mcp_method_name}} {{mcp_direction}}",
        },
      ],
    },
    {
      title: "Bytes of messages",
      description: "Bytes of JSON-RPC messages per second, without HTTP and the framing of event streams.",
      kind: "areas",
      unit: "bytesPerSecond",
      width: 12,
      queries: [
        {
          expr: sum(["mcp_server", "mcp_direction"], rate(ofServer("mcp_payload_bytes_total"))),
          legend: "{{mcp_server}} {{mcp_direction}}",
        },
      ],
    },
  ],
};
