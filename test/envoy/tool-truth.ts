/** Works out of recorded exchanges what the filter must have counted of what agents do with tools. All clients are one
 *  caller, and lists come in one page. */
import type { Operation } from "./operation-truth.ts";
import { count, type Counts } from "./prometheus.ts";
import { isModern, type Message, type Passed, type ToolDefinition, type Wire } from "./wire.ts";

type IsLabelled = (name: string) => boolean;

/** Progress, calls that repeat others or that name no tool, and changes of definitions. */
export function toolTruthOf(wire: Wire, operations: readonly Operation[], isLabelled: IsLabelled): Counts {
  const counts: Counts = {};
  countProgress(counts, wire, isLabelled);
  countRepeated(counts, operations, isLabelled);
  countAgainstLists(counts, operations, isLabelled);
  return counts;
}

/** Progress belongs to the tool that the stream's own request calls, until that is answered. */
function countProgress(counts: Counts, { sent, received }: Wire, isLabelled: IsLabelled): void {
  const calls = new Map(sent.flatMap((passed) => (isCall(passed) ? [[passed.exchange, passed.message]] : [])));
  for (const { exchange, message } of received) {
    const call = calls.get(exchange);
    if (call !== undefined && message.method === undefined && message.id === call.id) calls.delete(exchange);
    if (message.method !== "notifications/progress") continue;
    count(counts, "mcp_progress_total", call === undefined ? {} : toolLabel(call, isLabelled));
  }
}

/** Of the calls with the same tool and arguments in a session, or a client's window, all but the first. */
function countRepeated(counts: Counts, operations: readonly Operation[], isLabelled: IsLabelled): void {
  const seen = new Set<string>();
  for (const { request } of operations.filter(({ request }) => isCall(request))) {
    const { params = {} } = request.message;
    const scope = request.session ?? windowOf(request);
    if (scope === null || params.inputResponses !== undefined) continue;
    const key = JSON.stringify([scope, params.name, params.arguments]);
    if (seen.has(key)) count(counts, "mcp_repeated_calls_total", toolLabel(request.message, isLabelled));
    seen.add(key);
  }
}

/** What identifies a client without a session; null if it never received a status. */
function windowOf({ exchange, message }: Passed): string | null {
  if (exchange.status < 200 || exchange.status > 299) return null;
  const { _meta } = (message.params ?? {}) as { _meta?: Record<string, { name?: string } | undefined> };
  return `window ${pathOf(exchange)} ${isModern(exchange) ? (_meta?.["io.modelcontextprotocol/clientInfo"]?.name ?? "") : ""}`;
}

/** The path without its query, which distinguishes servers of one upstream. */
function pathOf({ url }: Passed["exchange"]): string {
  return new URL(url).pathname;
}

/** Holds failed calls and new lists against the list that was answered last on the same path. */
function countAgainstLists(counts: Counts, operations: readonly Operation[], isLabelled: IsLabelled): void {
  const lists = new Map<string, Map<string, string>>();
  for (const { request, answer, outcome } of operations) {
    const { method, params } = request.message;
    const path = pathOf((answer ?? request).exchange);
    const known = lists.get(path);
    if (method === "tools/list" && outcome === "ok") {
      const listed = new Map(answer!.message.result!.tools!.map((tool) => [tool.name, definitionOf(tool)]));
      const changes = known === undefined ? [] : changesBetween(known, listed);
      for (const [name, mcp_change] of changes) {
        const labels = { ...toolLabel({ params: { name } }, isLabelled), mcp_change };
        count(counts, "mcp_tool_definition_changes_total", labels);
      }
      lists.set(path, listed);
    } else if (method === "tools/call" && (outcome === "tool_error" || outcome === "rpc_error")) {
      if (known !== undefined && !known.has(params!.name!)) count(counts, "mcp_unknown_tool_calls_total", {});
    }
  }
}

function changesBetween(before: Map<string, string>, after: Map<string, string>): [name: string, change: string][] {
  const removed = [...before.keys()].filter((name) => !after.has(name));
  const others = [...after].filter(([name, definition]) => before.get(name) !== definition);
  return [
    ...removed.map((name): [string, string] => [name, "removed"]),
    ...others.map(([name]): [string, string] => [name, before.has(name) ? "changed" : "added"]),
  ];
}

function definitionOf({ description, inputSchema }: ToolDefinition): string {
  return JSON.stringify([description, inputSchema]);
}

function isCall({ message }: Passed): boolean {
  return message.method === "tools/call" && message.id !== undefined;
}

function toolLabel({ params }: Message, isLabelled: IsLabelled): { gen_ai_tool_name: string } {
  const name = params?.name ?? "";
  return { gen_ai_tool_name: isLabelled(name) ? name : "_OTHER" };
}
