/** The VMs' memory stays as it is, however many requests pass. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { type Envoy, startEnvoy } from "../../scripts/envoy/process.ts";
import { effort } from "../effort.ts";
import { endsAfterAll } from "./cleanup.ts";
import { Load, type Post } from "./load.ts";
import * as mcp from "./mcp-messages.ts";
import { flushed, readMetrics } from "./prometheus.ts";
import { bodyOf, startUpstream, type Upstream } from "./upstream.ts";

const WARM_UP = 4_000;
const REQUESTS = effort(20_000, 200_000);
const CONCURRENCY = 2;

const keep = endsAfterAll();
let upstream: Upstream;
let envoy: Envoy;

beforeAll(async () => {
  upstream = keep(await startUpstream());
  envoy = keep(await startEnvoy({ upstream, concurrency: CONCURRENCY, pluginConfig: '{"log":"info"}' }));
});

it(`${REQUESTS} requests after the warm-up bring no further page`, { timeout: 600_000 }, async () => {
  const growth = watchGrowth(envoy);
  const shapes = shapesOf(upstream);
  // The same connections all the time: how the workers share them decides on what each of them needs.
  const load = keep(new Load(envoy.proxyUrl));
  const run = (count: number) => load.run(count, (index) => shapes[index % shapes.length](index));

  await run(WARM_UP);
  await flushed();
  // One line of each worker and of the main thread at least.
  expect(growth.lines.size).toBeGreaterThan(CONCURRENCY);
  const warm = new Set(growth.lines);
  const residentBefore = residentMebibytes(envoy.pid);

  await run(REQUESTS);
  await flushed();
  const resident = `${residentBefore} MiB before, ${residentMebibytes(envoy.pid)} MiB after`;
  console.log(`Envoy's resident memory over ${REQUESTS} requests: ${resident}`);
  growth.stop();
  expect([...growth.lines].filter((line) => !warm.has(line))).toEqual([]);

  // All have been seen by the filter.
  const streams = (await readMetrics(envoy)).filter(({ name }) => name === "mcp_streams_total");
  const mcpShare = (shapes.length - 1) / shapes.length;
  expect(streams.reduce((sum, { value }) => sum + value, 0)).toBe((WARM_UP + REQUESTS) * mcpShare);
});

/** Requests of every kind: calls small and large, JSON and events, failures, invented names, bad JSON, not MCP. */
function shapesOf(server: Upstream): ((index: number) => Post)[] {
  const large = "x".repeat(50_000);
  const path = server.route(async (request, response) => {
    const kind = request.headers["x-kind"];
    const body = String(await bodyOf(request));
    const id = Number(/"id":(\d+)/.exec(body)?.[1] ?? 0);
    const progress = mcp.event(mcp.notification("notifications/progress", { progressToken: id, progress: 1 }));
    if (kind === "events") response.writeHead(200, mcp.SSE_TYPE).end(progress + mcp.event(mcp.result(id, { large })));
    else if (kind === "fails") response.writeHead(200, mcp.JSON_TYPE).end(mcp.failure(id, -32602));
    else if (kind === "lists")
      response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(id, { tools: [{ name: "known" }] }));
    else if (kind === "silent") response.writeHead(202).end();
    else response.writeHead(200, mcp.JSON_TYPE).end(mcp.result(id));
  });
  const post = (kind: string, body: string, headers: Record<string, string> = mcp.LEGACY): Post => {
    return { path, headers: { ...headers, "x-kind": kind }, body };
  };
  return [
    (index) => post("json", mcp.toolCall(index, "known")),
    (index) => post("events", mcp.request(index, "tools/call", { arguments: { large }, name: "known" })),
    (index) => post("fails", mcp.toolCall(index, `invented_${index}`)),
    (index) => post("lists", mcp.request(index, "tools/list")),
    (index) => post("json", mcp.request(index, `resources/invented_${index}`)),
    () => post("silent", mcp.notification("notifications/initialized"), { ...mcp.LEGACY, "mcp-session-id": "s" }),
    () => post("json", "{bad"),
    (index) => post("json", `{"id":${index},"api":"another"}`, { ...mcp.JSON_TYPE, accept: mcp.LEGACY.accept }),
  ];
}

/** Collects what the VMs tell of their memory, all the time: Envoy's log is kept to its last part only. */
function watchGrowth(watched: Envoy): { lines: Set<string>; stop: () => void } {
  const lines = new Set<string>();
  const collect = () => {
    for (const line of watched.log().split("\n")) {
      if (line.includes("memory: ")) lines.add(line);
    }
  };
  const controller = new AbortController();
  void (async () => {
    while (!controller.signal.aborted) {
      collect();
      await sleep(100);
    }
  })();
  return { lines, stop: () => controller.abort() };
}

/** Where the system tells it as Linux does. */
function residentMebibytes(pid: number): string {
  try {
    const [, kibibytes] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))!;
    return (Number(kibibytes) / 1024).toFixed(0);
  } catch {
    return "unknown";
  }
}
