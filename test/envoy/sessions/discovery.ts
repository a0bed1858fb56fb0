/** Envoys whose filter is configured from files (LDS or ECDS), and new configurations for them. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Envoy, type EnvoyOptions, startEnvoy } from "../../../scripts/envoy/process.ts";
import { type Bootstrap, configure, edited, filtersOf, type HttpFilter, type Listener } from "./bootstrap.ts";
import { until } from "./until.ts";

/** The discovery service that brings the plugin configuration. */
export type Discovery = "LDS" | "ECDS";

const LISTENER_TYPE = "type.googleapis.com/envoy.config.listener.v3.Listener";
const EXTENSION_TYPE = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/** A running Envoy that takes new plugin configurations. */
export interface DiscoveringEnvoy extends Envoy {
  /** Pushes a plugin configuration, and waits until Envoy has taken it over.
   *  @param wasmPath another module, which runs in VMs of its own; the last one where absent. */
  push(config: object | string, wasmPath?: string): Promise<void>;
}

/** Starts an Envoy with this plugin configuration. What `options.vary` changes must leave the filter the first one. */
export async function startDiscovering(
  discovery: Discovery,
  config: object | string,
  options: EnvoyOptions,
  node: Bootstrap["node"] = { id: "test", cluster: "test" },
): Promise<DiscoveringEnvoy> {
  const folder = mkdtempSync(join(tmpdir(), "mcp-proxy-wasm-"));
  const path = join(folder, "resources.json");
  const remove = () => rmSync(folder, { recursive: true, force: true });
  let resource: Resource;
  let version = 0;
  const write = (next: object | string, wasmPath?: string) => {
    const response = { version_info: String(++version), resources: [resource(next, wasmPath)] };
    writeFileSync(`${path}.new`, JSON.stringify(response));
    renameSync(`${path}.new`, path);
  };
  const discover = edited((bootstrap) => {
    bootstrap.node = node;
    const source = { path_config_source: { path }, resource_api_version: "V3" };
    resource = discovery === "LDS" ? moveListener(bootstrap, source) : moveFilter(bootstrap, source);
    write(config);
  });
  const vary = (rendered: string) => discover(options.vary?.(rendered) ?? rendered);
  const counter =
    discovery === "LDS" ? "listener_manager.lds.update_success" : "extension_config_discovery.*update_success";
  try {
    const envoy = await startEnvoy({ ...options, vary });
    const updates = async () => {
      const text = await (await fetch(`${envoy.adminUrl}/stats?filter=${counter}`)).text();
      return Number(/: (\d+)/.exec(text)?.[1] ?? 0);
    };
    const push = async (next: object | string, wasmPath?: string) => {
      const before = await updates();
      write(next, wasmPath);
      await until(
        async () => (await updates()) > before,
        `${discovery} update ${version}: ${envoy.log().slice(-2000)}`,
      );
    };
    const stop = () => envoy.stop().finally(remove);
    return { ...envoy, push, stop };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Makes a resource of a plugin configuration and, where it changes, the module's path. */
type Resource = (config: object | string, wasmPath?: string) => object;

function moveListener(bootstrap: Bootstrap, lds_config: object): Resource {
  const [listener] = bootstrap.static_resources.listeners.splice(0) as [Listener];
  bootstrap.dynamic_resources = { lds_config };
  return (config, wasmPath) => {
    configure(filtersOf(listener)[0], config, wasmPath);
    return { "@type": LISTENER_TYPE, ...listener };
  };
}

function moveFilter(bootstrap: Bootstrap, config_source: object): Resource {
  const filters = filtersOf(bootstrap.static_resources.listeners[0]);
  const moved = filters[0];
  const { typed_config } = moved as Required<HttpFilter>;
  filters[0] = { name: moved.name, config_discovery: { config_source, type_urls: [typed_config["@type"]] } };
  return (config, wasmPath) => {
    configure(moved, config, wasmPath);
    return { "@type": EXTENSION_TYPE, name: moved.name, typed_config };
  };
}
