/** Works out of recorded exchanges what the filter must have counted, with parsers that are not ours. */
import { createParser } from "eventsource-parser";
import { count, type Counts } from "./prometheus.ts";
import type { Recorded } from "./recording.ts";

/** A JSON-RPC message, as far as it is looked at. */
export interface Message {
  id?: number | string | null;
  method?: string;
  params?: { name?: string; requestId?: number | string };
  result?: { isError?: boolean };
  error?: { code: number };
}

const METHODS_WITH_TARGET: Record<string, string> = {
  "tools/call": "gen_ai_tool_name",
  "prompts/get": "gen_ai_prompt_name",
};

/** The counters, and the histograms' counts, after these exchanges. `isLabelled`: whether a name has a label value of
 *  its own. */
export function truthOf(exchanges: Recorded[], isLabelled: (name: string) => boolean): Counts {
  const counts: Counts = {};
  const cancelled = new Set(exchanges.flatMap(cancellationOf));
  for (const exchange of exchanges) {
    // An open stream has brought its notifications only.
    if (exchange.ended === "open") {
      for (const text of messagesOf(exchange)) countNotification(counts, text, "server_to_client");
    } else if (exchange.method === "POST") countPost(counts, exchange, cancelled, isLabelled);
    else if (exchange.method === "GET" && exchange.status === 200) {
      countStream(counts, "get", exchange.ended === "complete" ? "server_closed" : "client_closed");
      for (const text of messagesOf(exchange)) countNotification(counts, text, "server_to_client");
    }
  }
  return counts;
}

/** The messages of a response, as text. */
export function messagesOf({ contentType, text }: Pick<Recorded, "contentType" | "text">): string[] {
  if (contentType.startsWith("application/json")) return text === "" ? [] : [text];
  if (!contentType.startsWith("text/event-stream")) return [];
  const messages: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => void (data !== "" && messages.push(data)) });
  parser.feed(text);
  return messages;
}

function countPost(
  counts: Counts,
  exchange: Recorded,
  cancelled: Set<string>,
  isLabelled: (name: string) => boolean,
): void {
  const request = JSON.parse(exchange.body) as Message;
  countStream(counts, "post", exchange.ended === "left" ? "client_closed" : "complete");
  if (request.id === undefined) return countNotification(counts, exchange.body, "client_to_server");

  const method = request.method!;
  const labels: Record<string, string> = { mcp_method_name: method };
  const label = METHODS_WITH_TARGET[method];
  if (label !== undefined) {
    const name = request.params?.name ?? "";
    labels[label] = isLabelled(name) ? name : "_OTHER";
    if (!isLabelled(name)) count(counts, "mcp_label_overflow_total", { mcp_label: label });
  }
  const bytes = (mcp_direction: string, text: string) =>
    count(counts, "mcp_payload_bytes_total", { ...labels, mcp_direction }, Buffer.byteLength(text));
  bytes("client_to_server", exchange.body);

  let answer: Message | undefined;
  for (const text of messagesOf(exchange)) {
    const message = JSON.parse(text) as Message;
    if (message.method !== undefined) {
      countNotification(counts, text, "server_to_client");
    } else if (message.id === request.id || (message.id === null && message.error !== undefined)) {
      answer = message;
      bytes("server_to_client", text);
    }
  }
  const isCancelled = isModern(exchange) || cancelled.has(cancelKey(exchange, request.id!));
  const withoutAnswer = isCancelled ? "cancelled" : exchange.ended === "left" ? "disconnected" : "unanswered";
  const outcome = answer === undefined ? withoutAnswer : outcomeOf(answer);
  const code = answer?.error === undefined ? "" : String(answer.error.code);
  count(counts, "mcp_operations_total", { ...labels, mcp_outcome: outcome, rpc_response_status_code: code });
  const errorType = { ok: "", tool_error: "tool_error", rpc_error: "rpc_error" }[outcome] ?? "other";
  count(counts, "mcp_operation_duration_milliseconds_count", { ...labels, error_type: errorType });
}

function outcomeOf({ result, error }: Message): string {
  if (error !== undefined) return "rpc_error";
  return result?.isError === true ? "tool_error" : "ok";
}

function countStream(counts: Counts, mcp_stream_kind: string, mcp_stream_end: string): void {
  count(counts, "mcp_streams_total", { mcp_stream_kind, mcp_stream_end });
  count(counts, "mcp_stream_duration_milliseconds_count", { mcp_stream_kind, mcp_stream_end });
}

/** Counts the message where it is a notification: a server's own requests are not counted yet. */
function countNotification(counts: Counts, text: string, mcp_direction: string): void {
  const { id, method } = JSON.parse(text) as Message;
  if (method === undefined || id !== undefined) return;
  count(counts, "mcp_notifications_total", { mcp_method_name: method, mcp_direction });
  count(counts, "mcp_payload_bytes_total", { mcp_method_name: method, mcp_direction }, Buffer.byteLength(text));
}

function cancellationOf(exchange: Recorded): string[] {
  if (exchange.method !== "POST") return [];
  const { method, params } = JSON.parse(exchange.body) as Message;
  return method === "notifications/cancelled" ? [cancelKey(exchange, params!.requestId!)] : [];
}

function cancelKey({ headers }: Recorded, id: number | string): string {
  return JSON.stringify([headers.get("mcp-session-id"), id]);
}

function isModern({ headers }: Recorded): boolean {
  return headers.get("mcp-protocol-version") === "2026-07-28";
}
