/** What the filter does where the access policy cannot be read. */
import { describe, expect, test } from "vitest";
import { loadModule, type Plugin, Vm } from "../index.ts";
import {
  batch,
  countsBy,
  MCP_HEADERS,
  notification,
  passSeconds,
  startFilter,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { ask, auditOf, deniedBy, guarded, startGuarded, tools } from "./access.ts";
import { GET_HEADERS } from "./open-stream.ts";

const GOOD = { rules: [tools("ALLOW", "echo", "echo")] };
const BAD = { rules: [{ name: "x", action: "ALLOW", form: [] }] };
const PASSED = [0, 0, 0, 0, 0, 0];
const elsewhere = { path: "/api/orders", headers: { "content-type": "application/json" } };
const reload = (plugin: Plugin, configuration: string | object) =>
  plugin.vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration });
const rules = (plugin: Plugin) =>
  countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action");

describe("a policy that cannot be read, with none before", () => {
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
    expect(ask(plugin, '{"order":1}', elsewhere)).toMatchObject({ reply: undefined, actions: PASSED });
    expect(ask(plugin, "", { method: "GET", headers: GET_HEADERS }).reply).toBeUndefined();
    const other = '{"jsonrpc":"2.0","id":1,"method":"x"}';
    expect(ask(plugin, batch(other, toolCall("b", 2))).reply?.body).toHaveLength(2);
    expect(ask(plugin, batch("{}", toolCall("b", 2))).reply).toMatchObject({ body: { error: { code: 403 } } });
    expect(rules(plugin)).toEqual({ "_closed deny": 6, "_refused deny": 1 });
    expect(auditOf(plugin)[0]).toMatchObject({ rule: "_closed", target: "echo" });
    expect(plugin.vm.metrics.gauge("mcp_configuration_invalid")).toBe(1);
  });

  test("which is about something else: everything passes", () => {
    const plugin = startFilter({ configuration: { server: 5 } });
    expect(ask(plugin, toolCall("rm"))).toMatchObject({ reply: undefined, actions: PASSED });
  });

  test("is opened again by a good one", () => {
    const plugin = startFilter({ configuration: guarded(BAD) });
    expect(ask(plugin, toolCall("echo")).reply).toEqual(deniedBy("_closed"));
    expect(ask(reload(plugin, guarded(GOOD)), toolCall("echo")).reply).toBeUndefined();
    expect(ask(reload(plugin, ""), toolCall("rm")).reply).toBeUndefined();
  });
});

describe("a policy that cannot be read, after a good one", () => {
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
    const vm = new Vm(loadModule(), { metrics, clock, sharedData });
    const next = vm.plugin({ properties: { "xds.cluster_name": "tools" }, configuration: guarded(BAD) });
    expect(allows(next)).toEqual([true, false]);
  });

  test("that had none stays open where the bad one has none either", () => {
    const plugin = startFilter({ configuration: {} });
    ask(plugin, toolCall("echo"));
    expect(allows(reload(plugin, { server: 5 }))).toEqual([true, true]);
  });

  test("streams that began by the old policy end by it", () => {
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
