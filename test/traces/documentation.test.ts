/** docs/tracing.md names the attributes and events of spans, and Envoy, Istio and the filter accept its examples. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { findEnvoy } from "../../scripts/envoy/binary.ts";
import { makeAuthority } from "../access/certificates.ts";
import { hasComponent } from "../components.ts";
import { INSTALL_GO } from "../fixtures/go.ts";
import { decodeAll } from "../mesh/mesh-types.ts";

const PAGE = readFileSync("docs/tracing.md", "utf8");
const GO_MS = 600_000;
const SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";

const folder = mkdtempSync(join(tmpdir(), "mcp-tracing-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The names in the first column of the table `name`. */
function documented(name: string): string[] {
  const [, table] = new RegExp(`<!-- ${name} -->(.*)<!-- /${name} -->`, "s").exec(PAGE)!;
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, text]) => text);
}

/** The texts of the list `name` in a source. */
function listed(source: string, name: string): string[] {
  const [, list] = new RegExp(`const ${name}: string\\[\\] = \\[(.*?)\\];`, "s").exec(readFileSync(source, "utf8"))!;
  return [...list.matchAll(/"([^"]+)"/g)].map(([, text]) => text);
}

function blocks(language: string): string[] {
  return [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text);
}

/** The YAML blocks with this top-level field. */
function yamlWith(field: string): string[] {
  return blocks("yaml").filter((text) => new RegExp(`^${field}:`, "m").test(text));
}

describe("the page names, in the filter's order,", () => {
  test("every attribute", () => {
    expect(documented("attributes")).toEqual(listed("assembly/trace/otlp/attribute.ts", "ATTRIBUTE_NAMES"));
  });

  test("every event", () => {
    expect(documented("events")).toEqual(listed("assembly/trace/otlp/span_writer.ts", "SPAN_EVENT_NAMES"));
  });
});

test("its configurations are valid by the schema", () => {
  const isValid = new Ajv2020().compile(JSON.parse(readFileSync("envoy/plugin-config.schema.json", "utf8")) as object);
  const configurations = [
    ...blocks("json").map((text) => JSON.parse(text) as unknown),
    ...yamlWith("pluginConfig").map((text) => (parse(text) as { pluginConfig: unknown }).pluginConfig),
  ];
  expect(configurations).toHaveLength(2);
  for (const each of configurations) expect(isValid(each), JSON.stringify(isValid.errors)).toBe(true);
});

describe("what a table says of a backend's section is valid by the schema", () => {
  const isValid = new Ajv2020().compile(JSON.parse(readFileSync("envoy/plugin-config.schema.json", "utf8")) as object);
  const rows = [...PAGE.matchAll(/^\| (Tempo|Phoenix|MLflow|Langfuse) +\|.*$/gm)];

  test.each(rows.map(([row, name]) => ({ row, name })))("$name", ({ row }) => {
    const parts = [...row.matchAll(/`("[^`]+)`/g)].map(([, text]) => text);
    expect(parts).not.toHaveLength(0);
    const configuration = JSON.parse(`{ "trace": { "cluster": "a", ${parts.join(", ")} } }`) as unknown;
    expect(isValid(configuration), JSON.stringify(isValid.errors)).toBe(true);
  });
});

test("its clusters are what Envoy accepts", async () => {
  const authorities = join(folder, "ca.pem");
  writeFileSync(authorities, (await makeAuthority("system")).ca);
  const examples = yamlWith("clusters");
  expect(examples).toHaveLength(2);
  for (const text of examples) {
    const file = join(folder, "envoy.yaml");
    const clusters = text.replaceAll(/^/gm, "  ").replace(SYSTEM_AUTHORITIES, authorities);
    writeFileSync(file, `static_resources:\n${clusters}`);
    const args = ["--mode", "validate", "--config-path", file, "--log-level", "error"];
    const { stdout, stderr } = await promisify(execFile)(await findEnvoy(), args);
    expect(stdout + stderr).toContain("OK");
  }
});

test.runIf(hasComponent("go", INSTALL_GO))("its resources are what Istio accepts", { timeout: GO_MS }, async () => {
  const resources = yamlWith("apiVersion").flatMap((text) =>
    parseAllDocuments(text).map((one) => one.toJS() as unknown),
  );
  expect(resources).toHaveLength(3);
  const asked = [
    ...resources.map((each) => ({ type: "kubernetes" as const, text: JSON.stringify(each) })),
    ...yamlWith("meshConfig").map((text) => ({ type: "helm" as const, text })),
  ];
  expect((await decodeAll(asked)).map(({ error }) => error)).toEqual(asked.map(() => undefined));
});
