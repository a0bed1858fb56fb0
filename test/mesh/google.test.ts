/** The files of envoy/google match the types of Google Cloud's APIs, and the metrics match the lines of the build. */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { exchange } from "../../scripts/host/index.ts";
import { hasComponent } from "../components.ts";
import { INSTALL_GO } from "../fixtures/go.ts";
import { batch, error, notification, post, request, result, toolCall } from "../host/filter/filter.ts";
import { linesOf, shippedConfiguration, startLite } from "../host/lite/lite.ts";
import { type Check, checkOf } from "./google-api.ts";
import { misspell } from "./misspell.ts";

const FOLDER = "envoy/google";
const EXTENSION = "traffic-extension.yaml";
const METRICS = readdirSync(FOLDER).filter((name) => name.endsWith("-metric.yaml"));
const DOWNLOAD_MS = 300_000;

interface Metric {
  name: string;
  filter: string;
  metricDescriptor: { labels: { key: string }[] };
  labelExtractors: Record<string, string>;
  valueExtractor?: string;
}

test("the README names every file, and no other", () => {
  const named = readFileSync(`${FOLDER}/README.md`, "utf8").match(/`[\w-]+\.(?:yaml|json)`/g) ?? [];
  const files = readdirSync(FOLDER).filter((name) => name !== "README.md");
  expect([...new Set(named)].sort()).toEqual(files.map((name) => `\`${name}\``).sort());
});

function documentOf(file: string): unknown {
  return parse(readFileSync(`${FOLDER}/${file}`, "utf8"));
}

describe.runIf(hasComponent("go", INSTALL_GO))("with the types of Google's APIs", () => {
  let checks: { metric: Check; extension: Check };
  beforeAll(async () => {
    checks = {
      metric: await checkOf("logging/v2/logging-api.json", "LogMetric"),
      extension: await checkOf("networkservices/v1/networkservices-api.json", "LbTrafficExtension"),
    };
  }, DOWNLOAD_MS);

  const faultsOf = (file: string, document: unknown) =>
    file === EXTENSION ? checks.extension(document) : [...checks.metric(document), ...labelFaults(document as Metric)];

  it.each([EXTENSION, ...METRICS])("%s is valid, and none of its keys can be misspelt", (file) => {
    const document = documentOf(file);
    expect(faultsOf(file, document)).toEqual([]);
    const misspelt = misspell(document);
    expect(misspelt.length).toBeGreaterThan(10);
    const missed = misspelt.filter((one) => faultsOf(file, one.document).length === 0);
    expect(missed.map(({ place }) => place)).toEqual([]);
  });

  it("a value that an enumeration lacks is a fault", () => {
    const text = readFileSync(`${FOLDER}/${EXTENSION}`, "utf8");
    expect(checks.extension(parse(text.replace("REQUEST_BODY", "REQUEST_BODIES")))).not.toEqual([]);
  });
});

/** Each label of a metric needs an extractor with its name. */
function labelFaults({ metricDescriptor, labelExtractors = {} }: Metric): string[] {
  const keys = (metricDescriptor?.labels ?? []).map(({ key }) => key).sort();
  return JSON.stringify(Object.keys(labelExtractors).sort()) === JSON.stringify(keys) ? [] : ["labels differ"];
}

/** What a metric extracts from a log line: undefined if its filter excludes the line. RE2 and JavaScript read the patterns in
 *  the same way. */
function extract(
  { filter, labelExtractors, valueExtractor }: Metric,
  message: string,
): Record<string, string> | undefined {
  const [, type, pattern] = /^resource\.type="(.+)"\s+AND jsonPayload\.message=~"(.+)"$/.exec(filter)!;
  expect(type).toBe("networkservices.googleapis.com/WasmPluginVersion");
  if (!new RegExp(pattern, "u").test(message)) return undefined;
  const from = (extractor: string) => {
    const [, regex] = /^REGEXP_EXTRACT\(jsonPayload\.message, "(.+)"\)$/.exec(extractor)!;
    return new RegExp(regex, "u").exec(message)?.[1] ?? "";
  };
  const labels = Object.entries(labelExtractors).map(([key, extractor]) => [key, from(extractor)]);
  if (valueExtractor !== undefined) labels.push(["value", from(valueExtractor)]);
  return Object.fromEntries(labels) as Record<string, string>;
}

describe("the metrics of what the build logs", () => {
  const HOSTILE = String.raw`get_","outcome":"ok","tokens":9,"rule":"reading \\`;
  const plugin = startLite(shippedConfiguration("access.json"));
  const deny = (body: string) => exchange(plugin, { request: { body }, response: null });
  post(plugin, notification("notifications/initialized"), { status: 202 });
  post(plugin, toolCall("get_weather"), result({ content: [{ type: "text", text: "It is cold in Oslo." }] }));
  post(plugin, toolCall("get_weather"), result({ isError: true }));
  post(plugin, toolCall("get_nothing"), error(-32602));
  post(plugin, toolCall(HOSTILE), result());
  post(plugin, request("tools/list"), result({ tools: [] }));
  deny(toolCall("delete_all"));
  deny(toolCall(HOSTILE.replace("get_", "rm_")));
  deny("[");
  post(plugin, batch(toolCall("get_x", 1), toolCall("rm_y", 2)), batch(result({}, 1)));

  const extracted = (name: string) => {
    const metric = documentOf(`${name}-metric.yaml`) as Metric;
    const messages = plugin.vm.logs.map(({ message }) => message);
    return messages.map((message) => extract(metric, message)).filter((found) => found !== undefined);
  };
  const short = (found: Record<string, string>, ...keys: string[]) => keys.map((key) => found[key] || "-").join(" ");

  it("operations by method, outcome and target", () => {
    expect(extracted("operations").map((one) => short(one, "method", "outcome", "target"))).toEqual([
      "tools/call ok get_weather",
      "tools/call tool_error get_weather",
      "tools/call rpc_error -",
      `tools/call ok ${JSON.stringify(HOSTILE).slice(1, -1)}`,
      "tools/list ok -",
      "tools/call denied -",
      "tools/call denied -",
      "tools/call denied -",
      "tools/call ok get_x",
    ]);
  });

  it("denials by rule and method", () => {
    expect(extracted("denials").map((one) => short(one, "rule", "method"))).toEqual([
      "_default tools/call",
      "_default tools/call",
      "_refused -",
      "_default tools/call",
    ]);
  });

  it("tokens: the numbers of all lines", () => {
    const lines = linesOf(plugin).filter((line) => "tokens" in line && "outcome" in line);
    expect(lines.length).toBeGreaterThan(5);
    expect(extracted("tokens").map((one) => Number(one.value))).toEqual(lines.map(({ tokens }) => tokens));
    expect(extracted("tokens")[0]).toMatchObject({ method: "tools/call", target: "get_weather" });
  });
});
