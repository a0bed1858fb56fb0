/** `validate` reports what the filter reports, in every form in which a configuration can be written. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { globSync } from "tinyglobby";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { validateFile } from "../../scripts/validate/file.ts";
import { ACCESS_VALUES } from "../unit/config/access-values.ts";
import { LIMITS_VALUES } from "../unit/config/limits-values.ts";
import { read } from "../unit/config/reader.ts";
import { TRACE_VALUES } from "../unit/config/trace-values.ts";
import { itHolds } from "../unit/property.ts";

type Value = null | boolean | number | string | Value[] | { [name: string]: Value };

const WASM = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/** A filter of Envoy with a configuration as text. */
function filterOf(json: string): object {
  const configuration = { "@type": "type.googleapis.com/google.protobuf.StringValue", value: json };
  return { name: "mcp", typed_config: { "@type": WASM, config: { configuration } } };
}

/** YAML that Kubernetes and Envoy read too, which have more words for booleans than YAML 1.2. */
function yaml(value: unknown): string {
  return stringify(value, { version: "1.1" });
}

/** Each way to write a configuration: the file's name and its text. */
const FORMS: Record<string, (config: Value) => [name: string, text: string]> = {
  json: (config) => ["a.json", JSON.stringify(config, null, 2)],
  yaml: (config) => ["a.yaml", yaml(config)],
  istio: (config) => ["a.yaml", yaml({ kind: "WasmPlugin", spec: { pluginConfig: config } })],
  gateway: (config) => ["a.yaml", yaml({ kind: "EnvoyExtensionPolicy", spec: { wasm: [{ config }] } })],
  envoy: (config) => ["a.yaml", yaml({ http_filters: [filterOf(JSON.stringify(config, null, 1))] })],
  envoyJson: (config) => ["a.json", JSON.stringify({ resources: [filterOf(JSON.stringify(config))] })],
  kuma: (config) => {
    const value = yaml(filterOf(JSON.stringify(config)));
    return ["a.yaml", yaml({ spec: { default: { appendModifications: [{ httpFilter: { value } }] } } })];
  },
  consul: (config) => ["a.hcl", `Configuration = <<JSON\n${JSON.stringify(config, null, 2)}\nJSON\n`],
  consulString: (config) => ["a.hcl", `Kind = "a"\nConfiguration = ${JSON.stringify(JSON.stringify(config))}\n`],
};

function problemsIn(name: string, text: string): string[] {
  return validateFile(name, Buffer.from(text))
    .problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`)
    .sort();
}

function reportsOf(json: string): string[] {
  const { errors, warnings } = read(json);
  return [...errors.map((text) => `error ${text}`), ...warnings.map((text) => `warning ${text}`)].sort();
}

function expectAgreement(config: Value): void {
  const reports = reportsOf(JSON.stringify(config));
  for (const [form, write] of Object.entries(FORMS)) {
    expect(problemsIn(...write(config)), `${form} ${JSON.stringify(config)}`).toEqual(reports);
  }
}

/** The objects among the pages' blocks of JSON. */
const EXAMPLES = globSync("docs/**/*.md").flatMap((page) =>
  [...readFileSync(page, "utf8").matchAll(/^```json\n(.*?)^```/gms)].flatMap(([, json]): [string, Value][] => {
    try {
      const value = JSON.parse(json) as Value;
      // Others are messages of MCP and manifests.
      const isOther =
        typeof value !== "object" ||
        value === null ||
        Array.isArray(value) ||
        "jsonrpc" in value ||
        "resources" in value;
      return isOther ? [] : [[page, value]];
    } catch {
      return [];
    }
  }),
);

/** The tables of values with which filter and schema are compared, as whole configurations. */
const TABLES = Object.entries({ ...ACCESS_VALUES, ...LIMITS_VALUES, ...TRACE_VALUES }).map(([path, values]) => {
  const configurations = values.map((value): Value => {
    const inner = path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
    return { match: { paths: ["/mcp"] }, ...(inner as { [name: string]: Value }) };
  });
  return [path, configurations] as const;
});

describe("validate agrees with the filter", () => {
  it("on every example of the documentation", () => {
    expect(EXAMPLES.length).toBeGreaterThan(20);
    for (const [, config] of EXAMPLES) expectAgreement(config);
  });

  it.each(TABLES)("on %s", (_, configurations) => {
    for (const config of configurations) {
      const text = JSON.stringify(config);
      expect(problemsIn("a.json", text), text).toEqual(reportsOf(text));
    }
  });

  const values: Value[] = [
    null,
    true,
    0,
    -1,
    1.5,
    1e300,
    "",
    "x",
    "on",
    "\u202e\u0007é😀",
    "x".repeat(300),
    [],
    {},
    ["*"],
    [1],
  ];
  const steps = fc.array(fc.record({ at: fc.nat(), kind: fc.nat(3), value: fc.constantFrom(...values) }), {
    minLength: 1,
    maxLength: 4,
  });
  itHolds(
    "on examples with some values replaced, removed, renamed or added",
    500,
    fc.property(fc.constantFrom(...EXAMPLES.map(([, config]) => config)), steps, (config, changes) => {
      const changed = structuredClone(config);
      for (const change of changes) apply(changed, change);
      expectAgreement(changed);
    }),
  );

  itHolds(
    "on any JSON text that is cut or has a byte too many",
    500,
    fc.property(fc.constantFrom(...EXAMPLES.map(([, config]) => config)), fc.nat(), fc.string(), (config, at, text) => {
      const json = JSON.stringify(config, null, 2);
      const place = at % json.length;
      const broken = json.slice(0, place) + (text === "" ? "" : text + json.slice(place));
      if (/^\s*[[{]/.test(broken)) expect(problemsIn("a.json", broken)).toEqual(reportsOf(broken));
    }),
  );
});

interface Change {
  at: number;
  kind: number;
  value: Value;
}

/** Changes one of all members in a value. */
function apply(config: Value, { at, kind, value }: Change): void {
  const members: [object, string][] = [];
  JSON.stringify(config, function (this: object, key, inner: Value) {
    if (key !== "") members.push([this, key]);
    return inner;
  });
  const [parent, key] = members[at % members.length] ?? [];
  if (parent === undefined || key === undefined) return;
  const own = parent as Record<string, Value>;
  const old = own[key];
  if (kind === 0) own[key] = value;
  else if (Array.isArray(parent)) parent.splice(Number(key), 1, ...(kind === 1 ? [] : [old, old]));
  else {
    if (kind !== 3) Reflect.deleteProperty(own, key);
    if (kind !== 1) own[`${key}s`] = old;
  }
}
