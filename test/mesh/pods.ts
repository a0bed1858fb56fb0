/** The Envoy beside an MCP server in the pods of envoy/linkerd and envoy/emissary. */
import { expect } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import type { Fetch } from "../../scripts/demo/client.ts";
import { type Metric, readMetrics } from "../envoy/prometheus.ts";
import { freePort } from "../envoy/sessions/free-port.ts";
import { MODULE_PATH } from "./module.ts";
import { readYaml } from "./shipped.ts";

/** The parts of the bootstrap that tests change. */
export interface PodBootstrap {
  static_resources: {
    listeners: {
      listener_filters?: object[];
      filter_chains: { filters: { typed_config: { http_filters: { typed_config: object }[] } }[] }[];
    }[];
  };
}

/** The Envoy of a pod. */
export interface PodEnvoy extends Envoy {
  /** The URL of the port that Prometheus and the kubelet read. */
  metricsUrl: string;
}

/** What the files' rules allow as tools, and every tool, which the comparison with the clients' truth needs. */
export const EVERY_TOOL = { '"get_*", "list_*", "search_*"': '"*"' };

/** The labels of the filter in both files. */
export const LABELS = { mcp_role: "server", mcp_server: "tools/mcp-server" };

/** Starts the Envoy of `envoy.yaml` of this folder in front of a server on loopback. `change` edits the bootstrap. */
export async function startPodEnvoy(
  folder: string,
  server: { host: string; port: number },
  replaced: Record<string, string> = {},
  change: (bootstrap: PodBootstrap) => void = () => {},
): Promise<PodEnvoy> {
  const [metrics, admin] = [await freePort(), await freePort()];
  const bootstrap = readYaml<PodBootstrap>(`${folder}/envoy.yaml`, {
    "address: 0.0.0.0, port_value: 8080": "address: 127.0.0.1, port_value: 0",
    "address: 0.0.0.0, port_value: 9902": `address: 127.0.0.1, port_value: ${metrics}`,
    // The admin interface, and the cluster that leads to it.
    "\n    socket_address: { address: 127.0.0.1, port_value: 9901 }": `\n    socket_address: { address: 127.0.0.1, port_value: ${admin} }`,
    "        socket_address: { address: 127.0.0.1, port_value: 9901 }": `        socket_address: { address: 127.0.0.1, port_value: ${admin} }`,
    "port_value: 3001": `port_value: ${server.port}`,
    "/etc/mcp/mcp.wasm": MODULE_PATH,
    ...replaced,
  });
  change(bootstrap);
  const envoy = await startEnvoy({ upstream: server, vary: () => JSON.stringify(bootstrap) });
  return { ...envoy, metricsUrl: `http://127.0.0.1:${metrics}` };
}

/** Sends requests with these headers. */
export function sendWith(added: Record<string, string>): Fetch {
  return (url, init) => {
    const headers = new Headers(init?.headers);
    for (const [name, value] of Object.entries(added)) headers.set(name, value);
    return fetch(url, { ...init, headers });
  };
}

/** The filter's metrics without those of access, which have no counterpart in what clients see. */
export async function readWithoutAccess(envoy: Envoy): Promise<Metric[]> {
  return (await readMetrics(envoy)).filter(({ name }) => !name.startsWith("mcp_access_"));
}

/** Expects that the port for metrics serves the metrics and the readiness, and nothing else of the admin interface. */
export async function expectTwoPages({ metricsUrl }: PodEnvoy): Promise<void> {
  const statusOf = async (path: string, method = "GET") => (await fetch(metricsUrl + path, { method })).status;
  expect([await statusOf("/ready"), await statusOf("/stats/prometheus")]).toEqual([200, 200]);
  for (const path of ["/", "/config_dump", "/stats", "/ready/", "/ready%2F..%2Fconfig_dump"]) {
    expect(await statusOf(path), path).toBe(404);
  }
  expect(await statusOf("/quitquitquit", "POST")).toBe(404);
}
