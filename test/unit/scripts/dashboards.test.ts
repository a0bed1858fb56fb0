/** The dashboards are in step with the metric catalogue, and each product can place and name their panels. */
import { describe, expect, it } from "vitest";
import { grafanaDashboard } from "../../../scripts/dashboards/grafana.ts";
import { HEADERS } from "../../../scripts/dashboards/labels.ts";
import { COLUMNS, type Panel, type Query } from "../../../scripts/dashboards/panel.ts";
import { persesDashboard } from "../../../scripts/dashboards/perses.ts";
import { ROWS } from "../../../scripts/dashboards/rows.ts";
import { NAMESPACE, SERVER } from "../../../scripts/dashboards/variables.ts";
import type { Family } from "../../../scripts/metrics/catalogue.ts";
import { CATALOGUE } from "../../prometheus/catalogue.ts";

const PANELS = ROWS.flatMap(({ panels }) => panels);
const OPEN_ROWS = 2;
/** Outcomes for which nobody is at fault: success, what the filter itself rejected, and what it could not read. */
const FAULTLESS = ["ok", "input_required", "task_accepted", "denied", "limited", "undecoded"];

/** The series that a query selects. */
interface Selector {
  family: Family;
  /** Matchers by label, with operator and quoted value. */
  matchers: Map<string, string>;
}

/** The selectors of an expression. Throws if a metric is unknown. */
function selectorsOf(expr: string): Selector[] {
  return [...expr.matchAll(/(\w+)\{(.*?)\}/g)].map(([, metric, matchers]) => {
    const family = familyOf(metric);
    if (family === undefined) throw new Error(`unknown metric: ${metric}`);
    const pairs = matchers.split(", ").map((matcher) => /^(\w+)(.*)$/.exec(matcher)!.slice(1) as [string, string]);
    return { family, matchers: new Map(pairs) };
  });
}

function familyOf(metric: string): Family | undefined {
  const histogram = metric.replace(/_(bucket|count)$/, "");
  return CATALOGUE.families.find(({ name, isHistogram }) => name === (isHistogram ? histogram : metric));
}

/** All labels by which an expression groups, without the buckets of a histogram. */
function groupedLabels(expr: string): string[] {
  const labels = [...expr.matchAll(/by \((.*?)\)/g)].flatMap(([, list]) => list.split(", "));
  return [...new Set(labels)].filter((label) => label !== "le");
}

function labelsOf({ labels }: Family): string[] {
  return labels.map(({ name }) => name);
}

describe("the dashboards", () => {
  it("show every family of the catalogue", () => {
    const shown = PANELS.flatMap(({ queries }) => queries.flatMap(({ expr }) => selectorsOf(expr)));
    const names = new Set(shown.map(({ family }) => family.name));
    expect(CATALOGUE.families.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([]);
  });

  it("blame somebody for each outcome that is no success", () => {
    const fault = PANELS.find(({ title }) => title === "Who is at fault")!;
    const blamed = fault.queries.flatMap(({ expr }) => /mcp_outcome=~"(.*?)"/.exec(expr)![1].split("|"));
    const outcomes = CATALOGUE.labels.find(({ name }) => name === "mcp_outcome")!.values!;
    expect([...blamed, ...FAULTLESS].sort()).toEqual([...outcomes].sort());
  });

  it("have titles of their own", () => {
    const titles = PANELS.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it.each([NAMESPACE, SERVER])("have a variable with values of $label", ({ label, series }) => {
    const family = familyOf(/^\w+/.exec(series)![0])!;
    expect([...labelsOf(family), "namespace"]).toContain(label);
  });
});

describe.each(PANELS)("$title", ({ kind, queries, description }: Panel) => {
  it("is described by sentences", () => {
    expect(description).toMatch(/^[A-Z-].*\.$/);
  });

  it.each(queries)("selects existing series: $legend", ({ expr }: Query) => {
    const selectors = selectorsOf(expr);
    expect(selectors.length).toBeGreaterThan(0);
    for (const { family, matchers } of selectors) {
      const labels = labelsOf(family);
      expect([...labels, "namespace"]).toEqual(expect.arrayContaining([...matchers.keys()]));
      expect(matchers.get("namespace")).toBe('=~"$namespace"');
      expect(matchers.get("mcp_role")).toBe(labels.includes("mcp_role") ? '="$role"' : undefined);
      expect(matchers.get("mcp_server")).toBe(labels.includes("mcp_server") ? '=~"$server"' : undefined);
    }
  });

  it.each(queries)("compares labels with values that they have: $legend", ({ expr }: Query) => {
    for (const [label, matcher] of selectorsOf(expr).flatMap(({ matchers }) => [...matchers])) {
      const { values } = CATALOGUE.labels.find(({ name }) => name === label) ?? {};
      if (matcher.includes("$") || values === undefined) continue;
      const [, compared] = /"(.*)"$/.exec(matcher)!;
      expect(values).toEqual(expect.arrayContaining(compared.split("|")));
    }
  });

  it.each(queries)("groups and names series by labels that they have: $legend", ({ expr, legend }: Query) => {
    const grouped = groupedLabels(expr);
    for (const { family } of selectorsOf(expr)) expect(labelsOf(family)).toEqual(expect.arrayContaining(grouped));
    if (kind === "table") return;
    // Series with the same name could not be told apart.
    expect([...legend.matchAll(/\{\{(.*?)\}\}/g)].map(([, label]) => label).sort()).toEqual(grouped.sort());
  });
});

describe.each(PANELS.filter(({ kind }) => kind === "table"))("$title", ({ queries }: Panel) => {
  it("has a header for each column", () => {
    const labels = queries.map(({ expr }) => groupedLabels(expr));
    expect(Object.keys(HEADERS)).toEqual(expect.arrayContaining(labels[0]));
    // All queries fill the same lines.
    for (const others of labels) expect(others).toEqual(labels[0]);
    const columns = [...labels[0].map((label) => HEADERS[label]), ...queries.map(({ legend }) => legend)];
    expect(new Set(columns).size).toBe(columns.length);
  });
});

interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

function overlap(one: Place, other: Place): boolean {
  const meet = (a: number, aSize: number, b: number, bSize: number) => a < b + bSize && b < a + aSize;
  return meet(one.x, one.width, other.x, other.width) && meet(one.y, one.height, other.y, other.height);
}

/** Expects that panels are within the page, and none lies on another. */
function expectPlaced(places: Place[]): void {
  for (const [index, place] of places.entries()) {
    expect(place.x + place.width).toBeLessThanOrEqual(COLUMNS);
    expect(places.slice(index + 1).filter((other) => overlap(place, other))).toEqual([]);
  }
}

describe("Grafana's dashboard", () => {
  const { panels: items = [], templating } = grafanaDashboard(ROWS, OPEN_ROWS);
  const inRows = items.map((item) => ("panels" in item ? item.panels : []));
  const all = [...items, ...inRows.flat()];

  it("contains all panels, those of closed rows within their rows", () => {
    const titles = all.filter(({ type }) => type !== "row").map(({ title }) => title);
    expect(titles.sort()).toEqual(PANELS.map(({ title }) => title).sort());
    expect(items.filter(({ type }) => type === "row").map(({ title }) => title)).toEqual(
      ROWS.map(({ title }) => title),
    );
    const open = ROWS.slice(0, OPEN_ROWS).flatMap(({ panels }) => panels);
    expect(items.filter(({ type }) => type !== "row")).toHaveLength(open.length);
  });

  it("places them without gaps between rows, and gives each an id", () => {
    const placesOf = (panels: typeof all) =>
      panels.map(({ gridPos }) => ({ x: gridPos!.x, y: gridPos!.y, width: gridPos!.w, height: gridPos!.h }));
    expectPlaced(placesOf(items));
    for (const panels of inRows) expectPlaced(placesOf(panels));
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it("reads everything from the chosen datasource", () => {
    const [datasource, ...others] = templating.list!;
    expect(datasource).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
    expect(others.map(({ name }) => name)).toEqual(["namespace", "role", "server"]);
    const chosen = { type: "prometheus", uid: "${datasource}" };
    for (const item of all) {
      if (item.type === "row") continue;
      const targets = ("targets" in item && item.targets) || [];
      expect(targets.length).toBeGreaterThan(0);
      for (const { datasource } of [item, ...targets] as { datasource?: object }[]) expect(datasource).toEqual(chosen);
    }
  });
});

describe("Perses' dashboard", () => {
  const { spec } = persesDashboard(ROWS, OPEN_ROWS);

  it("places each panel once", () => {
    const references = spec.layouts.flatMap((layout) => layout.spec.items.map(({ content }) => content.$ref));
    expect(references).toEqual(Object.keys(spec.panels).map((key) => `#/spec/panels/${key}`));
    expect(references).toHaveLength(PANELS.length);
    for (const layout of spec.layouts) expectPlaced(layout.spec.items);
  });

  it("has the queries of Grafana's", () => {
    const queries = Object.values(spec.panels).flatMap((panel) =>
      panel.spec.queries.map(({ spec }) => spec.plugin.spec),
    );
    const expected = PANELS.flatMap((panel) => panel.queries);
    expect(queries).toEqual(expected.map(({ expr, legend }) => ({ query: expr, seriesNameFormat: legend })));
  });
});
