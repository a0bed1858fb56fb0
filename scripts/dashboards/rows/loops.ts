import type { Row } from "../panel.ts";
import { events, ofServer, rate, sum, top } from "../promql.ts";

const TOOL = ["mcp_server", "gen_ai_tool_name"];

export const loops: Row = {
  title: "Loops, unknown tools, changed definitions",
  panels: [
    {
      title: "Repeated calls",
      description:
        "Calls per second that repeat an earlier call of their session with the same arguments. A client that polls repeats calls, too.",
      kind: "lines",
      unit: "perSecond",
      queries: [
        { expr: sum(TOOL, rate(ofServer("mcp_repeated_calls_total"))), legend: "{{mcp_server}} {{gen_ai_tool_name}}" },
      ],
    },
    {
      title: "Most repeated tools",
      description: "Repeated calls in the selected time range, the 20 tools with most.",
      kind: "bars",
      unit: "count",
      queries: [
        {
          expr: top(20, sum(TOOL, events(ofServer("mcp_repeated_calls_total")))),
          legend: "{{mcp_server}} {{gen_ai_tool_name}}",
        },
      ],
    },
    {
      title: "Calls of unknown tools",
      description: "Failed calls per second of tools that are not in the list that the caller saw.",
      kind: "lines",
      unit: "perSecond",
      queries: [
        { expr: sum(["mcp_server"], rate(ofServer("mcp_unknown_tool_calls_total"))), legend: "{{mcp_server}}" },
      ],
    },
    {
      title: "Changed definitions",
      description:
        "How often tools were added to a server's list, changed in it or removed from it in the selected time range. Each caller's list is compared with its previous one.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: `${sum([...TOOL, "mcp_change"], events(ofServer("mcp_tool_definition_changes_total")))} > 0`,
          legend: "times",
        },
      ],
    },
    {
      title: "Headers that contradict the body",
      description: "Requests of the selected time range whose Mcp-* headers contradict the body, or are missing.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: `${sum(["mcp_server", "mcp_header"], events(ofServer("mcp_header_mismatch_total")))} > 0`,
          legend: "requests",
        },
      ],
    },
  ],
};
