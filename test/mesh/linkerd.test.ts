/** Linkerd: callers identified by the header that its proxy sets, and connections from the pod only. */
import { beforeAll, describe, expect, it } from "vitest";
import { connectClient } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { head, speak } from "../access/socket.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { Recording } from "../envoy/recording.ts";
import {
  EVERY_TOOL,
  expectTwoPages,
  LABELS,
  type PodEnvoy,
  readWithoutAccess,
  sendWith,
  startPodEnvoy,
} from "./pods.ts";
import { expectTruth, runClients } from "./traffic.ts";

const DOMAIN = "serviceaccount.identity.linkerd.cluster.local";
const AGENT = `planner.agents.${DOMAIN}`;

const keep = endsAfterAll();
let server: FixtureServer;

beforeAll(async () => {
  server = keep(await startFixtureServer());
});

/** The header of Linkerd's proxy for a caller with this identity. */
const by = (identity: string) => sendWith({ "l5d-client-id": identity });

it("counts what the clients did", async () => {
  const envoy = keep(await startPodEnvoy("linkerd", server, EVERY_TOOL));
  const recording = await runClients(envoy.proxyUrl, new Recording(by(AGENT)));
  await expectTruth(envoy, recording, [LABELS], readWithoutAccess);
});

describe("the policy", () => {
  let envoy: PodEnvoy;

  beforeAll(async () => {
    envoy = keep(await startPodEnvoy("linkerd", server));
  });

  it.each([AGENT, `a.b.agents.${DOMAIN}`])("%s reads", async (identity) => {
    const client = await connectClient("sdk1", `${envoy.proxyUrl}/mcp`, "sdk1", by(identity));
    const tools = await client.listTools();
    expect(tools).toContain("get_weather");
    expect(tools).not.toContain("charge_card");
    await client.callTool("get_weather", { city: "Oslo" });
    await expect(client.callTool("charge_card")).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
    await client.close();
  });

  it.each([
    ["a workload of another namespace", { "l5d-client-id": `planner.web.${DOMAIN}` }],
    ["a service account with the namespace in its name", { "l5d-client-id": `planner.agents.web.${DOMAIN}` }],
    ["another trust domain", { "l5d-client-id": `${AGENT}.example` }],
    ["an empty header", { "l5d-client-id": "" }],
    ["a caller without an identity", {}],
    [
      "a caller that writes other headers",
      { "x-forwarded-client-cert": `URI=${AGENT}`, "x-forwarded-for": "10.0.0.1" },
    ],
  ])("%s: it shakes hands, and no more", async (_what, headers) => {
    const client = await connectClient("sdk1", `${envoy.proxyUrl}/mcp`, "sdk1", sendWith(headers));
    await expect(client.listTools()).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
    await client.close();
  });

  it("the port for metrics has two pages", () => expectTwoPages(envoy));
});

it("accepts connections from the pod's own address only", async () => {
  // With Envoy's listener filter for the PROXY protocol, the first line says which addresses a connection has.
  const envoy = keep(
    await startPodEnvoy("linkerd", server, {}, ({ static_resources: { listeners } }) => {
      const type = "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol";
      listeners[0].listener_filters = [
        { name: "envoy.filters.listener.proxy_protocol", typed_config: { "@type": type } },
      ];
    }),
  );
  const answerTo = (caller: string, pod: string) =>
    speak(envoy.proxyUrl, [`PROXY TCP4 ${caller} ${pod} 40000 8080\r\n${head({}, "GET /other HTTP/1.1")}`]);
  expect(await answerTo("10.1.0.7", "10.1.0.7")).toContain("HTTP/1.1 404");
  expect(await answerTo("127.0.0.1", "127.0.0.1")).toContain("HTTP/1.1 404");
  expect(await answerTo("10.1.0.8", "10.1.0.7")).toBe("");
});
