/**
 * Policies under which the official suite has the same results: one that allows everything, and one that reads each
 * message completely, hides one tool from lists and would hide server requests, but denies nothing that the suite does.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type Check, differences, type Revision, runSuite } from "../conformance/suite.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import type { FixtureServer } from "../../scripts/demo/servers/eras.ts";
import { startConformanceServer, UNCALLED_TOOL } from "../fixtures/servers/conformance/conformance-server.ts";
import { editing } from "./policies.ts";

const EVERYTHING = { defaultAction: "ALLOW" };
const configured = (access: object) => JSON.stringify({ match: { paths: ["/mcp"] }, access });

describe.each<Revision>(["2025-11-25", "2026-07-28"])("%s", (revision) => {
  const keep = endsAfterAll();
  let server: FixtureServer;
  let direct: Check[];

  beforeAll(async () => {
    server = keep(await startConformanceServer());
    direct = await runSuite(`http://${server.host}:${server.port}/mcp`, revision);
  });

  it.runIf(effort(revision === "2025-11-25", true))("has the same result where everything is allowed", async () => {
    const envoy = keep(await startEnvoy({ upstream: server, concurrency: 2, pluginConfig: configured(EVERYTHING) }));
    const allowed = await runSuite(`${envoy.proxyUrl}/mcp`, revision);
    expect(differences(direct, allowed)).toEqual([]);
  });

  describe("with lists that are filtered", () => {
    let envoy: Envoy;
    let guarded: Check[];

    beforeAll(async () => {
      const policy = editing(revision === "2026-07-28");
      const access = { ...policy, rules: [...policy.rules, denyTool(UNCALLED_TOOL)] };
      envoy = keep(await startEnvoy({ upstream: server, concurrency: 2, pluginConfig: configured(access) }));
      guarded = await runSuite(`${envoy.proxyUrl}/mcp`, revision);
    });

    it("has the same result for each check", () => {
      expect(direct.length).toBeGreaterThan(80);
      expect(differences(direct, guarded)).toEqual([]);
    });

    it("listed all tools but one", async () => {
      const listed = async (origin: string) => {
        const [headers, params] = revision === "2026-07-28" ? [MODERN_LIST, MODERN_META] : [await session(origin), {}];
        const body = mcp.request(1, "tools/list", params);
        return (await fetch(`${origin}/mcp`, { method: "POST", headers, body })).text();
      };
      const whole = await listed(`http://${server.host}:${server.port}`);
      const filtered = await listed(envoy.proxyUrl);
      expect(namesIn(whole)).toContain(UNCALLED_TOOL);
      expect(namesIn(filtered)).toEqual(namesIn(whole).filter((name) => name !== UNCALLED_TOOL));
    });

    it("was decided, message by message, and only what breaks the specification was refused", async () => {
      const metrics = await readMetrics(envoy);
      const decisions = metrics.filter(({ name }) => name === "mcp_access_decisions_total");
      const byRule = (rule: string) => {
        const mine = decisions.filter(({ labels }) => labels.mcp_access_rule === rule);
        return mine.reduce((sum, { value }) => sum + value, 0);
      };
      expect(byRule("_default")).toBeGreaterThan(40);
      // The suite sends headers that contradict their bodies. For 2026-07-28 it expects the filter's answer.
      const refused = [...envoy.log().matchAll(/"event":"mcp_access_denied".*"reason":"(\w+)"/g)].map(
        ([, reason]) => reason,
      );
      const denied = decisions.filter(({ labels }) => labels.mcp_access_action === "deny");
      expect(new Set(refused)).toEqual(new Set(revision === "2026-07-28" ? ["header_mismatch"] : []));
      expect(denied.map(({ labels }) => labels.mcp_access_rule)).toEqual(refused.length > 0 ? ["_refused"] : []);
      const withheld = metrics.filter(({ name }) => name === "mcp_list_elements_withheld_total");
      expect(new Set(withheld.map(({ labels }) => labels.mcp_withheld_reason))).toEqual(new Set(["policy"]));
    });
  });
});

const META = "io.modelcontextprotocol";
const MODERN_LIST = { ...mcp.MODERN, "mcp-method": "tools/list" };
const MODERN_META = {
  _meta: { [`${META}/protocolVersion`]: "2026-07-28", [`${META}/clientCapabilities`]: {} },
};

function denyTool(tool: string): object {
  return { name: "uncalled", action: "DENY", to: [{ operation: { tools: [tool] } }] };
}

/** The headers of a session that this function begins. */
async function session(origin: string): Promise<Record<string, string>> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  const body = mcp.request(0, "initialize", params);
  const begun = await fetch(`${origin}/mcp`, { method: "POST", headers: mcp.LEGACY, body });
  await begun.text();
  return { ...mcp.LEGACY, "mcp-session-id": begun.headers.get("mcp-session-id")! };
}

/** The names of all tools in a response, as JSON or as an event. */
function namesIn(answer: string): string[] {
  const json = answer.startsWith("{") ? answer : /^data: (\{.*)$/m.exec(answer)![1];
  const { result } = JSON.parse(json) as { result: { tools: { name: string }[] } };
  return result.tools.map(({ name }) => name);
}
