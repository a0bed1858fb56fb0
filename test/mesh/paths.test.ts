/** Each mesh's files normalize paths before routes and filters see them. */
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { type Recorder, startRecorder } from "../access/recorder.ts";
import { head, speak } from "../access/socket.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as consul from "./consul.ts";
import * as gateway from "./gateway.ts";
import * as istio from "./istio.ts";
import * as kuma from "./kuma.ts";
import { startMeshProxy } from "./proxy.ts";
import { clusterOf, listenerOf } from "./resources.ts";
import { describeMesh } from "./setup.ts";
import { readHcl, readYaml, readYamls } from "./shipped.ts";

/** The fields of a connection manager that normalize a path. */
const REJECTING = {
  normalize_path: true,
  merge_slashes: true,
  path_with_escaped_slashes_action: "REJECT_REQUEST",
};

interface Bootstrap {
  static_resources: { listeners: { filter_chains: { filters: { typed_config: Record<string, unknown> }[] }[] }[] };
}

/** The fields from each mesh's files in its connection managers. */
const MANAGERS: Record<string, () => object | Promise<object>> = {
  istio: () => istio.managerOf(readYaml<istio.MeshConfig>("istio/mesh-config.yaml")),
  "kuma inbound.universal": () => kumaManager("inbound.universal"),
  "kuma inbound.kubernetes": () => kumaManager("inbound.kubernetes"),
  "kuma access.universal": () => kumaManager("access.universal"),
  "kuma access.kubernetes": () => kumaManager("access.kubernetes"),
  consul: async () => consul.managerOf(await readHcl<consul.Mesh>("consul/mesh.hcl")),
  gateway: () => gateway.managerOf(readYamls<gateway.ClientTrafficPolicy>("gateway/traffic-policy.yaml")[0]),
  ecds: () => rawManager("ecds"),
  mtls: () => rawManager("mtls"),
  jwt: () => rawManager("jwt"),
  linkerd: () => rawManager("envoy", "linkerd"),
  emissary: () => rawManager("envoy", "emissary"),
};

function kumaManager(name: string): object {
  const { "@type": type, ...fields } = kuma.managerOf([readYaml(`kuma/${name}.yaml`)], "inbound") as {
    "@type": string;
  };
  expect(type).toMatch(/\.HttpConnectionManager$/);
  return fields;
}

function rawManager(name: string, folder = "raw"): object {
  const { static_resources } = parse(readFileSync(`envoy/${folder}/${name}.yaml`, "utf8")) as Bootstrap;
  const manager = static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  return Object.fromEntries(Object.entries(manager).filter(([field]) => field in REJECTING));
}

const keep = endsAfterAll();
let recorder: Recorder;

beforeAll(async () => {
  recorder = keep(await startRecorder());
});

it.each(Object.entries(MANAGERS))("%s", async (name, managerOf) => {
  // Istio has no option that rejects escaped slashes.
  const action = name === "istio" ? { path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" } : {};
  expect(await managerOf()).toEqual({ ...REJECTING, ...action });
});

describeMesh("in Envoy", () => {
  it.each([
    ["refused", REJECTING, undefined],
    ["decoded", { ...REJECTING, path_with_escaped_slashes_action: "UNESCAPE_AND_FORWARD" }, "/mcp"],
  ])("escaped slashes are %s, and all else is resolved", async (_what, manager, decoded) => {
    const listener = listenerOf({ name: "mcp", cluster: "server", filters: [], manager });
    const proxy = keep(await startMeshProxy([clusterOf("server", recorder.port), listener], {}));
    /** The path that the server sees; undefined if the proxy answers 400. */
    const seen = async (path: string): Promise<string | undefined> => {
      const before = recorder.requests.length;
      const answer = await speak(proxy.urls.mcp, [head({}, `GET ${path} HTTP/1.1`)]);
      const [request] = recorder.requests.slice(before);
      expect(answer.slice(0, 12)).toBe(request === undefined ? "HTTP/1.1 400" : "HTTP/1.1 200");
      return request?.head.split("\n")[0].split(" ")[1];
    };
    for (const path of ["/mcp", "/x/../mcp", "/x/%2e%2E/mcp", "/./mcp", "//mcp", "/x/..//mcp", "/x\\..\\mcp"]) {
      expect(await seen(path), path).toBe("/mcp");
    }
    for (const path of ["/x%2f..%2Fmcp", "/%2fmcp", "/x/..%5cmcp", "/x%5C..%5Cmcp"]) {
      expect(await seen(path), path).toBe(decoded);
    }
    // Escapes of other characters stay unchanged.
    expect(await seen("/files/a%20b")).toBe("/files/a%20b");
  });
});
