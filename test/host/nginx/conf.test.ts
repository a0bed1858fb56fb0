/** The configuration for NGINX with ngx_wasm_module, as far as Debian's NGINX, documentation and an imitation can check it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { hasComponent } from "../../components.ts";
import type { Plugin } from "../../../scripts/host/index.ts";
import { ask } from "../filter/access.ts";
import { countsBy, passSeconds, startWorkers, toolCall } from "../filter/filter.ts";
import { faultsOf, play, startNginx } from "./nginx.ts";
import { type Directive, directivesIn, parseConf, printConf } from "./conf.ts";

const TEXT = readFileSync("envoy/nginx/nginx.conf", "utf8");
const CONF = parseConf(TEXT);
const VARIABLES = directivesIn(CONF, "set").map(({ words }) => words[1].slice(1));
const [, moduleName, configuration] = directivesIn(CONF, "proxy_wasm")[0].words;

/** The directives of ngx_wasm_module in the file: the block that each needs, and its arguments (docs/DIRECTIVES.md there). */
const GRAMMAR: Record<string, { readonly blocks: readonly string[]; readonly usage: RegExp }> = {
  wasm: { blocks: [""], usage: /^$/ },
  metrics: { blocks: ["wasm"], usage: /^$/ },
  module: { blocks: ["wasm"], usage: /^[^\s:]+ \S+\.(wasm|wat)( .*)?$/s },
  shm_kv: { blocks: ["wasm"], usage: /^\S+ \d+[km]( eviction=(slru|lru|none))?$/ },
  slab_size: { blocks: ["metrics"], usage: /^\d+[km]$/ },
  max_metric_name_length: { blocks: ["metrics"], usage: /^\d+$/ },
  proxy_wasm: { blocks: ["http", "server", "location"], usage: /^\S+( .*)?$/s },
};

/** What is wrong with the directives of ngx_wasm_module. */
function faultsIn(conf: readonly Directive[], parent = ""): string[] {
  return conf.flatMap(({ words: [name, ...rest], block }) => {
    const rule = GRAMMAR[name] as (typeof GRAMMAR)[string] | undefined;
    const isRight = rule === undefined || (rule.blocks.includes(parent) && rule.usage.test(rest.join(" ")));
    return [...(isRight ? [] : [`${name} in ${parent}`]), ...faultsIn(block ?? [], name)];
  });
}

describe.runIf(hasComponent("nginx", "apt-get install nginx-light"))("with Debian's NGINX", () => {
  const folder = mkdtempSync(join(tmpdir(), "mcp-nginx-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What `nginx -t` says about a configuration. */
  const check = (text: string) => {
    const path = join(folder, "nginx.conf");
    writeFileSync(path, `pid ${folder}/nginx.pid;\nerror_log stderr;\n${text.replace("/var/log/nginx", folder)}`);
    const { status, stderr } = spawnSync("nginx", ["-t", "-p", folder, "-c", path], { encoding: "utf8" });
    return { status, stderr };
  };

  it("everything but the directives of ngx_wasm_module is right", () => {
    expect(check(printConf(CONF, ["wasm", "proxy_wasm"]))).toMatchObject({ status: 0 });
    expect(check(TEXT).stderr).toContain('unknown directive "wasm"');
    // Without its declaration, a variable of the log does not exist.
    expect(check(printConf(CONF, ["wasm", "proxy_wasm", "set"])).stderr).toContain('unknown "mcp_method" variable');
  });
});

it("the directives of ngx_wasm_module are in their blocks, with arguments that it accepts", () => {
  expect(faultsIn(CONF)).toEqual([]);
  expect(faultsIn(parseConf("http { shm_kv * 64m; proxy_wasm; }"))).toEqual(["shm_kv in http", "proxy_wasm in http"]);
  const [{ words }] = directivesIn(CONF, "module");
  expect(words[1]).toBe(moduleName);
  expect(words[1].length).toBeLessThanOrEqual(8);
  const size = (name: string) => directivesIn(CONF, name)[0].words[1];
  expect(size("client_body_buffer_size")).toBe(size("client_max_body_size"));
});

/** The counters, with values of labels as short as NGINX's build makes them where a name is too long. */
function countersOf({ vm }: Plugin): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [series, value] of Object.entries(vm.metrics.counters())) {
    const short = series.replace(/="([^"]{8})[^"]*"/g, '="$1"');
    if (value > 0 && !series.startsWith("mcp_filter")) counts[short] = (counts[short] ?? 0) + value;
  }
  return counts;
}

describe("in the imitation, on two workers", () => {
  const settings = { variables: VARIABLES, moduleName, clientBodyBufferBytes: 1 << 20 };

  it.each(captureNames())("capture %s gives the statistics and decisions that it gives in Envoy", (name) => {
    const exchanges = readCapture(name);
    const workers = startNginx(2, configuration, settings);
    const envoy = startWorkers(2, { configuration });
    play(workers, exchanges);
    play(envoy, exchanges);
    expect(countersOf(workers[0])).toEqual(countersOf(envoy[0]));
    expect(faultsOf(workers)).toEqual([]);
  });

  it("the variables of the log have the fields that Envoy's log has", () => {
    const workers = startNginx(2, configuration, settings);
    const [envoy] = startWorkers(1, { configuration });
    for (const [index, tool] of ["get_weather", "delete_all"].entries()) {
      const { state } = ask(workers[index], toolCall(tool)).stream;
      const inEnvoy = [...ask(envoy, toolCall(tool)).stream.state].map(([field, value]) => [
        field.replace(".", "_"),
        value,
      ]);
      const withoutHash = (fields: Iterable<readonly string[]>) =>
        [...fields]
          .filter(([field]) => field !== "mcp_session")
          .map(([field, value]) => `${field}=${value}`)
          .sort();
      expect(withoutHash(state)).toEqual(withoutHash(inEnvoy));
      expect([...state.keys()].every((field) => VARIABLES.includes(field))).toBe(true);
    }
    passSeconds(workers, 1);
    expect(countsBy(workers[0], "mcp_access_decisions_total", "mcp_access_rule")).toEqual({
      "no-deletions": 1,
      rest: 1,
    });
    expect(faultsOf(workers)).toEqual([]);
  });
});
