/** Clients that close the stream of a call before they cancel it, on another connection, which any worker may serve. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startEnvoy } from "../../scripts/envoy/process.ts";
import { connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { startFixtureServer } from "../../scripts/demo/servers/fixture-server.ts";
import { endsAfterAll } from "./cleanup.ts";
import { readMetrics } from "./prometheus.ts";
import { RawSession, shortFetch } from "./sessions/raw-session.ts";

const keep = endsAfterAll();
/** Milliseconds between the close and the cancellation. */
const LATER = [0, 1, 5, 20, 50, 50, 200];
const TOOL = "wait_for_approval";

/** Passes requests on, but closes the stream of an open call when its cancellation comes, which waits for `later` ms. */
function crossing(later: number, calls: { id: unknown; leave: AbortController }[]): Fetch {
  return async (url, init = {}) => {
    const message = typeof init.body === "string" ? (JSON.parse(init.body) as { id?: unknown; method?: string }) : {};
    if (message.method === "tools/call") {
      const leave = new AbortController();
      calls.push({ id: message.id, leave });
      return shortFetch(url, { ...init, signal: leave.signal });
    }
    if (message.method === "notifications/cancelled") {
      for (const { leave } of calls.splice(0)) leave.abort();
      await sleep(later);
    }
    return shortFetch(url, init);
  };
}

describe.each([1, 2, 4])("a call that is closed and then cancelled, %i workers", (concurrency) => {
  it("is cancelled, and one that is only closed is disconnected", async () => {
    const server = keep(await startFixtureServer());
    const pluginConfig = JSON.stringify({ labels: { tools: [TOOL] } });
    const envoy = keep(await startEnvoy({ upstream: server, concurrency, pluginConfig }));
    const url = `${envoy.proxyUrl}/mcp`;
    const outcomes = async () => {
      const counts: Record<string, number> = {};
      for (const { name, labels, value } of await readMetrics(envoy)) {
        if (name !== "mcp_operations_total" || labels.gen_ai_tool_name !== TOOL) continue;
        counts[labels.mcp_outcome] = (counts[labels.mcp_outcome] ?? 0) + value;
      }
      return counts;
    };
    await Promise.all(
      LATER.map(async (later) => {
        const client = await connectClient("sdk1", url, "sdk1", crossing(later, []));
        const controller = new AbortController();
        const options = { signal: controller.signal, onProgress: () => controller.abort() };
        setTimeout(() => controller.abort(), 300);
        await client.callTool(TOOL, {}, options).catch(() => {});
        await sleep(later + 300);
        await client.close();
      }),
    );
    const left = await new RawSession(url, shortFetch, "raw").open();
    const leave = new AbortController();
    const body = JSON.stringify({ jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: TOOL, arguments: {} } });
    const headers = {
      ...{ "content-type": "application/json", accept: "application/json, text/event-stream" },
      ...{ "mcp-session-id": left.id!, "mcp-protocol-version": "2025-11-25" },
    };
    const call = shortFetch(url, { method: "POST", headers, body, signal: leave.signal }).catch(() => {});
    await sleep(300);
    leave.abort();
    await call;
    await expect.poll(outcomes, { timeout: 15_000 }).toEqual({ cancelled: LATER.length, disconnected: 1 });
  });
});
