/** Writes the dashboard as a resource of Perses, with the plugins that Perses ships. */
import { HEADERS } from "./labels.ts";
import { type Panel, placed, type Query, type Row, type Unit } from "./panel.ts";
import { DESCRIPTION, TITLE } from "./rows.ts";
import { ALL, type LabelVariable, NAMESPACE, ROLE, SERVER } from "./variables.ts";

/** A part whose kind says what its specification has. */
export interface Definition<Spec = object> {
  kind: string;
  spec: Spec;
}

export interface PersesPanel {
  display: { name: string; description: string };
  plugin: Definition;
  queries: Definition<{ plugin: Definition<{ query: string; seriesNameFormat: string }> }>[];
}

export interface PersesGrid {
  display: { title: string; collapse: { open: boolean } };
  items: { x: number; y: number; width: number; height: number; content: { $ref: string } }[];
}

/** Perses' resource of the kind `Dashboard`. */
export interface PersesDashboard {
  kind: "Dashboard";
  metadata: { name: string; project: string };
  spec: {
    display: { name: string; description: string };
    duration: string;
    refreshInterval: string;
    variables: Definition[];
    panels: Record<string, Definition<PersesPanel>>;
    layouts: Definition<PersesGrid>[];
  };
}

const FORMATS: Record<Unit, object> = {
  count: { unit: "decimal", shortValues: true },
  perSecond: { unit: "counts/sec", shortValues: true },
  bytesPerSecond: { unit: "bytes/sec", shortValues: true },
  milliseconds: { unit: "milliseconds" },
  share: { unit: "percent-decimal", decimalPlaces: 1 },
};
/** Perses' own value of "All". */
const ALL_CHOSEN = "$__all";

/** The dashboard of these rows. All rows but the first ones are collapsed, and query nothing before they are opened. */
export function persesDashboard(rows: Row[], openRows: number): PersesDashboard {
  const panels = rows.flatMap((row) => row.panels);
  return {
    kind: "Dashboard",
    metadata: { name: "mcp", project: "default" },
    spec: {
      display: { name: TITLE, description: DESCRIPTION },
      duration: "1h",
      refreshInterval: "30s",
      variables: [labelVariable(NAMESPACE), roleVariable(), labelVariable(SERVER)],
      panels: Object.fromEntries(panels.map((panel) => [keyOf(panel), panelOf(panel)])),
      layouts: rows.map((row, index) => gridOf(row, index < openRows)),
    },
  };
}

function labelVariable({ name, label, description, series }: LabelVariable): Definition {
  return {
    kind: "ListVariable",
    spec: {
      name,
      display: { name, description },
      allowMultiple: true,
      allowAllValue: true,
      customAllValue: ALL,
      defaultValue: ALL_CHOSEN,
      sort: "alphabetical-asc",
      plugin: { kind: "PrometheusLabelValuesVariable", spec: { labelName: label, matchers: [series] } },
    },
  };
}

function roleVariable(): Definition {
  const { name, description, values } = ROLE;
  return {
    kind: "ListVariable",
    spec: {
      name,
      display: { name, description },
      allowMultiple: false,
      allowAllValue: false,
      defaultValue: values[0],
      plugin: { kind: "StaticListVariable", spec: { values } },
    },
  };
}

function gridOf({ title, panels }: Row, isOpen: boolean): Definition<PersesGrid> {
  const items = placed(panels).map(({ panel, x, y, width, height }) => {
    return { x, y, width, height, content: { $ref: `#/spec/panels/${keyOf(panel)}` } };
  });
  return { kind: "Grid", spec: { display: { title, collapse: { open: isOpen } }, items } };
}

/** The key of a panel: its title, as far as keys may have its characters. */
function keyOf({ title }: Panel): string {
  return title.replace(/[^A-Za-z0-9]+/g, "-");
}

function panelOf(panel: Panel): Definition<PersesPanel> {
  const { title, description, queries } = panel;
  return {
    kind: "Panel",
    spec: { display: { name: title, description }, plugin: pluginOf(panel), queries: queries.map(queryOf) },
  };
}

function queryOf({ expr, legend }: Query): PersesPanel["queries"][number] {
  const spec = { query: expr, seriesNameFormat: legend };
  return { kind: "TimeSeriesQuery", spec: { plugin: { kind: "PrometheusTimeSeriesQuery", spec } } };
}

function pluginOf(panel: Panel): Definition {
  const format = FORMATS[panel.unit];
  switch (panel.kind) {
    case "numbers":
      return { kind: "StatChart", spec: { calculation: "last-number", format, sparkline: {} } };
    case "bars":
      return { kind: "BarChart", spec: { calculation: "last-number", format, sort: "desc" } };
    case "table":
      return tableOf(panel);
    case "lines":
    case "areas":
      return {
        kind: "TimeSeriesChart",
        spec: {
          legend: { position: "bottom", mode: "list" },
          yAxis: { format, min: 0 },
          ...(panel.kind === "areas" && { visual: { areaOpacity: 0.4, stack: "all" } }),
        },
      };
  }
}

/** One line for each set of labels, with a column for each query; the highest values of the first query first. */
function tableOf({ queries, unit: unitOfPanel }: Panel): Definition {
  const labels = Object.entries(HEADERS).map(([name, header]) => ({ name, header, enableSorting: true }));
  const values = queries.map(({ legend, unit = unitOfPanel }, index) => ({
    name: queries.length === 1 ? "value" : `value #${index + 1}`,
    header: legend,
    format: FORMATS[unit],
    align: "right",
    enableSorting: true,
    ...(index === 0 && { sort: "desc" }),
  }));
  const isMerged = queries.length > 1 && { transforms: [{ kind: "MergeSeries", spec: {} }] };
  return {
    kind: "Table",
    spec: {
      density: "compact",
      columnSettings: [...labels, ...values, { name: "timestamp", hide: true }],
      ...isMerged,
    },
  };
}
