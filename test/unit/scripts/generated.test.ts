/** The files under envoy/ have the labels and families of the filter, and the dashboards, as `npm run generate` writes them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { dashboardFiles } from "../../../scripts/dashboards/files.ts";
import { candidateFiles, regenerated } from "../../../scripts/metrics/files.ts";
import { CATALOGUE } from "../../prometheus/catalogue.ts";

const LABELS = CATALOGUE.labels.map(({ name }) => name);
const read = (path: string) => readFileSync(path, "utf8");

interface Tags {
  stats_config: { stats_tags: { tag_name: string }[] };
}

const tagsOf = (text: string) => (parse(text) as Tags).stats_config.stats_tags.map(({ tag_name }) => tag_name);

/** The labels that a mesh's proxies lift out of names, by the file that says so. */
const LISTS: Record<string, (text: string) => string[]> = {
  "envoy/envoy.yaml": tagsOf,
  "envoy/raw/ecds.yaml": tagsOf,
  "envoy/raw/jwt.yaml": tagsOf,
  "envoy/raw/mtls.yaml": tagsOf,
  "envoy/linkerd/envoy.yaml": tagsOf,
  "envoy/emissary/envoy.yaml": tagsOf,
  "envoy/gateway/envoy-proxy.yaml": (text) =>
    tagsOf((parse(text) as { spec: { bootstrap: { value: string } } }).spec.bootstrap.value),
  "envoy/consul/proxy-defaults.hcl": (text) => tagsOf(`{"stats_config": ${/<<JSON\n(.*?)^JSON$/ms.exec(text)?.[1]}}`),
  "envoy/istio/mesh-config.yaml": (text) =>
    (parse(text) as { meshConfig: { defaultConfig: { extraStatTags: string[] } } }).meshConfig.defaultConfig
      .extraStatTags,
  "envoy/prometheus/relabel.yaml": relabelTargets,
  "envoy/prometheus/scrape/kuma.yaml": (text) => {
    const [job] = (parse(text) as { scrape_configs: object[] }).scrape_configs;
    return relabelTargets(JSON.stringify(job));
  },
};

function relabelTargets(text: string): string[] {
  const { metric_relabel_configs: rules } = parse(text) as { metric_relabel_configs: { target_label?: string }[] };
  return rules.flatMap(({ target_label: label }) => (label === undefined || label.startsWith("__") ? [] : [label]));
}

it.each(candidateFiles())("%s is as `npm run generate` writes it", (path) => {
  expect(regenerated(path, read(path), CATALOGUE)).toBe(read(path));
});

it.each(dashboardFiles())("$path is as `npm run generate` writes it", ({ path, text }) => {
  expect(read(path)).toBe(text);
});

describe.each(Object.entries(LISTS))("%s", (path, labelsOf) => {
  it("has every label of the filter, and no other", () => {
    expect([...new Set(labelsOf(read(path)))].sort()).toEqual([...LABELS].sort());
  });

  it("receives a new label", () => {
    const labels = [...CATALOGUE.labels, { name: "mcp_new", values: ["a", "b"], isOptional: false }];
    const families = [...CATALOGUE.families, { name: "mcp_news_total", isHistogram: false, labels: labels.slice(-1) }];
    expect(labelsOf(regenerated(path, read(path), { labels, families }))).toContain("mcp_new");
  });
});

it("has no label whose name another one ends with: Envoy's tags look for them anywhere in a name", () => {
  const clashes = LABELS.flatMap((one) => LABELS.filter((other) => other !== one && other.endsWith(one)));
  expect(clashes).toEqual([]);
});
