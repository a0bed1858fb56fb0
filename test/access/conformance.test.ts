/** A policy that reads each message whole, and denies none that is sent, changes nothing for the official suite. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { type Check, differences, type Revision, runSuite } from "../conformance/suite.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { startConformanceServer } from "../fixtures/servers/conformance/conformance-server.ts";
import { ALMOST_ALL } from "./policies.ts";

const CONFIGURATION = { match: { paths: ["/mcp"] }, access: ALMOST_ALL };

describe.each<Revision>(["2025-11-25", "2026-07-28"])("%s", (revision) => {
  const keep = endsAfterAll();
  let envoy: Envoy;
  let direct: Check[];
  let guarded: Check[];

  beforeAll(async () => {
    const server = keep(await startConformanceServer());
    const pluginConfig = JSON.stringify(CONFIGURATION);
    envoy = keep(await startEnvoy({ upstream: server, concurrency: 2, pluginConfig }));
    direct = await runSuite(`http://${server.host}:${server.port}/mcp`, revision);
    guarded = await runSuite(`${envoy.proxyUrl}/mcp`, revision);
  });

  it("has the same result for each check", () => {
    expect(direct.length).toBeGreaterThan(80);
    expect(differences(direct, guarded)).toEqual([]);
  });

  it("was decided, message by message, and only what breaks the specification was refused", async () => {
    const decisions = (await readMetrics(envoy)).filter(({ name }) => name === "mcp_access_decisions_total");
    const byRule = (rule: string) => {
      const mine = decisions.filter(({ labels }) => labels.mcp_access_rule === rule);
      return mine.reduce((sum, { value }) => sum + value, 0);
    };
    expect(byRule("_default")).toBeGreaterThan(40);
    // The suite sends headers that contradict their bodies, for which 2026-07-28 wants what the filter answers.
    const refused = [...envoy.log().matchAll(/"event":"mcp_access_denied".*"reason":"(\w+)"/g)].map(
      ([, reason]) => reason,
    );
    const denied = decisions.filter(({ labels }) => labels.mcp_access_action === "deny");
    expect(new Set(refused)).toEqual(new Set(revision === "2026-07-28" ? ["header_mismatch"] : []));
    expect(denied.map(({ labels }) => labels.mcp_access_rule)).toEqual(refused.length > 0 ? ["_refused"] : []);
  });
});
