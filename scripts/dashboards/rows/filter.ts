import type { Row } from "../panel.ts";
import { events, ofProxy, ofRole, ofServer, rate, sum } from "../promql.ts";

export const filter: Row = {
  title: "The filter itself",
  panels: [
    {
      title: "Policies in force",
      description: "Plugins by the mode of their access policy. Without a policy there is no value.",
      kind: "numbers",
      unit: "count",
      width: 8,
      queries: [{ expr: sum(["mcp_access_mode"], ofRole("mcp_access_policy")), legend: "{{mcp_access_mode}}" }],
    },
    {
      title: "Rules in force",
      description: "Rules of these policies, on all proxies. An invalid policy that denies everything has none.",
      kind: "numbers",
      unit: "count",
      width: 8,
      queries: [{ expr: sum([], ofRole("mcp_access_rules")), legend: "rules" }],
    },
    {
      title: "Outdated policies",
      description: "Configurations in use with an older policy, while their connections drain.",
      kind: "numbers",
      unit: "count",
      width: 8,
      queries: [{ expr: sum([], ofRole("mcp_access_outdated")), legend: "outdated" }],
    },
    {
      title: "Not decoded",
      description: "Messages and bodies per second that could not be read.",
      kind: "areas",
      unit: "perSecond",
      queries: [{ expr: sum(["mcp_reason"], rate(ofServer("mcp_undecoded_total"))), legend: "{{mcp_reason}}" }],
    },
    {
      title: "The store",
      description:
        "Entries per second that had to give way to newer ones, and writes that met those of another worker. A few conflicts are normal.",
      kind: "lines",
      unit: "perSecond",
      queries: [
        { expr: `${sum([], rate(ofServer("mcp_store_evictions_total")))} or vector(0)`, legend: "evictions" },
        { expr: `${sum([], rate(ofServer("mcp_store_conflicts_total")))} or vector(0)`, legend: "conflicts" },
      ],
    },
    {
      title: "Spans",
      description: "Spans per second that the collector accepted, and that were lost, by reason.",
      kind: "areas",
      unit: "perSecond",
      queries: [{ expr: sum(["mcp_result"], rate(ofRole("mcp_trace_spans_total"))), legend: "{{mcp_result}}" }],
    },
    {
      title: "Names without a value of their own",
      description: "Names in the selected time range that became _OTHER, by the label that they would have had.",
      kind: "table",
      unit: "count",
      queries: [
        {
          expr: `${sum(["mcp_server", "mcp_label"], events(ofServer("mcp_label_overflow_total")))} > 0`,
          legend: "names",
        },
      ],
    },
    {
      title: "Versions",
      description: "Proxies by the version and revision of the module that runs, of any role.",
      kind: "table",
      unit: "count",
      queries: [
        { expr: sum(["mcp_build_version", "mcp_build_revision"], ofProxy("mcp_build_info")), legend: "proxies" },
      ],
    },
  ],
};
