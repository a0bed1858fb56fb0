/** The files of the dashboards. */
import { join } from "node:path";
import { grafanaDashboard } from "./grafana.ts";
import { persesDashboard } from "./perses.ts";
import { ROWS } from "./rows.ts";

const FOLDER = join("envoy", "dashboards");
/** Rows that are open at first: health, calls and tools. */
const OPEN_ROWS = 3;

/** The dashboard as each product reads it. */
export function dashboardFiles(): { path: string; text: string }[] {
  return [
    { path: join(FOLDER, "grafana.json"), text: jsonOf(grafanaDashboard(ROWS, OPEN_ROWS)) },
    { path: join(FOLDER, "perses.json"), text: jsonOf(persesDashboard(ROWS, OPEN_ROWS)) },
  ];
}

function jsonOf(dashboard: object): string {
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}
