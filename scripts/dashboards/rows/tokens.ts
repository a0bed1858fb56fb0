import type { Row } from "../panel.ts";
import { events, max, ofServer, rate, sum, top } from "../promql.ts";

/** What models read and write. Structured results repeat the others. */
const READ = 'mcp_token_kind!="structured"';

export const tokens: Row = {
  title: "Tokens, and what the definitions cost",
  panels: [
    {
      title: "Tokens by kind",
      description: "Tokens per second that models read or write, estimated. docs/tokens.md says how accurately.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        { expr: sum(["mcp_token_kind"], rate(ofServer("mcp_tokens_total", READ))), legend: "{{mcp_token_kind}}" },
      ],
    },
    {
      title: "Tokens by tool",
      description: "Tokens of the arguments and results of calls in the selected time range, the 20 tools with most.",
      kind: "bars",
      unit: "count",
      queries: [
        {
          expr: top(
            20,
            sum(
              ["mcp_server", "gen_ai_tool_name"],
              events(ofServer("mcp_tokens_total", `gen_ai_tool_name!="", ${READ}`)),
            ),
          ),
          legend: "{{mcp_server}} {{gen_ai_tool_name}}",
        },
      ],
    },
    {
      title: "Tokens of definitions",
      description:
        "What the lists of a server cost each context that holds them, in each turn: names, descriptions and input schemas. The newest complete list counts.",
      kind: "bars",
      unit: "count",
      queries: [
        {
          expr: max(["mcp_server", "mcp_method_name"], ofServer("mcp_definition_tokens")),
          legend: "{{mcp_server}} {{mcp_method_name}}",
        },
      ],
    },
  ],
};
