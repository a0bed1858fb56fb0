/** Tests activity windows, which replace sessions only where there are none. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { countsBy, error, JSON_ANSWER, MCP_HEADERS, post, request, result, SSE_ANSWER, startFilter } from "./filter.ts";
import { initializeRequest } from "./http-sse.ts";
import { initializeResult, inSession } from "./open-stream.ts";

const started = (plugin: Plugin) => countsBy(plugin, "mcp_sessions_started_total", "mcp_session_kind");
const adopted = (plugin: Plugin) => countsBy(plugin, "mcp_sessions_adopted_total", "mcp_session_kind");

/** The unreadable parts of a response. */
const UNREADABLE: [string, Record<string, string>, string][] = [
  ["compressed", { ...JSON_ANSWER, "content-encoding": "gzip" }, "\x1f\x8b"],
  ["a compressed stream", { ...SSE_ANSWER, "content-encoding": "br" }, "\x1f\x8b"],
  ["broken", JSON_ANSWER, `${initializeResult("2025-11-25")}}`],
  ["cut off", JSON_ANSWER, initializeResult("2025-11-25").slice(0, -1)],
  ["no message", JSON_ANSWER, "{}"],
  ["broken, in an event", SSE_ANSWER, "data: {]\n\n"],
];

describe.each(UNREADABLE)("an unreadable response (%s)", (_, headers, body) => {
  test("starts no window", () => {
    const plugin = startFilter();
    for (const asked of [initializeRequest(), request("tools/list")]) post(plugin, asked, { headers, body });
    expect(started(plugin)).toEqual({});
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ undecoded: 2 });
  });

  test("to initialize, whose headers name the session, starts none either: the next request adopts it", () => {
    const plugin = startFilter();
    post(plugin, initializeRequest(), { headers: { ...headers, "mcp-session-id": "s" }, body });
    expect([started(plugin), adopted(plugin)]).toEqual([{}, {}]);
    post(plugin, request("tools/list"), result({ tools: [] }), { headers: inSession("s") });
    expect([started(plugin), adopted(plugin)]).toEqual([{}, { streamable: 1 }]);
  });
});

test("an error in response to initialize that names a session starts no window", () => {
  const plugin = startFilter();
  post(plugin, initializeRequest(), { headers: { ...JSON_ANSWER, "mcp-session-id": "s" }, body: error(-32602, 0) });
  expect(started(plugin)).toEqual({});
});

test("a response of 2026-07-28 that names a session, which that revision does not have, starts a window", () => {
  const plugin = startFilter();
  const headers = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list" };
  const answer = { headers: { ...JSON_ANSWER, "mcp-session-id": "s" }, body: result({ tools: [] }) };
  post(plugin, request("tools/list"), answer, { headers });
  expect(started(plugin)).toEqual({ window: 1 });
});
