/** The variables of the dashboards. The datasource is not among them, because products differ in how they choose it. */

/** A variable whose values are those of a label. */
export interface LabelVariable {
  name: string;
  label: string;
  description: string;
  /** A selector of series that have the label. */
  series: string;
}

/** The value of "All". It matches series without the label, too. */
export const ALL = ".*";

/** The namespaces, if the scrape configuration sets this label; otherwise only "All". */
export const NAMESPACE: LabelVariable = {
  name: "namespace",
  label: "namespace",
  description: "The label that scraping in Kubernetes adds. Without it, choose All.",
  series: "mcp_build_info",
};

export const SERVER: LabelVariable = {
  name: "server",
  label: "mcp_server",
  description: "MCP servers, as the filter's configuration or the upstream cluster names them.",
  series: 'mcp_operations_total{namespace=~"$namespace", mcp_role="$role"}',
};

/** One at a time: if both ends of a call have a proxy with the filter, both count it. */
export const ROLE = {
  name: "role",
  description: "Both ends of a call count it if both have a proxy with the filter, so one of them is shown.",
  values: ["server", "client"],
};
