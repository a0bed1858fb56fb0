/** The relabel rules take every name apart that the filter can make, as the stats_tags rules do. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { until } from "../envoy/sessions/until.ts";
import type { Family } from "../../scripts/metrics/catalogue.ts";
import { CATALOGUE, closedLabels, documentedFamilies } from "./catalogue.ts";
import { hasPrometheus, startPrometheus } from "./prometheus.ts";
import { sanitized } from "./sanitized.ts";
import { FOLDER } from "./shipped.ts";

/** The one family without any label. */
const UNLABELLED = "mcp_configuration_invalid";
const LABELLED = CATALOGUE.families.filter(({ name }) => name !== UNLABELLED);
const METHODS = CATALOGUE.labels.find(({ name }) => name === "mcp_method_name")?.values ?? [];
const OTHERS = "what has no labels in its name";

/** Values that are hard to tell from what stands around them; no two look alike once they are sanitized. */
const SERVERS = ["shop", "_OTHER", "outbound|80||shop.eu.svc", "_", "a_", "a___b", "mcp_role___client", "%E5%A4%A9"];
const TARGETS = [
  "echo",
  "_OTHER",
  "files/read-all",
  "%E5%A4%A9%E6%B0%94",
  "%5FOTHER",
  "_",
  "trailing_",
  "_leading",
  "a___b",
  "a___mcp_role___b",
  "a___mcp_server___b___mcp_method_name___ping",
  "a___gen_ai_tool_name___b",
  "a___gen_ai_prompt_name___b",
  "a___mcp_outcome___ok",
  "a___mcp_outcome___ok___mcp_caller___b",
  "a___mcp_outcome___rpc_error___rpc_response_status_code____32601",
  "a___mcp_direction___client_to_server",
  "a___mcp_change___added",
  "a___mcp_task_state___working___mcp_tasks_total",
  "a___mcp_token_kind___result___mcp_token_source___estimated",
  "a___mcp_operations_total",
  "a___mcp_access_action___deny___mcp_access_mode___shadow___mcp_access_rule___b",
];
const CALLERS = [
  ...["10.0.0.1", "::1", "2001:db8::", "fe80::a:1", "_OTHER", "/run/mcp.sock"],
  ...["spiffe://cluster.local/ns/agents/sa/a", "https://issuer.example/user%40b", "my%20agent", "ok://mcp_outcome"],
  ...["a_%5F_mcp_outcome_%5F_ok", "-%2D-", "a//b:%2F//"],
];
const CLIENTS = [
  "inspector",
  "my%20client_",
  "%E5%A4%A9",
  "_OTHER",
  "a___mcp_client_name___b",
  "a___mcp_sessions_active",
  "a___mcp_session_state___idle___mcp_protocol_version___b",
];

const RULES = [
  ...["agents-read", "_default", "a.b_", "a___mcp_access_rule___b", "a___mcp_access_mode___shadow"],
  ...["a___mcp_limit_rule___b", "a___mcp_limit_decision___limited___mcp_limit_rule___b"],
];
/** The labels of rules: what one decides always has one of them. */
const RULE_LABELS = ["mcp_access_rule", "mcp_limit_rule"];

/** The labels of the build. */
const BUILDS = [
  { mcp_build_version: "0.1.0", mcp_build_revision: "0123456789ab" },
  { mcp_build_version: "10.22.303", mcp_build_revision: "unknown" },
];

type Labels = Record<string, string>;

/** One line of an exposition, and what is to become of it. */
interface Line {
  /** Whose it is: a family of ours, or {@link OTHERS}. */
  family: string;
  name: string;
  labels: Labels;
  expected: Labels;
}

describe("docs/metrics.md", () => {
  it("has every family, with the labels that the filter gives it", () => {
    const documented = documentedFamilies();
    expect([...documented.keys()].sort()).toEqual(CATALOGUE.families.map(({ name }) => name).sort());
    for (const { name, isHistogram, labels } of CATALOGUE.families) {
      const further = labels.map(({ name }) => name).filter((label) => !["mcp_role", "mcp_server"].includes(label));
      const row = documented.get(name);
      expect({ isHistogram, labels: further.sort() }, name).toEqual({ ...row, labels: row?.labels.sort() });
    }
  });
});

it("scrape/kuma.yaml has the rules of relabel.yaml", () => {
  const rules = (file: string) => parse(readFileSync(join(FOLDER, file), "utf8"));
  const [{ metric_relabel_configs }] = rules("scrape/kuma.yaml").scrape_configs;
  expect({ metric_relabel_configs }).toEqual(rules("relabel.yaml"));
});

describe.runIf(hasPrometheus())("Prometheus with scrape/kuma.yaml", () => {
  const keep = endsAfterAll();
  const lines: Line[] = [...LABELLED.flatMap(linesOf), ...untouchedLines()];
  const scraped = new Map<number, Labels>();

  /** Serves an exposition; its host and port. */
  async function serve(text: string): Promise<string> {
    const server = createServer((_request, response) => response.end(text));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    keep({ close: async () => void server.close() });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  beforeAll(async () => {
    // The value of a line is its index, by which its series is found again.
    const target = await serve(
      lines.map(({ name, labels }, index) => `${name}{${labelText(labels)}} ${index}\n`).join(""),
    );
    const prometheus = keep(await startPrometheus("kuma", { "kuma-dataplanes": [{ targets: [target] }] }));
    const all = () => prometheus.query('{__name__=~"(mcp|envoy)_.+"}');
    // On a busy machine the first scrape, which relabels ten thousand series, can take a minute.
    await until(async () => (await all()).length > 0, "a scrape", 100_000);
    for (const { labels, value } of await all()) {
      // Prometheus adds these itself.
      const own = Object.entries(labels).filter(([label]) => label !== "job" && label !== "instance");
      scraped.set(value, Object.fromEntries(own));
    }
  });

  it("keeps the labels that Kuma gives a series, which are those of its target too", async () => {
    const labels = { mesh: "default", dataplane: "shop-0", service: "shop" };
    const target = await serve(`envoy_cluster_upstream_rq_total{${labelText(labels)}} 1\n`);
    const discovered = Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [`__meta_kuma_${name}`, value]),
    );
    const found = { "kuma-dataplanes": [{ targets: [target], labels: discovered }] };
    const prometheus = keep(await startPrometheus("kuma", found));
    const all = () => prometheus.query("envoy_cluster_upstream_rq_total");
    await until(async () => (await all()).length > 0, "a scrape", 100_000);
    const [series] = await all();
    expect(series.labels).toMatchObject(labels);
    expect(Object.keys(series.labels).filter((name) => name.startsWith("exported_"))).toEqual([]);
  });

  it("makes one series of each line", () => {
    expect(new Set(lines.map(({ name, labels }) => name + labelText(labels))).size).toBe(lines.length);
    expect(scraped.size).toBe(lines.length);
  });

  it.each([...LABELLED.map(({ name }) => name), OTHERS])("%s", (family) => {
    const mine = [...lines.entries()].filter(([, line]) => line.family === family);
    expect(mine.length).toBeGreaterThan(0);
    for (const [index, { name, expected }] of mine) expect(scraped.get(index), name).toEqual(expected);
  });
});

/** All closed values with plain names, and all names with one of each closed value. */
function linesOf(family: Family): Line[] {
  if (has(family, "mcp_build_version")) {
    return BUILDS.flatMap((labels) => exposed(family, encoded(family, labels), labels));
  }
  const own = closedLabels(family);
  const plain = labelsBefore(family, ["shop"], ["echo"]);
  const closed = plain.flatMap((before) => own.map((labels) => ({ ...before, ...labels })));
  const few = [own[0], own[own.length - 1]];
  const open = labelsBefore(family, SERVERS, TARGETS).flatMap((before) => few.map((own) => ({ ...before, ...own })));
  const isWhole = ruleLabel(family) === undefined;
  const named = [...closed, ...open].flatMap((labels, i) => [
    ...(isWhole ? [labels] : []),
    ...withLast(family, labels, i),
  ]);
  const byName = new Map(named.map((labels) => [encoded(family, labels), labels]));
  return [...byName].flatMap(([name, labels]) => exposed(family, name, labels));
}

function has({ labels }: Family, label: string): boolean {
  return labels.some(({ name }) => name === label);
}

function ruleLabel(family: Family): string | undefined {
  return RULE_LABELS.find((label) => has(family, label));
}

/** The labels that stand before the family's own, for these servers and tools or prompts. */
function labelsBefore(family: Family, servers: string[], targets: string[]): Labels[] {
  const isPlain = servers.length === 1;
  if (!has(family, "mcp_server")) return ["client", "server"].map((mcp_role) => ({ mcp_role }));
  const hasTool = has(family, "gen_ai_tool_name");
  const methodLabels = (method: string): Labels[] => {
    const label = { "tools/call": "gen_ai_tool_name", "prompts/get": "gen_ai_prompt_name" }[method];
    const mcp_method_name = method;
    if (label === undefined || !has(family, label)) return [{ mcp_method_name }];
    return targets.map((target) => ({ mcp_method_name, [label]: target }));
  };
  const usual = ["tools/call", "prompts/get", "notifications/resources/list_changed"];
  let labels: Labels[] = [{}];
  if (has(family, "mcp_method_name")) labels = (isPlain ? METHODS : usual).flatMap(methodLabels);
  else if (hasTool) labels = [{}, ...targets.map((gen_ai_tool_name) => ({ gen_ai_tool_name }))];
  return servers.flatMap((mcp_server) =>
    labels.map((more) => ({ mcp_role: isPlain ? "client" : "server", mcp_server, ...more })),
  );
}

/** The same with callers, clients' names or rules, where the family can have them: of callers every fourth, from another one on
 *  for each index. */
function withLast(family: Family, labels: Labels, index: number): Labels[] {
  const some = has(family, "mcp_caller") ? CALLERS.filter((_, i) => (index + i) % 4 === 0) : [];
  const callers = some.map((mcp_caller) => ({ ...labels, mcp_caller }));
  const rule = ruleLabel(family);
  if (rule === undefined) {
    if (callers.length > 0) return callers;
  } else {
    const ruled = RULES.map((name) => ({ ...labels, [rule]: name }));
    return [...ruled, ...callers.map((each, i) => ({ ...each, [rule]: RULES[i % RULES.length] }))];
  }
  if (has(family, "mcp_client_name")) return CLIENTS.map((mcp_client_name) => ({ ...labels, mcp_client_name }));
  return [];
}

/** The name that the filter gives the metric, as Envoy shows it. */
function encoded({ name, labels: inOrder }: Family, labels: Labels): string {
  const present = inOrder.filter((label) => label.name in labels);
  return sanitized(present.map((label) => `${label.name}=.=${labels[label.name]};.;`).join("") + name);
}

function exposed(family: Family, name: string, labels: Labels): Line[] {
  const expected = Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, shownAs(label, value)]));
  const line = (suffix: string, more: Labels = {}): Line => ({
    family: family.name,
    name: name + suffix,
    labels: more,
    expected: { ...expected, ...more, __name__: family.name + suffix },
  });
  return family.isHistogram ? [line("_bucket", { le: "+Inf" }), line("_sum"), line("_count")] : [line("")];
}

/** Values of open sets stay as Envoy shows them, all others are as the filter wrote them. */
function shownAs(label: string, value: string): string {
  const isOpen = /^(mcp_server|gen_ai_.+_name|mcp_caller|mcp_client_name|mcp_access_rule|mcp_limit_rule)$/.test(label);
  return isOpen ? sanitized(value) : value;
}

/** Series of others, those with labels from tags, and the one family that has none. */
function untouchedLines(): Line[] {
  const labels = { mcp_role: "server", mcp_method_name: "tools/call", gen_ai_tool_name: "tools_call" };
  const untouched: [string, Labels][] = [
    [UNLABELLED, {}],
    ["envoy_cluster_upstream_rq_total", { envoy_cluster_name: "mcp_role___server___mcp_server___a" }],
    ["mcp_rules_total", labels],
  ];
  return untouched.map(([name, labels]) => ({ family: OTHERS, name, labels, expected: { ...labels, __name__: name } }));
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(",");
}
