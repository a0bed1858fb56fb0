/** Writes the dashboard as Grafana's JSON, with Grafana's own SDK. */
import {
  BarGaugeDisplayMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  SortOrder,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as BarsBuilder } from "@grafana/grafana-foundation-sdk/bargauge";
import {
  CustomVariableBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type GridPos,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as NumbersBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as LinesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import {
  BytesPerSecondIEC,
  CountsPerSecond,
  Milliseconds,
  PercentUnit,
  Short,
} from "@grafana/grafana-foundation-sdk/units";
import { HEADERS } from "./labels.ts";
import { isInstant, type Panel, placed, type Query, type Row, type Unit } from "./panel.ts";
import { DESCRIPTION, TITLE } from "./rows.ts";
import { ALL, type LabelVariable, NAMESPACE, ROLE, SERVER } from "./variables.ts";

const UNITS: Record<Unit, string> = {
  count: Short,
  perSecond: CountsPerSecond,
  bytesPerSecond: BytesPerSecondIEC,
  milliseconds: Milliseconds,
  share: PercentUnit,
};
const DATASOURCE = { type: "prometheus", uid: "${datasource}" };
/** Grafana's own value of "All". */
const ALL_CHOSEN = { selected: true, text: "All", value: "$__all" };

/** The dashboard of these rows. All rows but the first ones are collapsed, and query nothing before they are opened. */
export function grafanaDashboard(rows: Row[], openRows: number): Dashboard {
  const dashboard = new DashboardBuilder(TITLE)
    .uid("mcp-proxy-wasm")
    .description(DESCRIPTION)
    .tags(["mcp", "envoy"])
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .variables([
      new DatasourceVariableBuilder("datasource").label("datasource").type("prometheus"),
      labelVariable(NAMESPACE),
      new CustomVariableBuilder(ROLE.name)
        .label(ROLE.name)
        .description(ROLE.description)
        .values(ROLE.values.join(","))
        .current({ selected: true, text: ROLE.values[0], value: ROLE.values[0] }),
      labelVariable(SERVER),
    ]);
  let [id, top] = [1, 0];
  for (const [index, { title, panels }] of rows.entries()) {
    const isOpen = index < openRows;
    const row = new RowBuilder(title).id(id++).collapsed(!isOpen).gridPos({ x: 0, y: top++, w: 24, h: 1 });
    const built = placed(panels).map(({ panel, x, y, width, height }) => {
      return panelBuilder(panel)
        .id(id++)
        .gridPos({ x, y: top + y, w: width, h: height });
    });
    // The panels of an open row follow it; a collapsed row contains its panels.
    if (!isOpen) built.forEach((panel) => row.withPanel(panel));
    dashboard.withRow(row);
    if (isOpen) {
      built.forEach((panel) => dashboard.withPanel(panel));
      top = heightOf(built.map((panel) => panel.build().gridPos!));
    }
  }
  return dashboard.build();
}

/** Where the lowest of the panels ends. */
function heightOf(places: GridPos[]): number {
  return Math.max(...places.map(({ y, h }) => y + h));
}

function labelVariable({ name, label, description, series }: LabelVariable): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(name)
    .description(description)
    .datasource(DATASOURCE)
    .query(`label_values(${series}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(ALL)
    .current(ALL_CHOSEN);
}

type AnyPanelBuilder = LinesBuilder | NumbersBuilder | BarsBuilder | TableBuilder;

function panelBuilder(panel: Panel): AnyPanelBuilder {
  const { title, description, unit, queries } = panel;
  const targets = queries.map((query, index) => target(panel, query, refId(index)));
  return visualization(panel)
    .title(title)
    .description(description)
    .datasource(DATASOURCE)
    .unit(UNITS[unit])
    .targets(targets);
}

function visualization(panel: Panel): AnyPanelBuilder {
  switch (panel.kind) {
    case "numbers":
      return new NumbersBuilder().graphMode(BigValueGraphMode.Area).reduceOptions(lastValue());
    case "bars":
      return new BarsBuilder()
        .displayMode(BarGaugeDisplayMode.Basic)
        .orientation(VizOrientation.Horizontal)
        .min(0)
        .reduceOptions(lastValue());
    case "table":
      return table(panel);
    case "lines":
      return lines();
    case "areas":
      return lines().fillOpacity(40).stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  }
}

function lines(): LinesBuilder {
  return new LinesBuilder()
    .min(0)
    .showPoints(VisibilityMode.Auto)
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false);
}

/** One line for each set of labels, with a column for each query; the highest values of the first query first. */
function table({ queries, unit: unitOfPanel }: Panel): TableBuilder {
  const names = {
    ...HEADERS,
    ...Object.fromEntries(queries.map(({ legend }, index) => [valueField(queries, index), legend])),
  };
  const builder = new TableBuilder()
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({ id: "organize", options: { excludeByName: { Time: true }, renameByName: names } })
    .sortBy([new TableSortByFieldStateBuilder().displayName(queries[0].legend).desc(true)]);
  return queries.reduce(
    (table, { legend, unit = unitOfPanel }) => table.overrideByName(legend, [{ id: "unit", value: UNITS[unit] }]),
    builder,
  );
}

/** The field with the values of a query of a table, as Grafana names it. */
function valueField(queries: Query[], index: number): string {
  return queries.length === 1 ? "Value" : `Value #${refId(index)}`;
}

function target(panel: Panel, { expr, legend }: Query, refId: string): DataqueryBuilder {
  const query = new DataqueryBuilder().refId(refId).datasource(DATASOURCE).expr(expr).legendFormat(legend);
  if (!isInstant(panel)) return query.range();
  return query.instant().format(panel.kind === "table" ? PromQueryFormat.Table : PromQueryFormat.TimeSeries);
}

function refId(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}
