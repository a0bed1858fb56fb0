/** Tests the filter if the access policy cannot be read. */
import { describe, expect, test } from "vitest";
import { type Plugin } from "../../../scripts/host/index.ts";
import {
  batch,
  countsBy,
  MCP_HEADERS,
  notification,
  passSeconds,
  startFilter,
  startWorkers,
  toolCall,
  startVm,
} from "./filter.ts";
import { ask, auditOf, deniedBy, guarded, startGuarded, tools } from "./access.ts";
import { GET_HEADERS } from "./open-stream.ts";
import { Listener, Proxy } from "./updates.ts";

const GOOD = { rules: [tools("ALLOW", "echo", "echo")] };
const BAD = { rules: [{ name: "x", action: "ALLOW", form: [] }] };
const PASSED = [0, 0, 0, 0, 0, 0];
const elsewhere = { path: "/api/orders", headers: { "content-type": "application/json" } };
const reload = (plugin: Plugin, configuration: string | object) =>
  plugin.vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration });
const rules = (plugin: Plugin) =>
  countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action");

describe("an unreadable policy, without an earlier one", () => {
  test.each<[string, string | object]>([
    ["an unknown field", guarded(BAD)],
    ["no path", { access: GOOD }],
    ["no JSON", '{"access":{"rules":[}'],
    ["another error beside it", { ...guarded(GOOD), server: 5 }],
    ["a name in another case", '{"Access":{}} x'],
  ])("closes MCP, and nothing else: %s", (_, configuration) => {
    const plugin = startFilter({ configuration });
    expect(ask(plugin, toolCall("echo")).reply).toEqual(deniedBy("_closed"));
    expect(ask(plugin, notification("notifications/x")).reply).toMatchObject({ status: 202, body: undefined });
    expect(ask(plugin, batch(toolCall("a", 1), toolCall("b", 2))).reply?.body).toHaveLength(2);
    expect(ask(plugin, '{"order":1}', elsewhere).reply).toBeUndefined();
    expect(ask(plugin, "", { method: "GET", headers: GET_HEADERS }).reply).toBeUndefined();
    const other = '{"jsonrpc":"2.0","id":1,"method":"x"}';
    expect(ask(plugin, batch(other, toolCall("b", 2))).reply?.body).toHaveLength(2);
    expect(ask(plugin, batch("{}", toolCall("b", 2))).reply).toMatchObject({ body: { error: { code: 403 } } });
    expect(rules(plugin)).toEqual({ "_closed deny": 6, "_refused deny": 1 });
    expect(auditOf(plugin)[0]).toMatchObject({ rule: "_closed", target: "echo" });
    expect(plugin.vm.metrics.gauge("mcp_configuration_invalid")).toBe(1);
  });

  const limits = { mode: "shadow", rules: [{ name: "a", key: ["principal"], concurrency: 5 }] };
  test.each<[string, string | object]>([
    ["something else", { server: 5 }],
    ["limits", { match: { paths: ["/mcp"] }, limits: { ...limits, maxKeys: 1 } }],
    ["limits, of a name with a letter missing", { match: { paths: ["/mcp"] }, limts: limits }],
    ["limits, and no JSON", JSON.stringify({ match: { paths: ["/mcp"] }, limits }).slice(0, -1)],
    ["who calls", { identity: { principalSources: ["jwts"] } }],
    ["how requests are held", { hold: { maxBodyBytes: "1KB" } }],
  ])("which is about %s: everything passes", (_, configuration) => {
    const plugin = startFilter({ configuration });
    expect(ask(plugin, toolCall("rm"))).toMatchObject({ reply: undefined, actions: PASSED });
    expect(plugin.vm.metrics.gauge("mcp_configuration_invalid")).toBe(1);
  });

  test("is replaced by a good one", () => {
    const plugin = startFilter({ configuration: guarded(BAD) });
    expect(ask(plugin, toolCall("echo")).reply).toEqual(deniedBy("_closed"));
    expect(ask(reload(plugin, guarded(GOOD)), toolCall("echo")).reply).toBeUndefined();
    expect(ask(reload(plugin, ""), toolCall("rm")).reply).toBeUndefined();
  });
});

describe("a closed policy whose paths cannot be read", () => {
  const plain = { path: "/any", headers: { "content-type": "application/json" } };
  const match = (paths: unknown) => ({ match: { paths }, access: GOOD });

  test.each<[string, string | object]>([
    ["no slash", match(["mcp"])],
    ["a URL among others", match(["/mcp", "http://127.0.0.1/messages"])],
    ["no paths", match([])],
    ["no text", match("/mcp")],
    ["no JSON", `${JSON.stringify(guarded(GOOD))}}`],
    ["a name with one letter missing", { match: { paths: ["/mcp"] }, acess: GOOD, labels: { tools: 5 } }],
  ])("is about all JSON that is MCP, on whatever path, and nothing else: %s", (_, configuration) => {
    const plugin = startFilter({ configuration });
    const isKnown = typeof configuration === "object" && "acess" in configuration;
    const asking = isKnown ? { ...plain, path: "/mcp" } : plain;
    const details = "mcp_access_denied[_closed]";
    expect(ask(plugin, toolCall("echo"), asking).reply).toMatchObject({ details });
    expect(ask(plugin, '{"order":1}', plain).reply).toBeUndefined();
    expect(ask(plugin, "", plain).reply).toBeUndefined();
    expect(ask(plugin, "a=1", { ...plain, headers: { "content-type": "text/plain" } }).reply).toBeUndefined();
    // If the paths are known, others are checked only if their headers name MCP.
    expect(ask(plugin, toolCall("echo"), plain).reply?.details).toBe(isKnown ? undefined : details);
  });

  test("a misspelt access section does not remove a policy in force", () => {
    const plugin = startGuarded(GOOD);
    plugin.tick();
    expect(ask(plugin, toolCall("rm")).reply).toEqual(deniedBy("_default"));
    const next = reload(plugin, { match: { paths: ["/mcp"] }, acess: GOOD });
    expect(ask(next, toolCall("rm")).reply).toEqual(deniedBy("_default"));
    expect(ask(next, toolCall("echo")).reply).toBeUndefined();
  });
});

describe("an unreadable policy, after a good one", () => {
  const allows = (plugin: Plugin) =>
    ["echo", "rm"].map((name) => ask(plugin, toolCall(name), { headers: MCP_HEADERS }).reply === undefined);

  test("leaves the good one in force: on a reload, on other workers, in a new VM", () => {
    const [one, other] = startWorkers(2, { configuration: guarded(GOOD) });
    expect([one, other].map(allows)).toEqual([
      [true, false],
      [true, false],
    ]);
    passSeconds([one, other], 1);
    expect(allows(reload(one, guarded(BAD)))).toEqual([true, false]);
    expect(allows(reload(other, "{"))).toEqual([true, false]);
    const { metrics, clock, sharedData } = one.vm;
    const vm = startVm({ metrics, clock, sharedData });
    const next = vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration: guarded(BAD) });
    expect(allows(next)).toEqual([true, false]);
  });

  test("stays open if neither the good nor the bad configuration has a policy", () => {
    const plugin = startFilter({ configuration: {} });
    ask(plugin, toolCall("echo"));
    expect(allows(reload(plugin, { server: 5 }))).toEqual([true, true]);
  });

  const NONE = { match: { paths: ["/mcp"] } };
  const TYPO = { ...NONE, sessions: { max: "many" } };
  const OTHER = guarded({ rules: [tools("ALLOW", "date", "date")] });

  test("keeps the good one in force although a valid configuration without a policy was active in between, and the good one returned without a call", () => {
    const listener = new Listener(new Proxy(), guarded(GOOD));
    for (const configuration of [guarded(BAD), NONE, guarded(GOOD), guarded({ rules: [{ name: "y", form: [] }] })]) {
      listener.push(configuration);
      listener.proxy.pass(2);
    }
    expect(listener.connect().allows("echo", "rm")).toEqual([true, false]);
  });

  test("is replaced by the latest one with a policy if it indicates access, otherwise by the latest one", () => {
    const proxy = new Proxy();
    const listener = new Listener(proxy, guarded(GOOD));
    proxy.pass(1);
    for (const configuration of [OTHER, NONE]) {
      const drained = listener.push(configuration);
      proxy.pass(1);
      proxy.end(drained);
    }
    proxy.pass(40);
    expect(new Listener(proxy, TYPO).connect().allows("rm", "date")).toEqual([true, true]);
    expect(new Listener(proxy, guarded(BAD)).connect().allows("rm", "date", "echo")).toEqual([false, true, false]);
  });

  test("is not removed by a mistake elsewhere while an instance with it may return, even if the process is suspended", () => {
    const proxy = new Proxy();
    const listener = new Listener(proxy, guarded(GOOD));
    proxy.pass(1);
    const draining = listener.push(NONE);
    proxy.pass(40);
    proxy.shared.clock.advance(3_600_000);
    listener.push(TYPO);
    expect(listener.connect().allows("rm")).toEqual([false]);
    listener.push({});
    proxy.end(draining);
    proxy.pass(40);
    expect(listener.connect().allows("rm")).toEqual([true]);
  });

  test.each<[string, string | object, boolean[]]>([
    ["names its instance", { ...TYPO, instance: "open" }, [true, true]],
    ["names another one", { ...TYPO, instance: "closed" }, [true, false]],
    ["names none", TYPO, [true, false]],
    ["names an unknown one", { ...TYPO, instance: "clsed" }, [true, false]],
    ["is no JSON", "{", [true, false]],
  ])("of several instances of one name, where the bad one %s", (_, configuration, allowed) => {
    const proxy = new Proxy();
    new Listener(proxy, { ...guarded(GOOD), instance: "closed" });
    const open = new Listener(proxy, { ...NONE, instance: "open" });
    proxy.pass(2);
    open.push(configuration);
    expect(open.connect().allows("echo", "rm")).toEqual(allowed);
  });

  test("streams that started under the old policy end under it", () => {
    const plugin = startGuarded(GOOD);
    const stream = plugin.stream();
    stream.requestHeaders([...Object.entries({ ":method": "POST", ":path": "/mcp", ...MCP_HEADERS })]);
    reload(plugin, guarded({ defaultAction: "ALLOW" }));
    plugin.configure(guarded({ defaultAction: "ALLOW" }));
    expect(allows(plugin)).toEqual([true, true]);
    stream.requestBody(Buffer.from(toolCall("rm")), true);
    expect(stream.reply?.details).toBe("mcp_access_denied[_default]");
  });
});
