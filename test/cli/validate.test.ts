/** `validate` as users run it: what it prints, and where it finds each problem. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { validateFile } from "../../scripts/validate/file.ts";
import { locate } from "../../scripts/validate/report.ts";
import { fileText } from "../../scripts/validate/text.ts";
import { documentsIn, faultsOf } from "../../scripts/validate/yaml.ts";
import { runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "mcp-validate-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The problems of a file: line and column, then the problem. */
function problemsIn(name: string, text: string): string[] {
  return validateFile(name, Buffer.from(text)).problems.map((problem) => {
    const { line, column, severity, path, message } = locate(name, text, problem);
    return `${line}:${column} ${severity} ${path === "" ? message : `${path}: ${message}`}`;
  });
}

/** A file of envoy/ with replaced texts, each of which must be there. */
function shipped(path: string, replaced: Record<string, string>): string {
  return Object.entries(replaced).reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${path} does not contain ${from}`);
      return text.replaceAll(from, to);
    },
    readFileSync(`envoy/${path}`, "utf8"),
  );
}

/** Line and column of the only occurrence of a text. */
function placeOf(text: string, part: string): string {
  const before = text.split(part);
  expect(before).toHaveLength(2);
  const lines = before[0].split("\n");
  return `${lines.length}:${[...(lines.at(-1) ?? "")].length + 1}`;
}

const MISSPELT = 'error role: expected client or server, got "servr"; did you mean "server"?';

describe("finds a wrong value in each mesh's file, at its place", () => {
  it.each([
    ["istio/sidecar-inbound.yaml", "role: server", "role: servr", "servr"],
    ["istio/waypoint.yaml", "role: server", "role: servr", "servr"],
    ["istio/traffic-extension.yaml", "role: server", "role: servr", "servr"],
    ["gateway/extension-policy.yaml", "role: server", "role: servr", "servr"],
    ["gateway/patch-policy.yaml", '"role":"server"', '"role":"servr"', '"servr"'],
    ["kuma/inbound.kubernetes.yaml", '"role":"server"', '"role":"servr"', '"servr"'],
    ["kuma/access.universal.yaml", '"role": "server"', '"role": "servr"', '"servr"'],
    ["consul/access.hcl", '"role": "server"', '"role": "servr"', '"servr"'],
    ["raw/extension.yaml", '"role":"server"', '"role":"servr"', '"servr"'],
    ["raw/jwt.yaml", '"role": "server"', '"role": "servr"', '"servr"'],
    ["envoy.yaml", '"logFields":true', '"role":"servr"', '"servr"'],
  ])("%s", (path, from, to, part) => {
    const text = shipped(path, { [from]: to });
    expect(problemsIn(path, text)).toEqual([`${placeOf(text, part)} ${MISSPELT}`]);
  });

  it("in a string of JSON, and in Envoy's other types of messages", () => {
    const type = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
    const filter = (configuration: object) => JSON.stringify({ "@type": type, config: { configuration } }, null, 2);
    const text = filter({ "@type": "google.protobuf.StringValue", value: '{\n "é\\t😀": 1, "role":\n\t"servr"}' });
    const inner = String.raw`\"servr\"`;
    expect(problemsIn("a.json", text)).toEqual([
      expect.stringMatching(/^6:21 warning é\\u0009😀: unknown field, ignored$/) as string,
      `${placeOf(text, inner)} ${MISSPELT}`,
    ]);
    const struct = filter({ "@type": "google.protobuf.Struct", value: { role: "servr" } });
    expect(problemsIn("a.json", struct)).toEqual([`${placeOf(struct, '"servr"')} ${MISSPELT}`]);
    const bytes = filter({ "@type": "google.protobuf.BytesValue", value: btoa('{"role":"servr"}') });
    expect(problemsIn("a.json", bytes)).toEqual([`${placeOf(bytes, '"eyJ')} ${MISSPELT}`]);
    const typed = { "@type": "xds.type.v3.TypedStruct", type_url: type, value: JSON.parse(filter({})) as object };
    expect(validateFile("a.json", Buffer.from(JSON.stringify(typed))).configurations).toBe(1);
  });

  it("in several filters, a list of resources and a ConfigMap", () => {
    const plugin = (role: string) => ({ kind: "WasmPlugin", spec: { pluginConfig: { role } } });
    const list = JSON.stringify({
      kind: "List",
      apiVersion: "v1",
      items: [plugin("servr"), plugin("server"), plugin("cli")],
    });
    expect(problemsIn("a.json", list)).toHaveLength(2);
    const map = `kind: ConfigMap\ndata:\n  envoy.yaml: |\n${shipped("envoy.yaml", { '"logFields":true': '"role":"servr"' }).replaceAll(/^/gm, "    ")}`;
    expect(problemsIn("a.yaml", map)).toEqual([`${placeOf(map, '"servr"')} ${MISSPELT}`]);
  });

  it("in folded and quoted strings of YAML", () => {
    const head = `x:\n  "@type": a/envoy.extensions.filters.http.wasm.v3.Wasm\n  config:\n    configuration:\n      value: `;
    for (const tail of [
      `>-  # comment\n        {\n          "server": "it''s",\n          "role":\n            "servr" }\n`,
      `'{ "server": "it''s",\n        "role": "servr" }'\n`,
      `"{ \\"server\\": \\"it's\\",\\n \\\n        \\u0022role\\": "servr\\" }"\n`.replace('"servr', '\\"servr'),
    ]) {
      const text = head + tail;
      expect(problemsIn("a.yaml", text), text).toEqual([
        `${placeOf(text, tail.includes('\\"servr') ? '\\"servr' : '"servr')} ${MISSPELT}`,
      ]);
    }
  });
});

describe("finds the place", () => {
  it("of a field that is missing, unknown or there twice", () => {
    const text =
      '{\n  "limits": {\n    "rules": [\n      { "name": "a", "x.y": 1 }\n    ]\n  },\n  "role": "client",\n  "role": "client"\n}\n';
    expect(problemsIn("a.json", text)).toEqual([
      "2:13 error limits: match.paths is required: without it, a client could bypass the limits by changing headers",
      "4:7 error limits.rules[0].key: expected an array of parts, [] for one allowance that all share",
      "4:7 error limits.rules[0]: expected requests, tokens, concurrency or repeats",
      expect.stringMatching(/^4:22 error limits\.rules\[0\]\.x\.y: unknown field/) as string,
      "8:3 error role: duplicate field",
    ]);
  });

  it("of JSON that is invalid, in a file and in a manifest", () => {
    expect(problemsIn("a.json", '{\n  "é": [,\n}')).toEqual([
      "2:9 error configuration: expected a JSON object, got invalid JSON: syntax error at line 2, column 10",
    ]);
    const text = shipped("raw/mtls.yaml", { '"rules": [': '"rules": [,' });
    expect(problemsIn("a.yaml", text)).toEqual([
      expect.stringMatching(
        new RegExp(`^${placeOf(text, '"rules": [,').split(":")[0]}:\\d+ error configuration: .*invalid JSON`),
      ) as string,
    ]);
  });

  it.each([
    ["a.yaml", "a: b\n c: d\n", /^1:\d+ error invalid YAML: /],
    [
      "a.yaml",
      "kind: WasmPlugin\nspec:\n  pluginConfig: {}\n  pluginConfig: {}\n",
      /^4:\d+ error invalid YAML: .*unique/,
    ],
    ["a.yaml", "access: &a [*a]\n", /^1:1 error invalid YAML: /],
    ["a.yaml", `a: ${"[".repeat(20_000)}`, /^1:\d+ error invalid YAML: /],
    ["a.yaml", "spec: {}\n---\nkind: [", /^3:\d+ error invalid YAML: /],
    ["a.json", "[".repeat(20_000), /^1:513 error configuration: .*nested too deeply/],
    ["a.hcl", 'Kind = "a"\nConfiguration = <<JSON\n{}\n', /^2:\d+ error invalid HCL: /],
    ["a.hcl", "A {\n  B = [\n}\n", /^3:1 error invalid HCL: unexpected }$/],
    ["a.hcl", "A {\n  B {\n  }\n", /^1:3 error invalid HCL: no } for this brace$/],
    ["a.yaml", "", /^1:1 error the file contains no plugin configuration$/],
    ["a.yaml", "apiVersion: v1\nkind: Service\n", /^1:1 error the file contains no plugin configuration$/],
    ["a.hcl", 'Kind = "mesh"\n# Configuration = "x"\n', /^1:1 error the file contains no plugin configuration$/],
    ["a.json", '{ "static_resources": {} }', /^1:1 error the file contains no plugin configuration$/],
  ])("of what is wrong with %s (%#)", (name, text, problem) => {
    expect(problemsIn(name, text)).toEqual([expect.stringMatching(problem)]);
  });

  it("of a boolean that only older YAML has, as Kubernetes and Envoy read it", () => {
    expect(problemsIn("a.yaml", "server: on\n")).toEqual([
      "1:9 error server: expected a string of at most 256 bytes, got true",
    ]);
  });
});

it("finds a configuration in every shipped file that has a filter", () => {
  const files = ["istio", "kuma", "consul", "gateway", "raw", "linkerd", "emissary"].flatMap((mesh) =>
    readdirSync(`envoy/${mesh}`).map((name) => `envoy/${mesh}/${name}`),
  );
  for (const file of files.filter((file) => /\.(yaml|hcl)$/.test(file))) {
    const text = readFileSync(file, "utf8");
    const hasFilter = /pluginConfig:|PluginConfig =|failOpen:|root_id: mcp$/m.test(text);
    const { configurations, problems } = validateFile(file, Buffer.from(text));
    expect([file, configurations > 0, problems.length]).toEqual([file, hasFilter, hasFilter ? 0 : 1]);
  }
});

describe("the command", () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it("prints every problem with its place, and fails if one is an error", async () => {
    const wrong = file("wrong.json", '{\n  "role": "servr",\n  "future": 1\n}\n');
    const right = file("right.yaml", "role: server\nfuture: 1\n");
    expect(await runCli(["validate", wrong, right])).toEqual({
      code: 1,
      stderr: "",
      stdout: [
        `${wrong}:2:11: ${MISSPELT.replace(" ", ": ")}`,
        `${wrong}:3:3: warning: future: unknown field, ignored`,
        `${wrong}: 1 plugin configuration, 1 error, 1 warning`,
        `${right}:2:1: warning: future: unknown field, ignored`,
        `${right}: 1 plugin configuration, 0 errors, 1 warning`,
        "",
      ].join("\n"),
    });
    expect(await runCli(["validate", right])).toMatchObject({ code: 0 });
  });

  it("reads standard input and prints JSON", async () => {
    const { code, stdout } = await runCli(
      ["validate", "-", "-o", "json"],
      "spec: {}\nkind: WasmPlugin\n---\nrole: servr\n",
    );
    expect([code, JSON.parse(stdout)]).toEqual([0, [{ file: "-", configurations: 1, problems: [] }]]);
    const second = await runCli(["validate", "-", "--output", "json"], "role: servr\n");
    const problem = { line: 1, column: 7, severity: "error", configuration: "", path: "role" };
    expect([second.code, JSON.parse(second.stdout)]).toEqual([
      1,
      [
        {
          file: "-",
          configurations: 1,
          problems: [{ file: "-", ...problem, message: MISSPELT.replace("error role: ", "") }],
        },
      ],
    ]);
  });

  it("keeps few faults of text that has one at every word, and the first fault of every document", () => {
    const text = fileText(`${'{"a":1}\n'.repeat(1000)}---\n{"b":1} {}\n`);
    const documents = documentsIn(text);
    for (const { errors } of documents) expect(errors.length).toBeLessThan(10);
    const places = faultsOf(documents, text, "").map(({ offset }) => offset);
    expect(places).toEqual([8, text.text.length - 3]);
  });

  it("escapes control characters of the file", async () => {
    const { stdout } = await runCli(["validate", "-"], '{ "\\u001b[31m\u202e": 1, "server": "\\u001b{" }');
    expect(stdout).not.toMatch(/[^\P{C}\n]/u);
    expect(stdout).toContain(String.raw`\u001b[31m\u{202e}: unknown field`);
  });

  it("ends quietly when its reader has gone", async () => {
    const files = Array<string>(50).fill("envoy/plugin-config.schema.json").join(" ");
    const shell = `${process.execPath} --import tsx scripts/cli.ts validate ${files} | head -c 1`;
    expect(await promisify(execFile)("sh", ["-c", shell])).toEqual({ stdout: "e", stderr: "" });
  });

  it("checks with the build of the module that --build names", async () => {
    const file = join(folder, "labels.json");
    writeFileSync(file, '{"labels":{}}');
    expect(await runCli(["validate", file])).toMatchObject({ code: 0, stdout: expect.stringContaining("0 warnings") });
    const lite = await runCli(["validate", "--build", "lite", file]);
    expect(lite).toMatchObject({ code: 0, stdout: expect.stringContaining("warning: labels: ignored: not part of") });
    expect(await runCli(["validate", "--build", "apache", file])).toMatchObject({ code: 2 });
  });

  it("says in one sentence what it cannot do", async () => {
    expect(await runCli(["validate", join(folder, "missing.json")])).toEqual({
      code: 2,
      stdout: "",
      stderr: `error: ${join(folder, "missing.json")} cannot be read (ENOENT).\n`,
    });
    expect(await runCli(["validate"])).toMatchObject({ code: 2, stderr: expect.stringContaining("--help") as string });
  });
});
