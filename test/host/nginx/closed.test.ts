/** What the build for NGINX refuses, because it cannot see or do it. */
import { describe, expect, test } from "vitest";
import {
  Clock,
  loadModule,
  MetricStore,
  nginx,
  type Plugin,
  SharedDataStore,
  Vm,
} from "../../../scripts/host/index.ts";
import { type Answer, ask, auditOf, guarded, principals, tools } from "../filter/access.ts";
import { countsBy, MCP_HEADERS, passSeconds, startWorkers, toolCall } from "../filter/filter.ts";
import { faultsOf, NGINX_MODULE, startNginx } from "./nginx.ts";

const REST = { name: "rest", action: "ALLOW" };
const POLICY = { rules: [tools("DENY", "no-rm", "rm*"), REST] };

describe("more headers than NGINX passes", () => {
  const XFCC = { identity: { principalSources: ["x-forwarded-client-cert"] } };
  const DENY = { rules: [principals("DENY", "bad", "spiffe://x/*"), REST] };
  const askBehind = (worker: Plugin, count: number, path = "/mcp"): Answer => {
    const padding = Array.from({ length: count }, (_, index): [string, string] => [`x-${index}`, "1"]);
    const headers = [...padding, ...Object.entries(MCP_HEADERS)] as [string, string][];
    return ask(worker, toolCall("echo"), {
      path,
      headers: [...headers, ["x-forwarded-client-cert", "URI=spiffe://x/1"]],
    });
  };

  test.each([0, 50, 80, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 120])("%i of them hide no caller", (count) => {
    const [worker] = startNginx(1, guarded(DENY, XFCC));
    expect(askBehind(worker, count).stream.passedRequest).toBe("");
  });

  test("are refused, counted and logged", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    expect(askBehind(worker, 50).reply).toBeUndefined();
    const padding = Array.from({ length: 90 }, (_, index): [string, string] => [`x-${index}`, "1"]);
    const headers = [...Object.entries(MCP_HEADERS), ...padding] as [string, string][];
    expect(ask(worker, toolCall("echo"), { headers }).reply?.details).toBe("mcp_access_refused[internal]");
    expect(auditOf(worker)).toHaveLength(1);
    passSeconds([worker], 1);
    expect(Object.values(countsBy(worker, "mcp_access_decisions_total", "mcp_access_rule"))).toEqual([1, 1]);
  });

  test("are refused also where the policy does not apply, since its headers decide about that", () => {
    const [worker] = startNginx(1, { match: { paths: 5 }, access: POLICY });
    expect(askBehind(worker, 120, "/other").reply).toMatchObject({ status: 431, details: "too_many_headers" });
  });

  test("pass without a policy that is enforced", () => {
    for (const configuration of [{}, guarded({ ...POLICY, mode: "shadow" })]) {
      const [worker] = startNginx(1, configuration);
      expect(askBehind(worker, 120).reply).toBeUndefined();
    }
  });
});

describe("a configuration that NGINX cannot serve is an error", () => {
  const from = (source: object) => ({ rules: [{ name: "bad", action: "DENY", from: [{ source }] }, REST] });
  const JWT = { identity: { principalSources: ["jwt", "filter_state", "peer_certificate"] } };
  const claims = [{ path: ["role"], values: ["guest"] }];
  const limits = (rule: object) => ({
    match: { paths: ["/mcp"] },
    limits: { rules: [{ name: "all", key: [], requests: { amount: 1, per: "60s" }, ...rule }] },
    ...JWT,
  });

  test.each<[string, object, string]>([
    ["hold.headers", guarded(POLICY, { hold: { headers: true } }), "hold.headers"],
    ["claims", guarded(from({ claims }), JWT), "access.rules[0].from[0].source.claims"],
    ["SPIFFE IDs", guarded(from({ principals: ["spiffe://td/bad/*"] }), JWT), "source.principals[0]"],
    ["JWT subjects", guarded(from({ principals: ["https://issuer/alice"] }), JWT), "source.principals[0]"],
    ["excluded principals", guarded(from({ notPrincipals: ["spiffe://td/x"] })), "source.notPrincipals[0]"],
    ["trust domains", guarded(from({ trustDomains: ["td"] })), "access.rules[0].from[0].source"],
    [
      "subjects without certificates",
      guarded(from({ principals: ["x509://*"] }), { identity: { principalSources: ["jwt"] } }),
      "principals[0]",
    ],
    ["claims in limits", limits({ from: [{ source: { claims } }] }), "limits.rules[0].from[0].source.claims"],
    ["claims as keys", limits({ key: [{ claim: ["sub"] }] }), "limits.rules[0].key[0]"],
  ])("%s", (_, configuration, path) => {
    const [worker] = startNginx(1, configuration);
    // Without a policy, an invalid configuration lets everything pass.
    const isClosed = "access" in configuration;
    expect(ask(worker, toolCall("echo")).stream.passedRequest === "").toBe(isClosed);
    const lines = worker.vm.logs.map(({ message }) => message).join("\n");
    expect(lines).toContain(`${path}: `);
    expect(faultsOf([worker])).toEqual([]);
  });

  test.each<[string, object]>([
    ["subjects", guarded(from({ principals: ["x509://CN=bad,*", "*Example", "*", "x509://*"] }))],
    [
      "SPIFFE IDs in a header",
      guarded(from({ principals: ["spiffe://*"] }), { identity: { principalSources: ["x-forwarded-client-cert"] } }),
    ],
    ["addresses", guarded(from({ ipBlocks: ["10.0.0.0/8"] }))],
  ])("but not %s", (_, configuration) => {
    const [worker] = startNginx(1, configuration);
    ask(worker, toolCall("echo"));
    expect(worker.vm.logs.filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("locations without an instance keep their own policies", () => {
  const shared = { metrics: new MetricStore(), clock: new Clock(), sharedData: new SharedDataStore() };
  const start = () => new Vm(loadModule(NGINX_MODULE), { ...shared, host: nginx() });
  const open = (vm: Vm) => [
    vm.plugin({ configuration: { server: "a", ...guarded(POLICY) } }),
    vm.plugin({ configuration: { server: "b", ...guarded({ rules: [tools("DENY", "no-echo", "echo"), REST] }) } }),
    vm.plugin({ configuration: '{ "access": 5' }),
  ];
  const all = [...open(start()), ...open(start())];
  const passes = (plugin: Plugin, tool: string) => ask(plugin, toolCall(tool)).reply === undefined;
  for (let second = 0; second < 5; second++) {
    const found = all.map((plugin) => [passes(plugin, "echo"), passes(plugin, "rm_x")]);
    const [a, b, invalid] = [
      [true, false],
      [false, true],
      [false, false],
    ];
    expect(found).toEqual([a, b, invalid, a, b, invalid]);
    passSeconds(all, 1);
  }
});

test("an answer in the request phase costs no call about the response", () => {
  const removals = (plugin: Plugin) => {
    plugin.vm.calls.reset();
    expect(ask(plugin, toolCall("rm_all")).reply).toBeDefined();
    return plugin.vm.calls.count("proxy_remove_header_map_value");
  };
  const [envoy] = startWorkers(1, { configuration: guarded(POLICY) });
  const [worker] = startNginx(1, guarded(POLICY));
  expect(removals(worker)).toBe(removals(envoy));
});
