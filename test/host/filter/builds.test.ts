/** The builds of the module: what each imports and exports, and which sections of the configuration it has. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { BUILDS } from "../../../scripts/builds.ts";
import { loadModule, Vm } from "../../../scripts/host/index.ts";
import { expectTable } from "../../tables.ts";

const MODULES = BUILDS.map(({ module }) => ({ module, wasm: new WebAssembly.Module(readFileSync(module)) }));
const ENVOY = "build/mcp.wasm";
const NGINX = "build/mcp-nginx.wasm";
const LITE = "build/mcp-lite.wasm";

const functionsOf = (functions: { kind: string; name: string }[]) =>
  functions.flatMap(({ kind, name }) => (kind === "function" ? [name] : [])).sort();
const importsOf = (module: string) =>
  functionsOf(WebAssembly.Module.imports(MODULES.find((other) => other.module === module)!.wasm));
const exportsOf = (module: string) =>
  functionsOf(WebAssembly.Module.exports(MODULES.find((other) => other.module === module)!.wasm));

/** The functions of several modules, each with the modules that have it. */
function rows(kind: string, of: (module: string) => string[]): string[][] {
  const all = [...new Set(BUILDS.flatMap(({ module }) => of(module)))].sort();
  return all.map((name) => [
    kind,
    `\`${name}\``,
    ...BUILDS.map(({ module }) => (of(module).includes(name) ? "yes" : "")),
  ]);
}

test("docs/builds.md lists what each build imports and exports", () => {
  const header = ["", "function", ...BUILDS.map(({ module }) => `\`${module}\``)];
  expectTable("docs/builds.md", "functions", header, [...rows("import", importsOf), ...rows("export", exportsOf)]);
});

const without = (all: string[], ...part: string[]) => all.filter((name) => !part.includes(name));

describe("no build imports what its host lacks", () => {
  // Functions that ngx_wasm_module does not implement, or answers with a trap, or that have no effect there.
  test("NGINX: queues, the choice of a context, the end of an instance, foreign functions", () => {
    expect(without(importsOf(ENVOY), ...importsOf(NGINX))).toEqual([
      "proxy_call_foreign_function",
      "proxy_continue_stream",
      "proxy_dequeue_shared_queue",
      "proxy_done",
      "proxy_enqueue_shared_queue",
      "proxy_register_shared_queue",
      "proxy_resolve_shared_queue",
      "proxy_set_effective_context",
    ]);
    expect(without(importsOf(NGINX), ...importsOf(ENVOY))).toEqual([]);
  });

  test("lite: only the log, the time, random numbers, headers, bodies and local replies", () => {
    expect(importsOf(LITE)).toEqual([
      "proxy_get_buffer_bytes",
      "proxy_get_current_time_nanoseconds",
      "proxy_get_header_map_pairs",
      "proxy_get_header_map_value",
      "proxy_log",
      "proxy_remove_header_map_value",
      "proxy_replace_header_map_value",
      "proxy_send_local_response",
      "proxy_set_buffer_bytes",
      "random_get",
    ]);
  });
});

/** The warnings and errors in the log. */
function problemsOf(vm: Vm): { level: string; message: string }[] {
  return vm.logs.flatMap(({ level, message }) => (level === "warn" || level === "error" ? [{ level, message }] : []));
}

test.each([ENVOY, NGINX, LITE])("%s starts in a host that has exactly what it imports", (module) => {
  const plugin = new Vm(loadModule(module)).plugin({ configuration: { server: "shop" } });
  expect(plugin.configured).toBe(true);
  expect(problemsOf(plugin.vm)).toEqual([]);
});

test("exports that NGINX needs, and that Envoy's build does without", () => {
  expect(exportsOf(NGINX)).toContain("proxy_on_delete");
  expect(exportsOf(LITE)).toContain("proxy_on_delete");
  expect(exportsOf(ENVOY)).not.toContain("proxy_on_delete");
});

describe("sections that a build does not have", () => {
  const TEXT = "not part of this build of the module, whose host lacks what it needs";
  const messages = (module: string, configuration: object) => {
    return problemsOf(new Vm(loadModule(module)).plugin({ configuration }).vm);
  };
  const limits = {
    rules: [{ name: "all", key: [], requests: { amount: 5, per: "1s" }, to: [{ operation: { tools: ["*"] } }] }],
  };

  test("limits make a configuration invalid, which Envoy's build accepts", () => {
    const configuration = { match: { paths: ["/mcp"] }, limits };
    expect(messages(ENVOY, configuration)).toEqual([]);
    expect(messages(LITE, configuration)).toContainEqual({
      level: "error",
      message: expect.stringContaining(`limits: ${TEXT}`),
    });
  });

  test.each(["labels", "sessions"])("%s is ignored with a warning", (section) => {
    expect(messages(ENVOY, { [section]: {} })).toEqual([]);
    expect(messages(LITE, { [section]: {} })).toEqual([
      { level: "warn", message: expect.stringContaining(`${section}: ignored: ${TEXT}`) },
    ]);
  });
});
