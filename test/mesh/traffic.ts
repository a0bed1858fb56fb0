/** A load of official clients through a mesh's proxies, and what its filters must have counted. */
import { expect } from "vitest";
import type { Envoy } from "../../scripts/envoy/process.ts";
import { CLIENT_KINDS, connectClient, type McpClient } from "../../scripts/demo/client.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { countsOf, type Counts, type Metric, readMetrics } from "../envoy/prometheus.ts";
import { Recording } from "../envoy/recording.ts";
import { shortFetch } from "../envoy/sessions/raw-session.ts";
import { sessionTruthOf } from "../envoy/sessions/session-truth.ts";
import { tokenTruthOf } from "../envoy/token-truth.ts";
import { truthOf } from "../envoy/truth.ts";

const TOOLS = ["get_weather", "search_docs", "read_log", "export_report", "charge_card", "refund_order"];
/** Recorded about ten seconds after a session's end. Tests of sessions wait for them. */
const SLOW = /^mcp_session_/;
const POLL = { timeout: 20_000, interval: 250 };

/** The calls of each client, some of them twice: every outcome, short and long responses, JSON and event streams. */
const CALLS: [tool: string, args: Record<string, unknown>][] = [
  ["get_weather", { city: "Tromsø ☃ 東京" }],
  ["get_weather", { city: "Tromsø ☃ 東京" }],
  ["search_docs", { query: "refunds", ms: 5 }],
  ["read_log", { bytes: 100_000 }],
  ["export_report", { steps: 3, ms: 1 }],
  ["charge_card", { declined: true }],
  ["charge_card", {}],
  ["refund_order", { code: -32603 }],
  ["no_such_tool", {}],
];

/** The labels that distinguish a plugin's series from those of others. */
export interface PluginLabels {
  mcp_role: string;
  mcp_server: string;
}

/** Reads the proxies' metrics, with labels in any place. */
export type ReadMetrics = (envoy: Envoy) => Promise<Metric[]>;

/** Runs six clients at once, two of each SDK and era. Resolves when all have ended. */
export async function runClients(proxyUrl: string, recording = new Recording()): Promise<Recording> {
  await Promise.all(CLIENT_KINDS.flatMap((kind) => [runClient(kind, "/mcp"), runClient(kind, "/mcp-json")]));
  return recording;

  async function runClient(kind: McpClient["kind"], path: string): Promise<void> {
    const client = await connectClient(kind, `${proxyUrl}${path}`, `${kind}${path}`, recording.fetch);
    await client.listTools();
    for (const [tool, args] of CALLS) await client.callTool(tool, args, { onProgress: () => {} }).catch(isRpcError);
    if (kind === "sdk2-modern") await recording.settled(null);
    await client.close();
  }
}

/** Sends a client's first message. Resolves to the response's status. */
export async function initialize(url: string): Promise<number> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } };
  const init = { method: "POST", headers: mcp.LEGACY, body: mcp.request(1, "initialize", params) };
  // On a separate connection, because kept ones stay with the listener that accepted them.
  const response = await shortFetch(url, init);
  await response.text();
  return response.status;
}

/**
 * Waits until every counter, and every histogram's count, of each of these plugins matches what the clients did.
 * Expects that there are no others, and that no plugin logged a complaint.
 */
export async function expectTruth(
  envoy: Envoy,
  recording: Recording,
  plugins: readonly PluginLabels[],
  read: ReadMetrics = readMetrics,
): Promise<void> {
  await expectTruths(envoy, new Map(plugins.map((plugin) => [plugin, recording])), read);
}

/** Like {@link expectTruth}, for plugins that have each seen different clients. */
export async function expectTruths(
  envoy: Envoy,
  seen: ReadonlyMap<PluginLabels, Recording>,
  read: ReadMetrics = readMetrics,
): Promise<void> {
  const truths = [...seen].map(([plugin, recording]) => [keyOf(plugin), truthIn(recording)]);
  const counted = async () => byPlugin(await read(envoy));
  await expect.poll(counted, POLL).toEqual(Object.fromEntries(truths));
  expect(complaints(envoy)).toEqual([]);
}

/** What one plugin must have counted, under envoy.yaml's role and server. */
export function truthIn({ exchanges }: Recording): Counts {
  const isLabelled = (name: string) => TOOLS.includes(name);
  const sessions = Object.entries(sessionTruthOf(exchanges, false).counts).filter(([key]) => !SLOW.test(key));
  return {
    ...truthOf(exchanges, isLabelled),
    ...tokenTruthOf(exchanges, isLabelled),
    ...Object.fromEntries(sessions),
  };
}

/** Lines of the log in which a plugin complains. */
export function complaints(envoy: Envoy): string[] {
  const lines = envoy.log().split("\n");
  return lines.filter((line) => /\[(warning|error|critical)\]\[wasm\].* wasm log\b/.test(line));
}

/** The counts under each role and server, with the labels of envoy.yaml, which the expected counts have. */
export function byPlugin(metrics: Metric[]): Record<string, Counts> {
  const plugins: Record<string, Metric[]> = {};
  for (const metric of metrics) {
    const { mcp_role, mcp_server } = metric.labels;
    if (mcp_role === undefined || mcp_server === undefined || SLOW.test(metric.name)) continue;
    const labels = { ...metric.labels, mcp_role: "server", mcp_server: "mcp_upstream" };
    (plugins[keyOf({ mcp_role, mcp_server })] ??= []).push({ ...metric, labels });
  }
  return Object.fromEntries(Object.entries(plugins).map(([key, metrics]) => [key, countsOf(metrics)]));
}

function keyOf({ mcp_role, mcp_server }: PluginLabels): string {
  return `${mcp_role} ${mcp_server}`;
}

/** Ignores a JSON-RPC error, which is the purpose of the call. */
function isRpcError(error: unknown): void {
  if (typeof (error as { code?: unknown }).code !== "number") throw error;
}
