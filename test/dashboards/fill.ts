/** The panels' queries with variables filled in, as each product fills them. */
import { ALL } from "../../scripts/dashboards/variables.ts";

/** What a user has chosen; without namespaces or servers, "All". */
export interface Choice {
  namespaces?: string[];
  role: "client" | "server";
  servers?: string[];
  /** The selected time range in seconds. */
  range: number;
  /** The window of rates in seconds. */
  rateInterval: number;
}

export type Fill = (expr: string, choice: Choice) => string;

/** Grafana escapes chosen values for a regular expression within a text of PromQL. */
export const fillAsGrafana: Fill = (expr, choice) => {
  const escaped = (value: string) => value.replace(/[$^*{}[\]'+?.()|]/g, "\\\\$&");
  return fill(expr, choice, (values) =>
    values.length === 1 ? escaped(values[0]) : `(${values.map(escaped).join("|")})`,
  );
};

/** Perses joins chosen values as they are. */
export const fillAsPerses: Fill = (expr, choice) => fill(expr, choice, (values) => `(${values.join("|")})`);

function fill(expr: string, choice: Choice, join: (values: string[]) => string): string {
  const chosen = (values?: string[]) => (values === undefined ? ALL : join(values));
  return expr
    .replaceAll("$namespace", () => chosen(choice.namespaces))
    .replaceAll("$role", choice.role)
    .replaceAll("$server", () => chosen(choice.servers))
    .replaceAll("$__rate_interval", `${choice.rateInterval}s`)
    .replaceAll("$__range", `${choice.range}s`);
}
