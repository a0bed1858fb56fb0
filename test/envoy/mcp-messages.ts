/** MCP as it is sent, for tests that write messages themselves. */

/** The headers of a POST before 2026-07-28, without a session. */
export const LEGACY = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-11-25",
};

/** The headers of a POST of 2026-07-28, without those that mirror its body. */
export const MODERN = { ...LEGACY, "mcp-protocol-version": "2026-07-28" };

export const JSON_TYPE = { "content-type": "application/json" };
export const SSE_TYPE = { "content-type": "text/event-stream" };

/** A request. */
export function request(id: number | string, method: string, params: object = {}): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

/** A `tools/call`. */
export function toolCall(id: number | string, name: string): string {
  return request(id, "tools/call", { name, arguments: {} });
}

export function notification(method: string, params: object = {}): string {
  return JSON.stringify({ jsonrpc: "2.0", method, params });
}

/** A response with a result. */
export function result(id: number | string, value: object = { content: [] }): string {
  return JSON.stringify({ jsonrpc: "2.0", id, result: value });
}

/** A response with an error. */
export function failure(id: number | string | null, code: number): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message: "no" } });
}

/** A message as an event. */
export function event(message: string): string {
  return `event: message\ndata: ${message}\n\n`;
}
