import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { ACCESS_VALUES } from "./access-values.ts";
import { LIMITS_VALUES } from "./limits-values.ts";
import { read } from "./reader.ts";
import { TRACE_VALUES } from "./trace-values.ts";

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly default?: unknown;
  /** Accepted for the configurations of older versions: the documentation does not list it. */
  readonly deprecated?: boolean;
  readonly description?: string;
}

const schema = JSON.parse(readFileSync("envoy/plugin-config.schema.json", "utf8")) as Schema;
const ajv = new Ajv2020();
const isValid = ajv.compile(schema);

/** All fields of a schema that have no fields inside, by their paths. */
function fieldsOf({ properties = {} }: Schema, path: string[] = []): [string, Schema][] {
  return Object.entries(properties).flatMap(([name, field]) =>
    field.properties ? fieldsOf(field, [...path, name]) : [[[...path, name].join("."), field] as [string, Schema]],
  );
}

/** The sections that require `match.paths`. */
const REQUIRE_PATHS = ["access", "limits"];

/** The fields that these sections cannot be without. */
const REQUIRED: Record<string, object> = { trace: { cluster: "otel" } };

/** A configuration that has this value at a path, and what it cannot be without. */
function configurationOf(path: string, value: unknown): unknown {
  const [field, ...names] = path.split(".");
  const own = names.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
  const inner = names.length ? { ...REQUIRED[field], ...(own as object) } : own;
  return { ...(REQUIRE_PATHS.includes(field) && { match: { paths: ["/mcp"] } }), [field]: inner };
}

/** The configurations in a page: its blocks of JSON. */
function examplesIn(page: string): string[] {
  return [...readFileSync(page, "utf8").matchAll(/^```json\n(.*?)^```/gms)].map((match) => match[1]);
}

/** Whether an example is a whole configuration; others are lines of the audit, and parts of a policy. */
function isConfiguration(json: string): boolean {
  return !/^\s*\{\s*"(event|denial|jsonrpc)"/.test(json);
}

/** What an Envoy configuration gives to the filter. */
function configurationsIn(file: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const configuration = (node as Record<string, unknown>).configuration as { value?: unknown } | undefined;
    if (typeof configuration?.value === "string") found.push(configuration.value);
    Object.values(node).forEach(visit);
  };
  visit(parse(readFileSync(file, "utf8")));
  return found;
}

describe("the schema of the configuration", () => {
  it("is one of JSON Schema 2020-12", () => {
    expect(ajv.validateSchema(schema), JSON.stringify(ajv.errors)).toBe(true);
  });

  it("describes every field", () => {
    expect(fieldsOf(schema).filter(([, { description }]) => !description)).toEqual([]);
  });

  it("has the filter's defaults", () => {
    for (const [path, field] of fieldsOf(schema).filter(([, field]) => "default" in field)) {
      const [section] = path.split(".");
      const required = REQUIRED[section] ?? {};
      const unset = REQUIRE_PATHS.includes(section) || REQUIRED[section] ? configurationOf(section, required) : {};
      expect(read(JSON.stringify(configurationOf(path, field.default))), path).toEqual(read(JSON.stringify(unset)));
    }
  });
});

const TEXTS = ["", "x", "a".repeat(256), "a".repeat(257), null, 1, true, [], {}];
const SERVERS = [
  ...TEXTS,
  ...["{namespace}/{workload}", "{cluster}", "{route}{route}", "a{node.id}b{node.cluster}", "é {namespace}"],
  ...[
    "NAME",
    "LABELS.app",
    "A.B.C",
    "a b",
    "a{b",
    "a\\b",
    "~",
    " ",
    ".A",
    "A.",
    "A..B",
    "A[b]",
    "A]",
    "é",
    "\n",
    "",
  ].map((keys) => `{node.metadata.${keys}}`),
  ...["[a.b/c]", "[a][b].c", ".A[b.c].D", "[a[b]", "[]", "[a", "a]", "[a]b", "[ ]", "[\u007f]", "", ".", "s.a"].map(
    (keys) => `{node.metadata${keys}}`,
  ),
  ...[
    "{",
    "}",
    "{}",
    "{{}}",
    "{{a}}",
    "a}",
    "}{",
    "{a",
    "{name}",
    "{ namespace }",
    "{Namespace}",
    "{node}",
    "{node.ids}",
  ],
];
const LISTS = [[], ["a"], ["a", ""], ["a".repeat(257)], ["a", 1], [null], [[]], null, "a", {}, 1];
const PATHS = [
  ...[[], ["/"], ["/*"], ["/mcp", "/tools/*"], ["/mcp*"], ["/é"], ["/a;b=c"], ["/%20"]],
  ...["", "*", "mcp", "http://a/mcp", " /mcp", "/mcp ", "/a b", "/a?b", "/a#b", "/*/a", "/a**", "/a\n", "/a\u007f"].map(
    (path) => ["/mcp", path],
  ),
  ...[[`/${"a".repeat(256)}`], ["/a", 1], [null], null, "/mcp", {}],
];
const NUMBERS = [0, 1, 2, 63, 64, 65, 1024, 1025, 1_048_576, 1_048_577, 1.5, -1, 1e9, 1e300, null, "1", true, [], {}];
const DURATIONS = [
  ...["1s", "90s", "30m", "1.5h", "0.5h", "0.25h", "01s", "001.50m", "1000ms", "1000.5ms", "720h", "99999999999h"],
  ...["0.02m", "0.01m", "0.10m", "0.1m", "0.09m", "0.01h", "0.00h", "00.01h", "1.0s", "0.99s", "999ms", "0999ms"],
  ...["500ms", "0s", "", "30", "x", "s", ".5h", "1.s", "1.5.2s", "1.125h", "1e3s", "-1s", " 1s", "1s\n", "1S", "1d"],
  ...["٣s", `${"9".repeat(255)}s`, `${"9".repeat(256)}s`, 30, null, true, [], {}],
];

const SIZES = [
  ...["0B", "1B", "512B", "64KiB", "007KiB", "1MiB", "999MiB", "1GiB", "0GiB", "999999999B", "999999KiB"],
  ...["1073741824B", "1073741825B", "1048576KiB", "1048577KiB", "1024MiB", "1025MiB", "2GiB", "01GiB", "00000000001B"],
  ...["", "64", "KiB", "64K", "64kib", "64 KiB", "1.5MiB", "-1B", "1e3B", "64KiB\n", "17179869184GiB", "1TiB", "٣KiB"],
  ...["9999999999999B", `${"1".repeat(256)}B`, 65536, null, true, [], {}],
];

/** Values for each field: all that it may be, and what it may not. */
const VALUES: Record<string, unknown[]> = {
  instance: TEXTS,
  role: [...TEXTS, "client", "server", "Client", "both"],
  server: SERVERS,
  match: [...TEXTS, { hosts: [] }],
  "match.paths": PATHS,
  sessions: [...TEXTS, { idle: "1s" }],
  "sessions.idleTimeout": DURATIONS,
  "sessions.max": NUMBERS,
  "sessions.callerKey": [...LISTS, Array(8).fill("x-user"), Array(9).fill("x-user")],
  labels: [...TEXTS, { maxTool: 1 }],
  "labels.maxTools": NUMBERS,
  "labels.maxServers": NUMBERS,
  "labels.tools": LISTS,
  "labels.caller": [...TEXTS, false, "true", "none", "address", "principal", "client", "Address"],
  tokens: [...TEXTS, { max: "1B" }],
  "tokens.estimate": [...TEXTS, false, "true"],
  "tokens.scale": [...NUMBERS, 0.01, 0.0099, 100, 100.01, 1e-3],
  "tokens.maxBytes": SIZES,
  ...ACCESS_VALUES,
  ...LIMITS_VALUES,
  ...TRACE_VALUES,
  logFields: [...TEXTS, false, "true"],
  responseHeaders: [...TEXTS, false, "true"],
  log: [...TEXTS, "trace", "debug", "info", "warn", "error", "warning", "Warn"],
  unheard: TEXTS,
};

/** Errors that take knowledge of MCP, or that compare rules or numbers with each other: more than a schema can say. */
const BEYOND_SCHEMAS = /never matches|each new session has its own allowance|because one caller may use a quarter/;

/** Whether the filter accepts a configuration, apart from rules that a schema cannot express. */
function isTaken(json: string): boolean {
  const { errors, warnings } = read(json);
  return (
    errors.every((error) => BEYOND_SCHEMAS.test(error)) && !warnings.some((text) => text.includes("unknown field"))
  );
}

describe("filter and schema agree", () => {
  it("on a table, VALUES, that has every field of the schema", () => {
    const paths = fieldsOf(schema).map(([path]) => path);
    expect(paths.filter((path) => !(path in VALUES))).toEqual([]);
  });

  it.each(Object.keys(VALUES))("on %s: what one takes the other takes", (path) => {
    const outcomes = new Set<boolean>();
    for (const value of VALUES[path]) {
      const configuration = configurationOf(path, value);
      const taken = isTaken(JSON.stringify(configuration));
      expect(isValid(configuration), JSON.stringify(configuration)).toBe(taken);
      outcomes.add(taken);
    }
    // Only a field that nobody knows is never taken.
    expect(outcomes).toEqual(path === "unheard" ? new Set([false]) : new Set([true, false]));
  });

  it.each([
    [{ identity: { principalSources: ["jwt"] } }, { access: { principalSources: ["jwt"] } }],
    [{ identity: { jwtPayloadKey: "a" } }, { access: { jwtPayloadKey: "a" } }],
    [{ hold: { headers: true } }, { access: { holdHeaders: true } }],
    [{ hold: { maxBodyBytes: "1MiB" } }, { access: { maxBodyBytes: "1MiB" } }],
  ])("on %j, which can also be in %j, but not in both", (now, before) => {
    const isTakenByBoth = (fields: object) => {
      const configuration = { match: { paths: ["/mcp"] }, ...fields };
      return [isValid(configuration), isTaken(JSON.stringify(configuration))];
    };
    for (const one of [now, before, { ...now, access: {} }]) expect(isTakenByBoth(one)).toEqual([true, true]);
    expect(isTakenByBoth({ ...now, ...before })).toEqual([false, false]);
  });

  it.each([null, true, 1, "x", []])("on %j, which is no configuration", (value) => {
    expect(isValid(value)).toBe(false);
    expect(read(`${JSON.stringify(value)} `).errors).toHaveLength(1);
  });

  it.each(["1500.0", "1.5e3", "1500.5"])("on sessions.max as %s", (text) => {
    const json = `{"sessions":{"max":${text}}}`;
    expect(isValid(JSON.parse(json))).toBe(read(json).errors.length === 0);
  });
});

describe("what is shown to operators is taken by both", () => {
  const pages = [
    "README.md",
    "docs/configuration.md",
    "docs/access.md",
    "docs/pins.md",
    "docs/shaping.md",
    "docs/tracing.md",
  ];
  const shown = [
    ...pages.flatMap((page) =>
      examplesIn(page)
        .filter(isConfiguration)
        .map((json) => [page, json] as const),
    ),
    ...configurationsIn("envoy/envoy.yaml").map((json) => ["envoy/envoy.yaml", json] as const),
  ];

  it("and there is some of it", () => {
    expect(new Set(shown.map(([file]) => file))).toEqual(new Set([...pages, "envoy/envoy.yaml"]));
  });

  it.each(shown)("in %s: %s", (_file, json) => {
    expect(isValid(JSON.parse(json)), JSON.stringify(isValid.errors)).toBe(true);
    expect(read(json)).toMatchObject({ errors: [], warnings: [] });
  });

  it("in docs/configuration.md: each field, with its default", () => {
    const [beginning] = readFileSync("docs/configuration.md", "utf8").split("\n## ");
    const table = beginning.matchAll(/^\| `([\w.]+)` +\| (?:`(.*?)`|[^|]*?) +\|/gm);
    const told = Object.fromEntries(
      [...table].map(([, path, json]) => [path, json ? (JSON.parse(json) as unknown) : ""]),
    );
    const present = fieldsOf(schema).filter(([, { deprecated }]) => !deprecated);
    const fields = Object.fromEntries(present.map(([path, field]) => [path, "default" in field ? field.default : ""]));
    expect(told).toEqual(fields);
  });

  it("in a comment of envoy/envoy.yaml: each field, or the section that it is in", () => {
    const [, comment] = readFileSync("envoy/envoy.yaml", "utf8").split("The fields and their defaults:\n");
    const [lines] = comment.split(/^ *[^# ]/m);
    const told = [...lines.matchAll(/^ *# {3}([\w.]+) /gm)].map(([, path]) => path);
    const present = fieldsOf(schema).filter(([, { deprecated }]) => !deprecated);
    const paths = present.map(([path]) => path);
    const isTold = (path: string) => told.includes(path) || told.includes(path.split(".")[0]);
    expect(paths.filter((path) => !isTold(path))).toEqual([]);
    expect(told.filter((path) => !paths.some((field) => field === path || field.startsWith(`${path}.`)))).toEqual([]);
  });
});
