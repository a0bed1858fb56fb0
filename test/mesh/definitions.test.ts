/**
 * The Kubernetes API server accepts each resource of envoy/, and rejects what only its rules detect: its own code
 * evaluates the definitions (CRDs) of Istio, Envoy Gateway and the Gateway API, with their rules in CEL. Kuma's
 * definitions have no rules.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { hasComponent } from "../components.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { faultsOf, readMeshDocuments } from "./checks.ts";
import { readShipped, readYamls } from "./shipped.ts";

const BUILD_MS = 600_000;

interface Resource {
  spec: Record<string, unknown>;
}

/**
 * A shipped resource with one change that the Go types of its project and the OpenAPI schema of its definition accept.
 */
interface Mutation {
  path: string;
  /** Index of the document in the file; the first one if absent. */
  index?: number;
  name: string;
  /** The path in `spec`: keys and indexes, separated by dots. */
  place: string;
  /** The new value; undefined removes the field. */
  value: unknown;
  /** The complete message of the API server. */
  message: string;
}

const TARGET = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "waypoint" };
const HTTP = { protocol: "HTTP", port: 80 };

const MUTATIONS: Mutation[] = [
  {
    path: "istio/timeouts.yaml",
    name: "an idle timeout of 0",
    place: "trafficPolicy.connectionPool.http.idleTimeout",
    value: "0s",
    message:
      'spec.trafficPolicy.connectionPool.http.idleTimeout: Invalid value: "0s": must be a valid duration greater than 1ms',
  },
  {
    path: "istio/access.yaml",
    name: "a selector beside targetRefs",
    place: "targetRefs",
    value: [TARGET],
    message: "spec: Invalid value: only one of targetRefs or selector can be set",
  },
  {
    path: "istio/access.yaml",
    name: "a wildcard in a selector",
    place: "selector.matchLabels.app",
    value: "mcp-*",
    message: 'spec.selector.matchLabels[app]: Invalid value: "mcp-*": wildcard not allowed in label value match',
  },
  {
    path: "istio/waypoint.yaml",
    name: "a waypoint in another namespace",
    place: "targetRefs.0.namespace",
    value: "other",
    message:
      'spec.targetRefs[0].namespace: Invalid value: "other": cross namespace referencing is not currently supported',
  },
  {
    path: "istio/sidecar-inbound.yaml",
    name: "a scheme that no agent fetches",
    place: "url",
    value: "ftp://modules.example.com/mcp.wasm",
    message:
      'spec.url: Invalid value: "ftp://modules.example.com/mcp.wasm": url must have schema one of [http, https, file, oci]',
  },
  {
    path: "istio/traffic-extension.yaml",
    name: "a variable of the host with a value",
    place: "wasm.vmConfig",
    value: { env: [{ name: "A", value: "b", valueFrom: "HOST" }] },
    message: "spec.wasm.vmConfig.env[0]: Invalid value: value may only be set when valueFrom is INLINE",
  },
  {
    path: "istio/telemetry.yaml",
    name: "an empty label in a selector",
    place: "selector",
    value: { matchLabels: { "": "a" } },
    message: "spec.selector.matchLabels: Invalid value: key must not be empty",
  },
  {
    path: "gateway/extension-policy.yaml",
    name: "an image as HTTP",
    place: "wasm.0.code.type",
    value: "HTTP",
    message:
      "[spec.wasm[0].code: Invalid value: If type is HTTP, http field needs to be set., spec.wasm[0].code: Invalid value: If type is Image, image field needs to be set.]",
  },
  {
    path: "gateway/access.yaml",
    name: "a Service as the target",
    place: "targetRefs.0.kind",
    value: "Service",
    message:
      "spec: Invalid value: this policy can only have a targetRefs[*].kind of Gateway/ListenerSet/HTTPRoute/GRPCRoute/TCPRoute/UDPRoute/TLSRoute",
  },
  {
    path: "gateway/access.yaml",
    index: 1,
    name: "an issuer without keys",
    place: "jwt.providers.0.remoteJWKS",
    value: undefined,
    message: "spec.jwt.providers[0]: Invalid value: either remoteJWKS or localJWKS must be specified.",
  },
  {
    path: "gateway/traffic-policy.yaml",
    name: "a route as the target of a policy for clients",
    place: "targetRefs.0.kind",
    value: "HTTPRoute",
    message: "spec: Invalid value: this policy can only have a targetRefs[*].kind of Gateway or ListenerSet",
  },
  {
    path: "gateway/traffic-policy.yaml",
    index: 1,
    name: "a policy for no target",
    place: "targetRefs",
    value: undefined,
    message: "spec: Invalid value: either targetRef or targetRefs must be used",
  },
  {
    path: "gateway/gateway-patch.yaml",
    name: "two listeners for one port",
    place: "listeners",
    value: [
      { name: "first", ...HTTP },
      { name: "second", ...HTTP },
    ],
    message:
      "spec.listeners: Invalid value: Combination of port, protocol and hostname must be unique for each listener",
  },
];

function mutated({ path, index = 0, place, value }: Mutation): Resource {
  const document = readYamls<Resource>(path)[index];
  const keys = place.split(".");
  let node = document.spec;
  for (const key of keys.slice(0, -1)) node = node[key] as Record<string, unknown>;
  node[keys.at(-1)] = value;
  return document;
}

const faultsIn = async (path: string, document: unknown) => (await faultsOf([{ path, document }]))[0];

describe.runIf(hasComponent("go", INSTALL_GO))("the API server", () => {
  beforeAll(() => buildGoProgram("mesh-types"), BUILD_MS);

  it("takes every resource", async () => {
    const documents = readMeshDocuments().filter(({ path }) => /^(istio|gateway)\//.test(path));
    expect((await faultsOf(documents)).flat()).toEqual([]);
  });

  it.each(MUTATIONS)("refuses $name ($path)", async (mutation) => {
    expect(await faultsIn(mutation.path, mutated(mutation))).toEqual([mutation.message]);
  });

  it("refuses a VirtualService without a timeout written as `timeout: 0s`, which is what Istio's route has anyway", async () => {
    const route = { route: [{ destination: { host: "mcp-server" } }] };
    const service = (http: object) => ({
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "mcp-server" },
      spec: { hosts: ["mcp-server"], http: [http] },
    });
    expect(await faultsIn("istio/timeouts.yaml", service({ ...route, timeout: "0s" }))).toEqual([
      'spec.http[0].timeout: Invalid value: "0s": must be a valid duration greater than 1ms',
    ]);
    expect(await faultsIn("istio/timeouts.yaml", service(route))).toEqual([]);
  });

  it.each([
    ["istio/access.yaml", "\n  url:", "\n  sha256: DIGEST\n  url:", "spec.sha256"],
    ["gateway/extension-policy-http.yaml", `"${"0".repeat(64)}"`, "DIGEST", "spec.wasm[0].code.http.sha256"],
    [
      "gateway/extension-policy.yaml",
      "          url:",
      "          sha256: DIGEST\n          url:",
      "spec.wasm[0].code.image.sha256",
    ],
  ])("refuses a digest of digits in %s without quotes", async (path, from, to, place) => {
    const withDigest = (digest: string) => parse(readShipped(path).replace(from, to.replace("DIGEST", digest)));
    const digits = "1".repeat(64);
    expect(await faultsIn(path, withDigest(digits))).toEqual([
      expect.stringContaining(`${place} in body must be of type string`),
    ]);
    expect(await faultsIn(path, withDigest(`"${digits}"`))).toEqual([]);
  });

  it("refuses what it would drop, and sets defaults before its rules see a resource", async () => {
    const [proxy] = readYamls<{ spec: { bootstrap: { type?: string } } }>("gateway/envoy-proxy.yaml");
    const unknown = { ...proxy, spec: { ...proxy.spec, bootstraps: {} } };
    expect(await faultsIn("gateway/envoy-proxy.yaml", unknown)).toEqual(['unknown field "spec.bootstraps"']);
    // The rule on `bootstrap` reads its type, which defaults to Merge.
    delete proxy.spec.bootstrap.type;
    expect(await faultsIn("gateway/envoy-proxy.yaml", proxy)).toEqual([]);
  });
});
