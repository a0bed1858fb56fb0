/** The label `mcp_server` by a template: what Envoy knows of its node and of the stream's route. */
import { beforeAll, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "./cleanup.ts";
import * as mcp from "./mcp-messages.ts";
import { readMetrics } from "./prometheus.ts";
import { exchange } from "./raw-http.ts";
import { listenerUrls } from "./sessions/bootstrap.ts";
import { bodyOf, startUpstream } from "./upstream.ts";

/** A sidecar's node in Istio, with something of each type. */
const NODE = {
  id: "sidecar~10.0.0.1~search-0.tools~tools.svc.cluster.local",
  cluster: "search.tools",
  metadata: {
    NAMESPACE: "tools",
    WORKLOAD_NAME: "search",
    LABELS: { app: "search-app", "service.istio.io/canonical-name": "search-service" },
    PORT: 8080,
    IS_GATEWAY: true,
    EMPTY: "",
    LONG: "a".repeat(100),
    TOO_LONG: "b".repeat(2000),
  },
};
const CLUSTER = "mcp_upstream";

/** Templates, and what becomes of them. */
const NAMES: Record<string, string> = {
  "{namespace}/{workload}": "tools/search",
  "{node.cluster}@{node.id}": "search.tools@sidecar%7E10.0.0.1%7Esearch-0.tools%7Etools.svc.cluster.local",
  "{node.metadata.LABELS.app}": "search-app",
  "{node.metadata.LABELS[service.istio.io/canonical-name]}": "search-service",
  "{node.metadata[LABELS][app]}": "search-app",
  "{namespace}/{route}": "tools/shop-route",
  "{route}/{cluster}/{namespace}": `shop-route/${CLUSTER}/tools`,
  "shop:{cluster}": `shop:${CLUSTER}`,
  "{node.metadata.LONG}": "a".repeat(100),
  // Longer than any label.
  "{node.metadata.TOO_LONG}": "_OTHER",
  // Absent, empty, or no text.
  "{node.metadata.ABSENT}": CLUSTER,
  "a{node.metadata.EMPTY}": CLUSTER,
  "{node.metadata.PORT}": CLUSTER,
  "{node.metadata.IS_GATEWAY}": CLUSTER,
  "{node.metadata.LABELS}": CLUSTER,
  "{namespace}/{node.metadata.LABELS.app.more}": CLUSTER,
};

const keep = endsAfterAll();
let envoy: Envoy;
let urls: Record<string, string>;

beforeAll(async () => {
  const upstream = keep(await startUpstream());
  const path = upstream.route(async (request, response) => {
    await bodyOf(request);
    response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(1));
  });
  envoy = keep(await startEnvoy({ upstream, vary: withListeners(Object.keys(NAMES)) }));
  urls = await listenerUrls(envoy);
  for (const [index, url] of Object.entries(urls)) {
    // Two, so that the second one's name is as the first one's.
    for (let i = 0; i < 2; i++) {
      await exchange(url + path, { headers: mcp.LEGACY, body: [mcp.toolCall(1, `tool_${index}`)] });
    }
  }
});

it.each(Object.entries(NAMES))("%s is %s", async (template, name) => {
  const tool = `tool_${Object.keys(NAMES).indexOf(template)}`;
  const servers = async () => {
    const metrics = await readMetrics(envoy);
    const ofTool = metrics.filter(
      ({ name, labels }) => name === "mcp_operations_total" && labels.gen_ai_tool_name === tool,
    );
    return ofTool.map(({ labels, value }) => [labels.mcp_server, value]);
  };
  await expect.poll(servers).toEqual([[name, 2]]);
});

it("a placeholder without a value is a warning, once in each worker", () => {
  const lines = envoy.log().split("\n");
  const warnings = lines.filter((line) => line.includes("has no value here"));
  const missing = Object.values(NAMES).filter((name) => name === CLUSTER);
  expect(warnings).toHaveLength(missing.length);
  expect(warnings.filter((line) => line.includes("[warning]") && line.includes("{node.metadata.ABSENT}"))).toHaveLength(
    1,
  );
});

/** The bootstrap with a listener for each template, named by its index, and a named route. */
function withListeners(templates: readonly string[]): (text: string) => string {
  return (text) => {
    const bootstrap = JSON.parse(text) as { node: object; static_resources: { listeners: [object] } };
    bootstrap.node = NODE;
    const [listener] = bootstrap.static_resources.listeners;
    const listeners = templates.map((server, index) => {
      const copy = structuredClone(listener) as Listener;
      copy.name = String(index);
      const manager = copy.filter_chains[0].filters[0].typed_config;
      manager.route_config.virtual_hosts[0].routes[0].name = "shop-route";
      const labels = { tools: [`tool_${index}`] };
      manager.http_filters[0].typed_config.config.configuration.value = JSON.stringify({
        server,
        labels,
        instance: String(index),
      });
      return copy;
    });
    return JSON.stringify({ ...bootstrap, static_resources: { ...bootstrap.static_resources, listeners } });
  };
}

interface Listener {
  name: string;
  filter_chains: {
    filters: {
      typed_config: {
        route_config: { virtual_hosts: { routes: { name: string }[] }[] };
        http_filters: { typed_config: { config: { configuration: { value: string } } } }[];
      };
    }[];
  }[];
}
