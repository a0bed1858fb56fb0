import type { Row } from "../panel.ts";
import { events, ofServer, rate, sum, top } from "../promql.ts";

const MESSAGE = [
  ...["mcp_access_rule", "mcp_caller", "mcp_server", "mcp_method_name", "gen_ai_tool_name", "gen_ai_prompt_name"],
];

const decisions = (matchers: string) => ofServer("mcp_access_decisions_total", matchers);
const denied = (mode: string) => decisions(`mcp_access_action="deny", mcp_access_mode="${mode}"`);

export const access: Row = {
  title: "Access: who was denied what, shadow compared with enforce",
  panels: [
    {
      title: "Decisions in force",
      description: "Messages of clients per second that the access policy allowed and denied.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        {
          expr: sum(["mcp_access_action"], rate(decisions('mcp_access_mode="enforce"'))),
          legend: "{{mcp_access_action}}",
        },
      ],
    },
    {
      title: "Denials, shadow compared with enforce",
      description:
        "Messages per second that were denied (enforce), and that rules or a policy in shadow mode would deny.",
      kind: "lines",
      unit: "perSecond",
      queries: [
        {
          expr: sum(["mcp_access_mode"], rate(decisions('mcp_access_action="deny"'))),
          legend: "{{mcp_access_mode}}",
        },
      ],
    },
    {
      title: "Denied operations by caller",
      description: "Requests per second. Callers need labels.caller in the filter's configuration.",
      kind: "areas",
      unit: "perSecond",
      queries: [
        {
          expr: sum(["mcp_caller"], rate(ofServer("mcp_operations_total", 'mcp_outcome="denied"'))),
          legend: "{{mcp_caller}}",
        },
      ],
    },
    {
      title: "Who was denied what",
      description:
        "Denied messages of the selected time range by the rule that decided, the 30 most frequent. docs/metrics.md explains rules that begin with _.",
      kind: "table",
      unit: "count",
      width: 24,
      queries: [{ expr: top(30, sum(MESSAGE, events(denied("enforce")))), legend: "denied" }],
    },
    {
      title: "What shadow mode would deny",
      description: "Messages of the selected time range that passed and would be denied, the 30 most frequent.",
      kind: "table",
      unit: "count",
      width: 24,
      queries: [{ expr: top(30, sum(MESSAGE, events(denied("shadow")))), legend: "would be denied" }],
    },
    {
      title: "Elements withheld from lists",
      description:
        "Tools, prompts, resources and templates in the selected time range, each time a list passed. In shadow mode they passed.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: `${sum(
            ["mcp_server", "mcp_method_name", "mcp_withheld_reason", "mcp_access_mode"],
            events(ofServer("mcp_list_elements_withheld_total")),
          )} > 0`,
          legend: "elements",
        },
      ],
    },
    {
      title: "Tools that differ from their pins",
      description: "Tools in the selected time range, each time a list passed. In shadow mode they passed.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: `${sum(
            ["mcp_server", "gen_ai_tool_name", "mcp_withheld_reason", "mcp_access_mode"],
            events(ofServer("mcp_tool_pin_mismatches_total")),
          )} > 0`,
          legend: "times",
        },
      ],
    },
  ],
};
