/** The official conformance suite finds the same behind Envoy and the filter as it finds directly, check by check. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { endsAfterAll } from "../envoy/cleanup.ts";
import { readMetrics } from "../envoy/prometheus.ts";
import { startConformanceServer } from "../fixtures/servers/conformance/conformance-server.ts";
import { startEverythingServer } from "../../scripts/demo/servers/everything.ts";
import type { FixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { type Check, differences, type Revision, runSuite, withStatus } from "./suite.ts";

interface Case {
  server: string;
  start: () => Promise<FixtureServer>;
  revision: Revision;
  /** Of the direct run: fewer would be a comparison of less. */
  passed: number;
  failed: number;
  /** The scenarios in which checks may fail directly. */
  failing: RegExp;
}

const NONE = /^$/;
/** An extension that our server does not have, and that counts for no score. */
const TASKS = /^tasks-/;
const ANY = /^/;

const CASES: Case[] = [
  {
    server: "our server",
    start: startConformanceServer,
    revision: "2025-11-25",
    passed: 84,
    failed: 0,
    failing: NONE,
  },
  {
    server: "our server",
    start: startConformanceServer,
    revision: "2026-07-28",
    passed: 164,
    failed: 30,
    failing: TASKS,
  },
  // It lacks most of the tools that the suite calls.
  {
    server: "server-everything",
    start: startEverythingServer,
    revision: "2025-11-25",
    passed: 47,
    failed: 22,
    failing: ANY,
  },
];

describe.each(CASES)("$server, $revision", ({ start, revision, passed, failed, failing }) => {
  const keep = endsAfterAll();
  let envoy: Envoy;
  let direct: Check[];
  let proxied: Check[];

  beforeAll(async () => {
    const server = keep(await start());
    envoy = keep(await startEnvoy({ upstream: server, concurrency: 2 }));
    direct = await runSuite(`http://${server.host}:${server.port}/mcp`, revision);
    proxied = await runSuite(`${envoy.proxyUrl}/mcp`, revision);
  });

  it(`passes ${passed} checks directly`, () => {
    const failures = direct.filter(({ scenario, status }) => status === "FAILURE" && !failing.test(scenario));
    expect(failures).toEqual([]);
    expect([withStatus(direct, "SUCCESS"), withStatus(direct, "FAILURE")]).toEqual([passed, failed]);
  });

  it("has the same result for each check through Envoy", () => {
    expect(differences(direct, proxied)).toEqual([]);
  });

  it("went through the filter, which did not fail", async () => {
    // Where a trap of the module shows at once; Envoy's own counters of it move only with the next request.
    expect(envoy.log().split("\n").filter(isWasmFailure)).toEqual([]);
    const operations = (await readMetrics(envoy)).filter(({ name }) => name === "mcp_operations_total");
    expect(operations.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThan(0);
  });
});

function isWasmFailure(line: string): boolean {
  return /\[(error|critical)\]\[wasm\]/.test(line);
}
