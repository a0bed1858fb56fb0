/** Official clients, and some raw ones, that do everything that leaves a trace. */
import { setTimeout as sleep } from "node:timers/promises";
import * as mcp from "../envoy/mcp-messages.ts";
import { RawSession } from "../envoy/sessions/raw-session.ts";
import { type ClientKind, connectClient, type Fetch } from "../../scripts/demo/client.ts";
import { connectSseClient } from "../fixtures/clients/sse-client.ts";

const CANCEL_MS = 100;
const MODEL = () => "It is sunny in Oslo.";
const USER = () => ({ city: "Oslo" });

/** Runs all of them against the servers of `servers.ts` at this origin. The names of clients begin with `prefix`. */
export async function runClients(origin: string, prefix: string, send: Fetch): Promise<void> {
  await Promise.all([
    useAll("sdk1", `${origin}/mcp`, `${prefix}-sdk1`, send),
    useAll("sdk2-legacy", `${origin}/mcp-json`, `${prefix}-json-answers`, send),
    useAll("sdk2-modern", `${origin}/mcp`, `${prefix}-modern`, send),
    beAsked("sdk1", `${origin}/asking`, `${prefix}-asked1`, send),
    beAsked("sdk2-legacy", `${origin}/asking`, `${prefix}-asked2`, send),
    resume("sdk1", `${origin}/polled`, `${prefix}-polled`, send),
    useSse(`${origin}/sse`, `${prefix}-sse`, send),
    leave(`${origin}/raw`, `${prefix}-raw`, send),
    sendBatches(`${origin}/asking`, `${prefix}-batches`, send),
  ]);
}

/** Makes calls with every possible outcome. */
async function useAll(kind: ClientKind, url: string, name: string, send: Fetch): Promise<void> {
  const client = await connectClient(kind, url, name, send, MODEL, USER);
  await client.listTools();
  await client.callTool("get_weather", { city: "Tromsø ☃ 東京" });
  await client.callTool("export_report", { steps: 3, ms: 5 }, { onProgress: () => {} });
  // Distinguishes clients that do the same at the same time.
  await client.callTool("charge_card", { declined: true, for: name });
  await expectError(client.callTool("refund_order", { code: -32603 }));
  await expectError(client.callTool("refund_order"));
  await expectError(client.callTool("no_such_tool"));
  await client.listPrompts();
  await client.getPrompt("summarize", { topic: "x" });
  await expectError(client.getPrompt("no_such_prompt"));
  await client.listResources();
  await client.readResource("demo://readme");
  await expectError(client.readResource("demo://none"));
  if (kind !== "sdk2-modern") await client.ping();
  if (kind === "sdk1") await client.callTool("ask_model", { question: "Why?" });
  // By closing the stream: before 2026-07-28, servers may leave the stream of a cancelled call open.
  if (kind === "sdk2-modern") {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), CANCEL_MS);
    await expectError(client.callTool("wait_for_approval", {}, { signal: controller.signal }));
  }
  await client.close();
}

/** Requests of the server: on the stream of the call, and on that of a GET. */
async function beAsked(kind: ClientKind, url: string, name: string, send: Fetch): Promise<void> {
  const client = await connectClient(kind, url, name, send, MODEL, kind === "sdk1" ? USER : undefined);
  await client.callTool("ask_model");
  // Rejected if there is no user.
  await client.callTool("ask_user");
  await client.callTool("ask_model_aside");
  await Promise.all([client.callTool("ask_model"), client.callTool("get_weather"), client.callTool("ask_model")]);
  await client.close();
}

/** Responses that come on another stream than that of the call. */
async function resume(kind: ClientKind, url: string, name: string, send: Fetch): Promise<void> {
  const client = await connectClient(kind, url, name, send);
  await client.callTool("poll");
  await client.callTool("poll_in_vain");
  await client.close();
}

async function useSse(url: string, name: string, send: Fetch): Promise<void> {
  const client = await connectSseClient(url, name, send);
  const call = (tool: string, args: Record<string, unknown> = {}) => client.callTool({ name: tool, arguments: args });
  await client.listTools();
  await call("echo", { text: "x" });
  await call("decline");
  await client.callTool({ name: "count", arguments: { steps: 2 } }, undefined, { onprogress: () => {} });
  await call("ask_model");
  await call("ask_user");
  await call("ask_roots");
  await client.getPrompt({ name: "summarize" });
  // Two calls are open while the server asks.
  const slow = call("sleep", { ms: 400 });
  await sleep(100);
  await call("ask_model");
  await slow;
  await client.close();
}

/** Clients that leave, cancel, and send unknown requests. */
async function leave(url: string, name: string, send: Fetch): Promise<void> {
  const session = await new RawSession(url, send, name).open();
  await session.request("nonsense/do", { name: "x" });
  await session.call("decline");
  (await session.block()).leave();
  const cancelled = await session.block();
  await session.notify("notifications/cancelled", { requestId: cancelled.id });
  cancelled.leave();
  // By then both have ended for the servers too.
  await sleep(1000);
  await session.remove();
}

async function sendBatches(url: string, name: string, send: Fetch): Promise<void> {
  const headers: Record<string, string> = { ...mcp.JSON_TYPE, accept: mcp.LEGACY.accept };
  const post = async (body: string) => {
    const response = await send(url, { method: "POST", headers, body });
    await response.text();
    return response;
  };
  const params = { protocolVersion: "2025-03-26", capabilities: {}, clientInfo: { name, version: "1" } };
  const opened = await post(mcp.request(0, "initialize", params));
  headers["mcp-session-id"] = opened.headers.get("mcp-session-id")!;
  await post(mcp.notification("notifications/initialized"));
  const batch = [
    mcp.toolCall(1, "get_weather"),
    mcp.toolCall("two", "no_such_tool"),
    mcp.request(3, "ping"),
    mcp.request(4, "prompts/list"),
    mcp.notification("notifications/roots/list_changed"),
  ];
  await post(`[${batch.join(",")}]`);
  await (await send(url, { method: "DELETE", headers })).text();
}

async function expectError(failing: Promise<unknown>): Promise<void> {
  const result = await failing.then(
    () => "no error",
    () => "an error",
  );
  if (result !== "an error") throw new Error("it has not failed");
}
