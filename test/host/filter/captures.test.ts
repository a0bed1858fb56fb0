import { describe, expect, test } from "vitest";
import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { exchange, type Exchange, type Plugin } from "../../../scripts/host/index.ts";
import { countsBy, startFilter } from "./filter.ts";

/** All counters after these exchanges, each body in the pieces that `cut` makes of it. */
function counters(exchanges: readonly Exchange[], cut: (body: Uint8Array) => Uint8Array[]): Record<string, number> {
  const plugin = startFilter();
  for (const { request, response, ...rest } of exchanges) {
    exchange(plugin, {
      ...rest,
      request: { ...request, body: cut(bytesOf(request.body)) },
      response: response && { ...response, body: cut(bytesOf(response.body)) },
    });
  }
  return plugin.vm.metrics.counters();
}

function bytesOf(body: Exchange["request"]["body"]): Uint8Array {
  if (body === undefined) return new Uint8Array(0);
  const pieces = typeof body === "string" || body instanceof Uint8Array ? [body] : body;
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
}

const inPieces = (size: number) => (body: Uint8Array) =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size));

describe.each(captureNames())("capture %s", (name) => {
  const exchanges = readCapture(name);

  test.each([1, 2, 7, 64, 1000])("in pieces of %i bytes gives the counters of the uncut one", (size) => {
    const uncut = counters(exchanges, (body) => [body]);
    expect(counters(exchanges, inPieces(size))).toEqual(uncut);
  });
});

/** A plugin through which the capture of this number has passed as it was. */
function replay(number: string): Plugin {
  const plugin = startFilter();
  const name = captureNames().find((capture) => capture.startsWith(number))!;
  for (const captured of readCapture(name)) exchange(plugin, captured);
  return plugin;
}

test("what the capture of a stateful session of 2025-11-25 holds", () => {
  const plugin = replay("01");
  expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toMatchInlineSnapshot(`
    {
      "_OTHER rpc_error": 1,
      "completion/complete ok": 1,
      "elicitation/create ok": 1,
      "initialize ok": 1,
      "logging/setLevel ok": 1,
      "ping ok": 1,
      "prompts/get ok": 1,
      "prompts/get rpc_error": 1,
      "prompts/list ok": 1,
      "resources/list ok": 1,
      "resources/read ok": 1,
      "resources/read rpc_error": 1,
      "resources/subscribe ok": 1,
      "resources/templates/list ok": 1,
      "resources/unsubscribe ok": 1,
      "roots/list ok": 1,
      "sampling/createMessage ok": 1,
      "tools/call cancelled": 1,
      "tools/call ok": 7,
      "tools/call tool_error": 2,
      "tools/list ok": 1,
    }
  `);
  expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name", "mcp_direction")).toMatchInlineSnapshot(`
    {
      "notifications/cancelled client_to_server": 1,
      "notifications/initialized client_to_server": 1,
      "notifications/message server_to_client": 3,
      "notifications/progress server_to_client": 4,
    }
  `);
  expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
});

test("what the capture of 2026-07-28 holds", () => {
  const plugin = replay("05");
  expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toMatchInlineSnapshot(`
    {
      "_OTHER rpc_error": 1,
      "completion/complete ok": 1,
      "prompts/get ok": 1,
      "resources/list ok": 1,
      "resources/read ok": 1,
      "resources/read rpc_error": 1,
      "server/discover ok": 1,
      "subscriptions/listen cancelled": 1,
      "tools/call cancelled": 1,
      "tools/call input_required": 2,
      "tools/call ok": 7,
      "tools/call rpc_error": 3,
      "tools/call tool_error": 1,
      "tools/list ok": 1,
      "tools/list rpc_error": 4,
    }
  `);
  expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({});
});
