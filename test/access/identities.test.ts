/**
 * Official clients with certificates of a mesh can call what the policy allows for their workloads, and nothing else.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { type Metric, readMetrics } from "../envoy/prometheus.ts";
import { CLIENT_KINDS, connectClient, type McpClient } from "../../scripts/demo/client.ts";
import { type FixtureServer, startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { type Authority, type Identity, makeAuthority } from "./certificates.ts";
import { type GuardedEnvoy, startGuarded } from "./proxy.ts";
import { dispatcherOf, fetchBy } from "./tls-client.ts";

const READER = "spiffe://mesh.example/ns/agents/sa/reader";
const OPERATOR = "spiffe://mesh.example/ns/ops/sa/operator";

const POLICY = {
  rules: [
    {
      name: "no-refunds",
      action: "DENY",
      to: [{ operation: { tools: ["refund_*"] } }],
    },
    {
      name: "hello",
      action: "ALLOW",
      from: [{ source: { trustDomains: ["mesh.example"] } }],
      to: [{ operation: { methods: ["@handshake", "*/list"] } }],
    },
    {
      name: "readers",
      action: "ALLOW",
      from: [{ source: { principals: ["spiffe://mesh.example/ns/*/sa/reader"] } }],
      to: [
        { operation: { tools: ["get_weather", "read_*"] } },
        { operation: { prompts: ["summarize"] } },
        { operation: { resources: ["demo://read*"] } },
      ],
    },
    {
      name: "operators",
      action: "ALLOW",
      from: [{ source: { principals: [OPERATOR] } }],
      to: [{ operation: { methods: ["tools/call", "prompts/get"] } }],
    },
  ],
};

type Step = (client: McpClient) => Promise<unknown>;

/** The steps of each client, with the rule that denies each to the reader and to the operator, or "". */
const STEPS: [what: string, step: Step, reader: string, operator: string][] = [
  ["tools/list", (client) => client.listTools(), "", ""],
  ["get_weather", (client) => client.callTool("get_weather", { city: "Oslo" }), "", ""],
  ["read_log", (client) => client.callTool("read_log", { bytes: 90_000 }), "", ""],
  ["charge_card", (client) => client.callTool("charge_card"), "_default", ""],
  ["refund_order", (client) => client.callTool("refund_order"), "no-refunds", "no-refunds"],
  ["prompts/list", (client) => client.listPrompts(), "", ""],
  ["summarize", (client) => client.getPrompt("summarize", { topic: "refunds" }), "", ""],
  ["review", (client) => client.getPrompt("review"), "_default", ""],
  ["readme", (client) => client.readResource("demo://readme"), "", "_default"],
  ["changelog", (client) => client.readResource("demo://changelog"), "_default", "_default"],
  // A denial does not end the session.
  ["get_weather again", (client) => client.callTool("get_weather", { city: "Bergen" }), "", ""],
];

/** The methods of the steps that can be denied. */
const METHODS: Record<string, string> = {
  charge_card: "tools/call",
  refund_order: "tools/call",
  review: "prompts/get",
  readme: "resources/read",
  changelog: "resources/read",
  initialize: "initialize",
};

const keep = endsAfterAll();
let mesh: Authority;
let stranger: Authority;
let server: Identity;
let fixture: FixtureServer;
const identities: Record<string, Identity> = {};

beforeAll(async () => {
  mesh = await makeAuthority("Mesh");
  stranger = await makeAuthority("Stranger");
  server = await mesh.server();
  identities.reader = await mesh.workload(READER);
  identities.operator = await mesh.workload(OPERATOR);
  identities.elsewhere = await mesh.workload("spiffe://other.example/ns/agents/sa/reader");
  identities.stranger = await stranger.workload(READER);
  fixture = keep(await startFixtureServer());
});

describe.each([
  ["headers go on at once", false],
  ["headers are held", true],
])("%s", (_what, holdHeaders) => {
  const keep = endsAfterAll();
  let envoy: GuardedEnvoy;
  /** Number of denials by rule and target, separated by a space. */
  const denied: Record<string, number> = {};
  let sessions = 0;

  beforeAll(async () => {
    const access = { ...POLICY, holdHeaders };
    const guarded = { access, allowHeadersStop: holdHeaders, tls: { server, ca: mesh.ca } };
    envoy = keep(await startGuarded({ mesh: guarded }, { upstream: fixture, concurrency: 4 }));
  });

  /** Number of denials with the same key. */
  function deniedBy(key: (ruleAndTarget: string[]) => string): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const [name, count] of Object.entries(denied)) {
      const group = key(name.split(" "));
      sums[group] = (sums[group] ?? 0) + count;
    }
    return sums;
  }

  const cases = ["reader", "operator"].flatMap((who) =>
    [1, 2].flatMap((http) => CLIENT_KINDS.map((kind) => [who, kind, http] as const)),
  );

  it.each(cases)("the %s by %s over HTTP/%d", async (who, kind, http) => {
    const dispatcher = dispatcherOf(mesh.ca, identities[who], http === 2);
    try {
      const client = await connectClient(kind, `${envoy.urlOf("mesh")}/mcp`, kind, fetchBy(dispatcher));
      sessions++;
      for (const [what, step, reader, operator] of STEPS) {
        const rule = who === "reader" ? reader : operator;
        const outcome = await step(client).then(
          () => "",
          (error: { code: number; data?: { rule?: string } }) => `${error.code} ${error.data?.rule}`,
        );
        expect(outcome, what).toBe(rule === "" ? "" : `403 ${rule}`);
        if (rule !== "") denied[`${rule} ${what}`] = (denied[`${rule} ${what}`] ?? 0) + 1;
      }
      await client.close();
    } finally {
      await dispatcher.destroy();
    }
  });

  it("a workload of another trust domain can do nothing", async () => {
    const dispatcher = dispatcherOf(mesh.ca, identities.elsewhere, true);
    try {
      const connected = connectClient("sdk1", `${envoy.urlOf("mesh")}/mcp`, "elsewhere", fetchBy(dispatcher));
      await expect(connected).rejects.toMatchObject({ code: 403, data: { rule: "_default" } });
      denied["_default initialize"] = 1;
    } finally {
      await dispatcher.destroy();
    }
  });

  it.each([
    ["a certificate of another authority", "stranger", "fail_verify_error"],
    ["no certificate", "none", "fail_verify_no_cert"],
  ])("no connection with %s", async (_what, who, counter) => {
    const dispatcher = dispatcherOf(mesh.ca, identities[who], false);
    try {
      await expect(fetchBy(dispatcher)(`${envoy.urlOf("mesh")}/mcp`, { method: "POST" })).rejects.toThrow();
      expect(await envoy.stats()).toMatch(new RegExp(`^envoy_listener_ssl_${counter}{.*} [1-9]`, "m"));
    } finally {
      await dispatcher.destroy();
    }
  });

  it("the metrics count each denial, by rule", async () => {
    const metrics = await readMetrics(envoy);
    const decisions = metrics.filter(({ name }) => name === "mcp_access_decisions_total");
    const denials = decisions.filter(({ labels }) => labels.mcp_access_action === "deny");
    expect(denials.every(({ labels }) => labels.mcp_access_mode === "enforce")).toBe(true);
    expect(sumsBy(denials, "mcp_access_rule")).toEqual(deniedBy(([rule]) => rule));
    expect(sumsBy(denials, "mcp_method_name")).toEqual(deniedBy(([, what]) => METHODS[what]));
    const operations = metrics.filter(
      ({ name, labels }) => name === "mcp_operations_total" && labels.mcp_outcome === "denied",
    );
    expect(operations.every(({ labels }) => labels.rpc_response_status_code === "403")).toBe(true);
    expect(sumsBy(operations, "mcp_method_name")).toEqual(deniedBy(([, what]) => METHODS[what]));
    const refund = denials.filter(({ labels }) => labels.gen_ai_tool_name === "refund_order");
    expect(sumsBy(refund, "mcp_access_rule")).toEqual({ "no-refunds": sessions });
  });

  it("the access log names the principal and the rule, and HTTP/2 was spoken", async () => {
    // Envoy writes its log every 10 s, and at its end.
    await envoy.stop();
    const lines = envoy
      .log()
      .split("\n")
      .filter((line) => line.startsWith('{"') && line.includes("mcp_rule"))
      .map((line) => JSON.parse(line) as Record<string, string | number | null>);
    const logged: Record<string, number> = {};
    for (const { mcp_rule, mcp_target, mcp_method, response_code_details } of lines) {
      if (response_code_details !== `mcp_access_denied[${mcp_rule}]`) continue;
      const what = mcp_target === null ? mcp_method : String(mcp_target).replace("demo://", "");
      logged[`${mcp_rule} ${what}`] = (logged[`${mcp_rule} ${what}`] ?? 0) + 1;
    }
    expect(logged).toEqual(denied);
    const called = lines.filter(({ mcp_target }) => mcp_target === "charge_card");
    expect(new Set(called.map(({ mcp_principal, mcp_rule }) => `${mcp_principal} ${mcp_rule}`))).toEqual(
      new Set([`${READER} _default`, `${OPERATOR} operators`]),
    );
    expect(new Set(called.map(({ protocol }) => protocol))).toEqual(new Set(["HTTP/1.1", "HTTP/2"]));
  });
});

function sumsBy(metrics: Metric[], label: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { labels, value } of metrics) sums[labels[label]] = (sums[labels[label]] ?? 0) + value;
  return sums;
}
