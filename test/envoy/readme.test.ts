/** The README's command blocks do what it says, in its order. */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findEnvoy } from "../../scripts/envoy/binary.ts";
import { readSamples } from "../../scripts/statistics/exposition.ts";
import { CLIENT_KINDS, connectClient } from "../../scripts/demo/client.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { type Command, startCommand } from "./commands.ts";

const BLOCKS = [...readFileSync("README.md", "utf8").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text.trim());
/** The line of the table that belongs to a call of this tool. */
const calls = (tool: string) => new RegExp(`^ +${tool} +[1-9]\\d* `, "m");

const keep = endsAfterAll();
const folder = mkdtempSync(join(tmpdir(), "mcp-readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let path = "";

beforeAll(async () => {
  symlinkSync(await findEnvoy(), join(folder, "envoy"));
  path = `${folder}:${process.env.PATH}`;
});

function run(command: string): Command {
  // In CI, picocolors would color what these tests match line by line.
  return keep(startCommand(command, { PATH: path, NO_COLOR: "1" }));
}

async function endsWithoutLeftovers(command: Command): Promise<void> {
  await command.interrupt();
  expect(command.leftovers()).toEqual([]);
}

test("the README has the blocks that are tried here, and no others", () => {
  expect(BLOCKS).toEqual([
    "npm start",
    "npm start -- --upstream http://127.0.0.1:3001",
    "npm test",
    "npm run build",
    "npm run --silent cli -- config istio --role outbound --namespace agents",
    "envoy -c envoy/envoy.yaml",
    "curl -s http://127.0.0.1:9901/stats/prometheus",
  ]);
});

test("npm start shows addresses and a table that fills, and leaves nothing running", async () => {
  const started = run(BLOCKS[0]);
  const [, proxy] = await started.shows(/^ *proxy +(http:\/\/127\.0\.0\.1:\d+\/mcp)$/m);
  const [, statistics] = await started.shows(
    /^ *statistics +(http:\/\/127\.0\.0\.1:\d+\/stats\/prometheus\?filter=wasmcustom)$/m,
  );
  const families = (await (await fetch(statistics)).text()).match(/^(?!#)\w+/gm) ?? [];
  expect(families.filter((family) => !family.startsWith("mcp_"))).toEqual([]);
  await started.shows(calls("get_weather"));
  await started.shows(calls("echo"));
  await started.shows(/^limited\n +[1-9]\d* of [1-9]\d* +shop +by loops\n +callers of shop: agent-loop [1-9]\d*$/m);
  await started.shows(/^queues\n +waiting +queued +p95 wait\n +\d+ +[1-9]\d* +\S+ m?s +shop +for searches$/m);
  // The rule is about the others' calls as well, and limits none of them.
  const callersOf = async (outcome: string) => {
    const samples = readSamples(await (await fetch(statistics)).text(), "mcp_operations_total");
    const some = samples.filter(({ labels }) => labels.mcp_outcome === outcome);
    return [...new Set(some.map(({ labels }) => `${labels.mcp_caller} ${labels.gen_ai_tool_name}`))].sort();
  };
  const names = ["agent-json", "agent-loop", ...CLIENT_KINDS.map((kind) => `agent-${kind}`)];
  await expect
    .poll(() => callersOf("ok"), { timeout: 60_000 })
    .toEqual(expect.arrayContaining(names.map((name) => `${name} get_weather`)));
  expect(await callersOf("limited")).toEqual(["agent-loop get_weather"]);
  expect((await fetch(proxy, { method: "DELETE" })).status).toBeGreaterThanOrEqual(400);
  await endsWithoutLeftovers(started);
  await expect(fetch(statistics)).rejects.toThrow();
});

test("npm start puts the proxy in front of one's own server", async () => {
  const server = keep(await startFixtureServer());
  const started = run(BLOCKS[1].replace("127.0.0.1:3001", `127.0.0.1:${server.port}`));
  const [, proxy] = await started.shows(/^ *proxy +(http:\/\/127\.0\.0\.1:\d+)$/m);
  const client = await connectClient("sdk2-modern", `${proxy}/mcp`);
  await client.callTool("get_weather", { city: "Paris" });
  await client.close();
  await started.shows(calls("get_weather"));
  await endsWithoutLeftovers(started);
});

describe("one's own mesh and Envoy", () => {
  test("npm run build makes the module", async () => {
    expect(await run(BLOCKS[3]).ended).toBe(0);
    expect(WebAssembly.validate(readFileSync("build/mcp.wasm"))).toBe(true);
  });

  test("the command line prints a manifest for the namespace", async () => {
    const config = run(BLOCKS[4]);
    expect(await config.ended).toBe(0);
    expect(config.output()).toMatch(/^kind: WasmPlugin$/m);
    expect(config.output()).toMatch(/^ {2}namespace: agents$/m);
  });

  test("envoy runs the shipped configuration, and curl reads the statistics", async () => {
    keep(await startFixtureServer(3001));
    const envoy = run(BLOCKS[5]);
    await envoy.shows(/starting main dispatch loop/);
    const client = await connectClient("sdk1", "http://127.0.0.1:10000/mcp");
    await client.listTools();
    await client.close();
    const curl = run(BLOCKS[6]);
    expect(await curl.ended).toBe(0);
    expect(curl.output()).toMatch(/^mcp_operations_total\{.*mcp_method_name="tools\/list".*mcp_outcome="ok"\} 1$/m);
    await endsWithoutLeftovers(envoy);
  });
});
