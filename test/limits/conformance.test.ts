/** Limits that nobody reaches change nothing for the official suite. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Check, differences, type Revision, runSuite } from "../conformance/suite.ts";
import { effort } from "../effort.ts";
import { type GuardedEnvoy, startGuarded } from "../access/proxy.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { countersOf, readMetrics } from "../envoy/prometheus.ts";
import { startConformanceServer } from "../fixtures/servers/conformance/conformance-server.ts";
import { limitedListener } from "./limited.ts";

const MANY = { amount: 1_000_000_000, per: "1s" };
const NEVER = [
  { name: "never", key: ["address", "tool"], requests: MANY, repeats: MANY, tokens: MANY, concurrency: 1000 },
];

describe.each(effort<Revision[]>(["2026-07-28"], ["2025-11-25", "2026-07-28"]))("%s", (revision) => {
  const keep = endsAfterAll();
  let envoy: GuardedEnvoy;
  let direct: Check[];
  let limited: Check[];

  beforeAll(async () => {
    const upstream = keep(await startConformanceServer());
    envoy = keep(await startGuarded({ mcp: limitedListener("mcp", NEVER, "held") }, { upstream, concurrency: 2 }));
    direct = await runSuite(`http://${upstream.host}:${upstream.port}/mcp`, revision);
    limited = await runSuite(`${envoy.urlOf("mcp")}/mcp`, revision);
  });

  it("has the same result for each check", () => {
    expect(direct.length).toBeGreaterThan(80);
    expect(differences(direct, limited)).toEqual([]);
  });

  it("was admitted by the rule, message by message", async () => {
    const decisions = Object.entries(countersOf(await readMetrics(envoy))).filter(([key]) =>
      key.startsWith("mcp_limit_decisions_total"),
    );
    const of = (decision: string) =>
      decisions.find(([key]) => key.includes(`mcp_limit_decision=${decision}`))?.[1] ?? 0;
    expect(of("admitted")).toBeGreaterThan(30);
    expect(of("limited")).toBe(0);
  });
});
