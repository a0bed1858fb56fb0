/** Tests the filter if `trace` cannot be read, and what it shows of it. */
import { describe, expect, test } from "vitest";
import { loadModule, type Plugin, Vm } from "../../../scripts/host/index.ts";
import { ask, guarded, startGuarded, tools } from "./access.ts";
import { passSeconds, startFilter, toolCall } from "./filter.ts";

const SECRET = "s3cr3t";
const PROPERTIES = { "xds.cluster_name": "tools" };
const GOOD = {
  cluster: "otel",
  headers: { authorization: `Bearer ${SECRET}`, "x-access-token": SECRET },
  sessionKey: `0123456789-${SECRET}`,
};
const POLICY = { rules: [tools("ALLOW", "echo", "echo")] };

const reload = (plugin: Plugin, configuration: object) => plugin.vm.plugin({ properties: PROPERTIES, configuration });
const passes = (plugin: Plugin, tool: string) => ask(plugin, toolCall(tool)).reply === undefined;
/** Everything that the filter has written, including names of metrics. */
const shown = ({ vm: { logs, metrics } }: Plugin) =>
  [...logs.map(({ message }) => message), JSON.stringify([metrics.counters(), metrics.gauges()])].join("\n");

describe("an unreadable section", () => {
  test.each<[string, object]>([
    ["no cluster", { ...GOOD, cluster: undefined }],
    ["a wrong value", { ...GOOD, encoding: "xml" }],
    ["a wrong header", { ...GOOD, headers: { "x-access-token": `${SECRET}\n` } }],
    ["a name with a letter missing", { ...GOOD, sesionKey: "" }],
  ])("is an error, and MCP passes where there was no policy: %s", (_, trace) => {
    const plugin = startFilter({ configuration: { trace } });
    expect(passes(plugin, "rm")).toBe(true);
    plugin.tick();
    expect(plugin.vm.metrics.gauge("mcp_configuration_invalid")).toBe(1);
  });

  test("leaves the last good configuration in force", () => {
    const plugin = startGuarded(POLICY);
    plugin.tick();
    const next = reload(plugin, guarded(POLICY, { trace: { path: "/" } }));
    expect([passes(next, "echo"), passes(next, "rm")]).toEqual([true, false]);
  });

  test("with a policy, but without an earlier configuration, closes MCP", () => {
    const plugin = startGuarded(POLICY, { more: { trace: { path: "/" } } });
    expect(passes(plugin, "echo")).toBe(false);
  });
});

describe("secrets are in no line and no metric", () => {
  test.each<[string, object]>([
    ["of a good configuration", GOOD],
    ["of a key that is too short", { ...GOOD, sessionKey: SECRET }],
    ["of a header that is none", { ...GOOD, headers: { [`authorization: ${SECRET}`]: "" } }],
    ["of a value that is none", { ...GOOD, headers: { authorization: `${SECRET}\r\n` } }],
    ["of headers in one text", { ...GOOD, headers: `authorization=${SECRET}` }],
    ["of a name that is misspelt", { ...GOOD, sessionkey: SECRET }],
  ])("%s", (_, trace) => {
    const plugin = startGuarded(POLICY, { more: { trace, log: "trace" } });
    for (const tool of ["echo", "rm"]) passes(plugin, tool);
    // The errors are shown again after a minute.
    passSeconds([plugin], 70);
    const next = reload(plugin, guarded(POLICY, { trace: { ...GOOD, headers: 5 } }));
    passSeconds([plugin, next], 70);
    expect(plugin.vm.logs.length).toBeGreaterThan(0);
    expect(shown(plugin)).not.toContain(SECRET);
  });
});

test("the filter of another version reads it", () => {
  const plugin = new Vm(loadModule()).plugin({
    properties: PROPERTIES,
    configuration: { trace: { ...GOOD, compression: "gzip" } },
  });
  plugin.tick();
  expect(plugin.vm.metrics.gauge("mcp_configuration_invalid")).toBe(0);
});
