/**
 * HTTP+SSE behind an ingress that strips a prefix: the server names the endpoint with the prefix, and POSTs come without it.
 * Official clients, of which some ask for 2026-07-28 first, count as they do without the ingress.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { hasComponent } from "../components.ts";
import { connectSseClient } from "../fixtures/clients/sse-client.ts";
import { buildGoProgram, INSTALL_GO } from "../fixtures/go.ts";
import { hasPython, type PythonSet, runPythonClient, startPythonServer } from "../fixtures/python.ts";
import { endsAfterAll } from "./cleanup.ts";
import { startIngress } from "./ingress.ts";
import { type Counts, countersOf, readMetrics } from "./prometheus.ts";

const INSTALL_MS = 600_000;
const REST_MS = 30_000;
const PREFIX = "/tools";

const canRun = await hasPython();
if (!canRun) {
  const missing = "Python 3.10 or newer, with venv and pip, is missing";
  if (process.env.CI) throw new Error(missing);
  console.warn(`Skipped: HTTP+SSE behind an ingress (${missing})`);
}
const canRunGo = hasComponent("go", INSTALL_GO);

/** What a client does with the stream at `url`, and sees. */
type Run = (url: string) => Promise<unknown>;

const runPython =
  (client: PythonSet): Run =>
  (url) =>
    runPythonClient(client, url, "sse");

const PAIRS: [string, PythonSet, boolean, Run][] = [
  ["Python's mcp 1.x", "mcp1", canRun, runPython("mcp1")],
  ["Python's mcp 2.x, which asks for 2026-07-28", "mcp1", canRun, runPython("mcp2")],
  ["Python's mcp 2.x, which speaks 2026-07-28", "mcp2", canRun, runPython("mcp2")],
  ["go-sdk 1.8, which asks for 2026-07-28", "mcp1", canRun && canRunGo, runGoClient],
  ["go-sdk 1.8, of a server that speaks 2026-07-28", "mcp2", canRun && canRunGo, runGoClient],
  ["the TypeScript SDK 1.x", "mcp1", canRun, runTypeScriptClient],
];

async function runGoClient(url: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(await buildGoProgram("go-client"), [url, "add", "charge_card"]);
  return JSON.parse(stdout);
}

async function runTypeScriptClient(url: string): Promise<unknown> {
  const client = await connectSseClient(url, "ts", fetch);
  const seen = [await client.listTools(), await client.callTool({ name: "add", arguments: { a: 1, b: 2 } })];
  await client.close();
  return seen;
}

describe.each(PAIRS)("%s", { timeout: INSTALL_MS }, (_, server, isThere, run) => {
  const keep = endsAfterAll();
  let straight: Envoy;
  let stripped: Envoy;
  let seen: unknown[];

  beforeAll(async () => {
    if (!isThere) return;
    const plain = keep(await startPythonServer(server, "sse"));
    const prefixed = keep(await startPythonServer(server, "sse", PREFIX));
    straight = keep(await startEnvoy({ upstream: plain }));
    stripped = keep(await startEnvoy({ upstream: prefixed, concurrency: 2 }));
    const ingress = keep(await startIngress(stripped.proxyUrl, PREFIX));
    seen = [await run(`${straight.proxyUrl}/sse`), await run(`${ingress.url}${PREFIX}/sse`)];
  }, INSTALL_MS);

  it.runIf(isThere)("sees and counts the same as without the ingress", async () => {
    expect(seen[1]).toEqual(seen[0]);
    await expect.poll(() => counts(stripped), { timeout: REST_MS }).toEqual(await atRest(straight));
  });

  it.runIf(isThere)("has no header that mismatches, and nothing that is unanswered, unread or a window", async () => {
    for (const envoy of [straight, stripped]) {
      const keys = Object.keys(await counts(envoy)).join("\n");
      expect(keys).toContain("mcp_method_name=tools/call mcp_outcome=ok");
      expect(keys).not.toMatch(/mcp_header_mismatch|mcp_undecoded|unanswered|disconnected|undecoded|window/);
    }
  });
});

/** What was counted of messages and of sessions that began. */
async function counts(envoy: Envoy): Promise<Counts> {
  const families =
    /^mcp_(operations|notifications|undecoded|header_mismatch|sessions_started|sessions_adopted|unknown_tool_calls)_/;
  const all = Object.entries(countersOf(await readMetrics(envoy)));
  return Object.fromEntries(all.filter(([key]) => families.test(key)));
}

/** The counts once its stream has ended. */
async function atRest(envoy: Envoy): Promise<Counts> {
  const ended = async () =>
    Object.keys(countersOf(await readMetrics(envoy))).some(
      (key) => key.startsWith("mcp_streams_total") && key.includes("mcp_stream_kind=http_sse"),
    );
  await expect.poll(ended, { timeout: REST_MS }).toBe(true);
  return counts(envoy);
}
