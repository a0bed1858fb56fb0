import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findEnvoy } from "../../scripts/envoy/binary.ts";
import { CONFIG_PATH, type ConfigValues, renderConfig } from "../../scripts/envoy/config.ts";

const LISTENER = "static_resources.listeners.0";
const FILTERS = `${LISTENER}.filter_chains.0.filters.0.typed_config.http_filters`;
const PLUGIN = `${FILTERS}.0.typed_config.config`;
const UPSTREAM = "static_resources.clusters.0.load_assignment.endpoints.0.lb_endpoints.0.endpoint.address";

const VALUES = {
  listenerPort: 11111,
  adminPort: 22222,
  upstream: { host: "127.0.0.2", port: 33333 },
  wasmPath: "/elsewhere/mcp.wasm",
};

/** What may differ from run to run, and to what the values above set it. */
const REPLACED = {
  "admin.address.socket_address.port_value": 22222,
  [`${LISTENER}.address.socket_address.port_value`]: 11111,
  [`${UPSTREAM}.socket_address.address`]: "127.0.0.2",
  [`${UPSTREAM}.socket_address.port_value`]: 33333,
  [`${PLUGIN}.vm_config.code.local.filename`]: "/elsewhere/mcp.wasm",
};

const shipped = parse(readFileSync(CONFIG_PATH, "utf8"));

describe("the rendered configuration is envoy/envoy.yaml", () => {
  it("but for ports, upstream address and module path", () => {
    expect(differences(shipped, rendered({}))).toEqual(REPLACED);
  });

  it("and the plugin configuration, where one is given", () => {
    const pluginConfig = '{"log":"info"}';
    expect(differences(shipped, rendered({ pluginConfig }))).toEqual({
      ...REPLACED,
      [`${PLUGIN}.configuration.value`]: pluginConfig,
    });
  });

  it("and a cluster that takes spans, where there is one", () => {
    const config = structuredClone(shipped);
    config.static_resources.clusters.push({
      name: "otel_collector",
      type: "STATIC",
      connect_timeout: "1s",
      load_assignment: {
        cluster_name: "otel_collector",
        endpoints: [
          { lb_endpoints: [{ endpoint: { address: { socket_address: { address: "127.0.0.3", port_value: 4318 } } } }] },
        ],
      },
    });
    expect(differences(config, rendered({ collector: { host: "127.0.0.3", port: 4318 } }))).toEqual(REPLACED);
  });

  it("less the filter, where it is to be left out", () => {
    const filters = shipped.static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters;
    expect(filters.map(({ name }: { name: string }) => name)).toEqual(["mcp", "envoy.filters.http.router"]);

    const bare = structuredClone(shipped);
    bare.static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters = [filters[1]];
    const others = Object.entries(REPLACED).filter(([path]) => !path.startsWith(PLUGIN));
    expect(differences(bare, rendered({ withoutFilter: true }))).toEqual(Object.fromEntries(others));
  });
});

it("Envoy accepts envoy/envoy.yaml as it is", async () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const args = ["--mode", "validate", "--config-path", CONFIG_PATH, "--log-level", "error"];
  const { stdout, stderr } = await promisify(execFile)(await findEnvoy(), args, { cwd: root });
  expect(stdout + stderr).toContain("OK");
});

function rendered(more: Partial<ConfigValues>): unknown {
  return JSON.parse(renderConfig({ ...VALUES, ...more }));
}

/** The paths at which `after` is not as `before`, with what is there. */
function differences(before: unknown, after: unknown): Record<string, unknown> {
  const [old, now] = [leaves(before), leaves(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].filter(
    (path) => old.has(path) !== now.has(path) || old.get(path) !== now.get(path),
  );
  return Object.fromEntries(paths.map((path) => [path, now.get(path)]));
}

/** Every value that holds no others, by its path. */
function leaves(value: unknown, path = ""): Map<string, unknown> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return new Map([[path, typeof value === "object" ? JSON.stringify(value) : value]]);
  }
  const parts = Object.entries(value).map(([key, child]) => leaves(child, path === "" ? key : `${path}.${key}`));
  return new Map(parts.flatMap((part) => [...part]));
}
