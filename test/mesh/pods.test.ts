/** The pods of envoy/linkerd and envoy/emissary: their parts fit each other, and the configuration of their Envoy. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { NEWEST } from "../../scripts/envoy/version.ts";
import { readYaml, readYamls } from "./shipped.ts";

interface Resource<Spec> {
  kind: string;
  metadata: { name: string; namespace: string };
  spec: Spec;
}

interface Container {
  name: string;
  image: string;
  command?: string[];
  env?: { name: string; value: string }[];
  ports?: { name: string; containerPort: number }[];
  readinessProbe?: { httpGet: { port: string } };
  volumeMounts?: { name: string; mountPath: string }[];
}

interface Deployment {
  selector: { matchLabels: object };
  template: {
    metadata: { labels: object; annotations?: object };
    spec: { containers: Container[]; volumes: { name: string; configMap: { name: string } }[] };
  };
}

interface Listener {
  name: string;
  address: { socket_address: { address: string; port_value: number } };
  filter_chains: { filter_chain_match?: object; filters: { typed_config: Manager }[] }[];
}

interface Manager {
  use_remote_address?: boolean;
  xff_num_trusted_hops?: number;
  upgrade_configs?: object[];
  http_filters: { name: string }[];
}

interface Cluster {
  name: string;
  load_assignment: object;
}

interface Bootstrap {
  static_resources: { listeners: Listener[]; clusters: Cluster[] };
}

const MESHES = ["linkerd", "emissary"];
const STATIC = parse(readFileSync("envoy/envoy.yaml", "utf8")) as Bootstrap;

function resourceOf<Spec>(path: string, kind: string): Resource<Spec> {
  return readYamls<Resource<Spec>>(path).find((one) => one.kind === kind)!;
}

const managerOf = ({ filter_chains }: Listener) => filter_chains[0].filters[0].typed_config;

describe.each(MESHES)("envoy/%s", (mesh) => {
  const { metadata, spec } = resourceOf<Deployment>(`${mesh}/server.yaml`, "Deployment");
  const [server, envoy] = spec.template.spec.containers;
  const bootstrap = readYaml<Bootstrap>(`${mesh}/envoy.yaml`);
  const [listener, metrics] = bootstrap.static_resources.listeners;

  it("the Deployment selects its pods, and the Service the port of Envoy in them", () => {
    const service = resourceOf<{ selector: object; ports: object[] }>(`${mesh}/server.yaml`, "Service");
    expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels);
    expect(service.spec.selector).toEqual(spec.template.metadata.labels);
    expect(service.spec.ports).toEqual([expect.objectContaining({ name: "mcp", port: 8080, targetPort: "mcp" })]);
    expect(service.metadata).toEqual(metadata);
  });

  it("Envoy is the tested version, with its configuration and the module from ConfigMaps that the README makes", () => {
    expect(envoy.image).toBe(`envoyproxy/envoy:distroless-v${NEWEST}`);
    expect(envoy.command).toEqual(["envoy", "-c", "/etc/envoy/envoy.yaml", "--concurrency", "2"]);
    expect(envoy.volumeMounts).toEqual([
      { name: "mcp-envoy", mountPath: "/etc/envoy", readOnly: true },
      { name: "mcp-module", mountPath: "/etc/mcp", readOnly: true },
    ]);
    expect(spec.template.spec.volumes).toEqual(
      ["mcp-envoy", "mcp-module"].map((name) => ({ name, configMap: { name } })),
    );
    const readme = readFileSync(`envoy/${mesh}/README.md`, "utf8");
    expect(readme).toContain("create configmap mcp-envoy -n tools --from-file=envoy.yaml");
    expect(readme).toContain("create configmap mcp-module -n tools --from-file=mcp.wasm=");
    expect(JSON.stringify(bootstrap)).toContain('"local":{"filename":"/etc/mcp/mcp.wasm"}');
  });

  it("the ports of the pod are those of Envoy's listeners, and the server's port is on loopback", () => {
    const ports = [listener, metrics].map(({ name, address }) => {
      expect(address.socket_address.address).toBe("0.0.0.0");
      return { name, containerPort: address.socket_address.port_value };
    });
    expect(envoy.ports).toEqual(ports);
    expect(envoy.readinessProbe?.httpGet.port).toBe(metrics.name);
    const [{ name, load_assignment }] = bootstrap.static_resources.clusters;
    expect(name).toBe("mcp_upstream");
    const [host, port] = server.env!.map(({ value }) => value);
    expect(JSON.stringify(load_assignment)).toContain(`{"address":"${host}","port_value":${port}}`);
    expect([host, server.ports]).toEqual(["127.0.0.1", undefined]);
  });

  it("Envoy is that of envoy.yaml, but for its callers, its policy and the port for metrics", () => {
    const { static_resources, ...rest } = bootstrap;
    const { static_resources: expected, ...restOfStatic } = STATIC;
    expect(rest).toEqual(restOfStatic);
    expect(static_resources.clusters[0]).toEqual(expected.clusters[0]);
    const { http_filters: filters, use_remote_address, xff_num_trusted_hops, ...manager } = managerOf(listener);
    const { http_filters: staticFilters, upgrade_configs, ...staticManager } = managerOf(expected.listeners[0]);
    expect(manager).toEqual(staticManager);
    expect(filters.at(-1)).toEqual(staticFilters.at(-1));
    // Messages within an upgrade cannot be decided.
    expect([use_remote_address, upgrade_configs]).toEqual([true, expect.any(Array)]);
    expect(xff_num_trusted_hops).toBe(mesh === "emissary" ? 1 : undefined);
  });
});

describe("Linkerd's proxy", () => {
  const { metadata, spec } = resourceOf<Deployment>("linkerd/server.yaml", "Deployment");

  it("skips the port for metrics only, and denies what no Server allows", () => {
    expect(spec.template.metadata.annotations).toEqual({
      "linkerd.io/inject": "enabled",
      "config.linkerd.io/default-inbound-policy": "deny",
      "config.linkerd.io/skip-inbound-ports": "9902",
    });
  });

  it("admits by HTTP only those callers that the filter's rule names, to the port of Envoy", () => {
    const path = "linkerd/policy.yaml";
    const server = resourceOf<{ podSelector: { matchLabels: object }; port: string; proxyProtocol: string }>(
      path,
      "Server",
    );
    expect(server.spec).toEqual({
      podSelector: { matchLabels: spec.template.metadata.labels },
      port: "mcp",
      proxyProtocol: "HTTP/1",
    });
    const authentication = resourceOf<{ identities: string[] }>(path, "MeshTLSAuthentication");
    const policy = resourceOf<{ targetRef: object; requiredAuthenticationRefs: object[] }>(path, "AuthorizationPolicy");
    const group = "policy.linkerd.io";
    expect(policy.spec).toEqual({
      targetRef: { group, kind: "Server", name: server.metadata.name },
      requiredAuthenticationRefs: [{ group, kind: "MeshTLSAuthentication", name: authentication.metadata.name }],
    });
    for (const one of [server, authentication, policy]) expect(one.metadata.namespace).toBe(metadata.namespace);
    const [identity] = authentication.spec.identities;
    expect(JSON.stringify(readYaml("linkerd/envoy.yaml"))).toContain(`\\"principals\\": [\\"${identity}\\"]`);
  });

  it("is where connections to Envoy come from", () => {
    const [listener] = readYaml<Bootstrap>("linkerd/envoy.yaml").static_resources.listeners;
    expect(listener.filter_chains).toHaveLength(1);
    expect(listener.filter_chains[0].filter_chain_match).toEqual({ source_type: "SAME_IP_OR_LOOPBACK" });
  });
});

it("Emissary's Mappings lead to the Service, and nobody but Emissary reaches the pod's port", () => {
  const service = resourceOf<{ ports: { port: number }[] }>("emissary/server.yaml", "Service");
  const { name, namespace } = service.metadata;
  for (const { spec } of readYamls<{ spec: { service: string } }>("emissary/mapping.yaml")) {
    expect(spec.service).toBe(`${name}.${namespace}:${service.spec.ports[0].port}`);
    expect(spec).not.toHaveProperty("retry_policy");
  }
  const { spec } = resourceOf<{ podSelector: object; policyTypes: string[]; ingress: object[] }>(
    "emissary/server.yaml",
    "NetworkPolicy",
  );
  expect(spec.podSelector).toEqual({ matchLabels: { app: name } });
  expect(spec.policyTypes).toEqual(["Ingress"]);
  expect(spec.ingress).toEqual([
    {
      from: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "emissary" } } }],
      ports: [{ protocol: "TCP", port: "mcp" }],
    },
    { ports: [{ protocol: "TCP", port: "metrics" }] },
  ]);
});
