/** What the scrape configurations make of what a mesh's service discovery finds: which targets, with which labels. */
import { describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Found, hasPrometheus, startPrometheus, type Target } from "./prometheus.ts";

const POD = {
  __meta_kubernetes_namespace: "shop",
  __meta_kubernetes_pod_name: "shop-0",
  __meta_kubernetes_pod_ip: "127.0.0.1",
};
const PROXY = {
  __meta_consul_service: "shop-sidecar-proxy",
  __meta_consul_address: "127.0.0.1",
  __meta_consul_dc: "dc1",
  __meta_consul_node: "node-1",
};
const SERVICE = { __meta_kubernetes_pod_label_service_istio_io_canonical_name: "cart" };
const port = (name: string) => ({ ...POD, __meta_kubernetes_pod_container_port_name: name });

/** What is found, by job, and what is left of it. Nothing listens there. */
const CASES: Record<string, { found: Record<string, Found[]>; targets: Target[] }> = {
  istio: {
    found: {
      "envoy-stats": [
        { targets: ["127.0.0.1:15090"], labels: { ...port("http-envoy-prom"), ...SERVICE } },
        // The application's port, and a pod that has ended.
        { targets: ["127.0.0.1:8080"], labels: port("http") },
        {
          targets: ["127.0.0.2:15090"],
          labels: { ...port("http-envoy-prom"), __meta_kubernetes_pod_phase: "Succeeded" },
        },
      ],
      "istio-agent": [
        { targets: ["127.0.0.1:15090"], labels: { ...port("http-envoy-prom"), ...SERVICE } },
        { targets: ["127.0.0.1:8080"], labels: port("http") },
      ],
    },
    targets: [
      target("http://127.0.0.1:15020/stats/prometheus", {
        job: "istio-agent",
        namespace: "shop",
        pod: "shop-0",
        service: "cart",
      }),
      target("http://127.0.0.1:15090/stats/prometheus", {
        job: "envoy-stats",
        namespace: "shop",
        pod: "shop-0",
        service: "cart",
      }),
    ],
  },
  gateway: {
    found: {
      "envoy-gateway-proxies": [
        {
          targets: ["127.0.0.1:19001"],
          labels: {
            ...port("metrics"),
            __meta_kubernetes_pod_label_gateway_envoyproxy_io_owning_gateway_name: "agents",
          },
        },
        { targets: ["127.0.0.1:19003"], labels: port("readiness") },
      ],
    },
    targets: [
      target("http://127.0.0.1:19001/stats/prometheus", {
        job: "envoy-gateway-proxies",
        namespace: "shop",
        pod: "shop-0",
        gateway: "agents",
      }),
    ],
  },
  consul: {
    found: {
      "consul-pods": [
        {
          // Two ports of one pod.
          targets: ["127.0.0.1:8080", "127.0.0.1:20000"],
          labels: {
            ...POD,
            __meta_kubernetes_pod_annotation_prometheus_io_scrape: "true",
            __meta_kubernetes_pod_annotation_prometheus_io_path: "/stats",
            __meta_kubernetes_pod_annotation_prometheus_io_port: "20201",
          },
        },
        { targets: ["127.0.0.3:8080"], labels: POD },
      ],
      "consul-proxies": [
        { targets: ["127.0.0.1:21000"], labels: { ...PROXY, __meta_consul_service_address: "" } },
        { targets: ["127.0.0.1:21001"], labels: { ...PROXY, __meta_consul_service_address: "127.0.0.2" } },
        { targets: ["127.0.0.1:8080"], labels: { ...PROXY, __meta_consul_service: "shop" } },
      ],
    },
    targets: [
      target("http://127.0.0.1:20200/metrics", {
        job: "consul-proxies",
        service: "shop",
        datacenter: "dc1",
        node: "node-1",
      }),
      target("http://127.0.0.1:20201/stats", { job: "consul-pods", namespace: "shop", pod: "shop-0" }),
      target("http://127.0.0.2:20200/metrics", {
        job: "consul-proxies",
        service: "shop",
        datacenter: "dc1",
        node: "node-1",
      }),
    ],
  },
  kuma: {
    found: {
      "kuma-dataplanes": [
        {
          targets: ["127.0.0.1:5670"],
          labels: {
            __metrics_path__: "/metrics",
            __meta_kuma_mesh: "default",
            __meta_kuma_dataplane: "shop-0",
            __meta_kuma_service: "shop",
          },
        },
      ],
    },
    targets: [
      target("http://127.0.0.1:5670/metrics", {
        job: "kuma-dataplanes",
        mesh: "default",
        dataplane: "shop-0",
        service: "shop",
      }),
    ],
  },
  raw: {
    found: { envoy: [{ targets: ["127.0.0.1:9901"] }] },
    targets: [target("http://127.0.0.1:9901/stats/prometheus", { job: "envoy" })],
  },
};

function target(scrapeUrl: string, labels: Record<string, string>): Target {
  return { scrapeUrl, labels: { instance: new URL(scrapeUrl).host, ...labels } };
}

describe.runIf(hasPrometheus())("with a real Prometheus", () => {
  const keep = endsAfterAll();

  it.concurrent.each(Object.keys(CASES))("scrape/%s.yaml", async (mesh) => {
    const { found, targets } = CASES[mesh];
    const prometheus = keep(await startPrometheus(mesh, found));
    const active = async () => {
      const all = (await prometheus.targets()).map(({ scrapeUrl, labels }) => ({ scrapeUrl, labels }));
      return all.sort((one, other) => (one.scrapeUrl < other.scrapeUrl ? -1 : 1));
    };
    // All targets of a configuration come at once, after some seconds.
    await expect.poll(async () => (await active()).length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(await active()).toEqual(targets);
  });
});
