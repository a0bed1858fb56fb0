/** Tests which streams belong to HTTP+SSE, and to which endpoints their clients post. */
import { describe, expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import { countsBy, event, post, request, result, startFilter, startWorkers, toolCall } from "./filter.ts";
import { endpointEvent, ENDPOINT, openSession, openStream, POST_HEADERS, send } from "./http-sse.ts";
import { GET_HEADERS, OpenStream } from "./open-stream.ts";

const outcomes = (plugin: Plugin) => countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
const streams = (plugin: Plugin) => countsBy(plugin, "mcp_streams_total", "mcp_stream_kind", "mcp_stream_end");

/** Whether a stream of this path that names this reference answers a POST to `target`. */
function leadsTo(target: string, reference: string, path: string): boolean {
  const plugin = startFilter();
  const stream = openStream(plugin, reference, path);
  send(plugin, toolCall("echo", 1), { path: target });
  stream.send(result({}, 1)).close();
  return outcomes(plugin)["tools/call ok"] === 1;
}

describe("the endpoint is resolved against the stream's path", () => {
  test.each([
    ["an absolute path", "/messages?sessionId=1", "/sse", "/messages?sessionId=1"],
    ["the path alone", "/messages", "/sse", "/messages"],
    ["a URI", "http://mcp.example/messages?sessionId=1", "/sse", "/messages?sessionId=1"],
    ["a URI of https, as it is outside of the proxy", "https://mcp.example:8443/m?s=1", "/sse", "/m?s=1"],
    ["a URI without a scheme", "//mcp.example/m?s=1", "/sse", "/m?s=1"],
    ["a name beside the stream's", "messages?sessionId=1", "/tools/sse", "/tools/messages?sessionId=1"],
    ["a name below the root", "messages", "/sse", "/messages"],
    ["a name below a folder", "messages", "/tools/", "/tools/messages"],
    ["a query alone", "?sessionId=1", "/tools/sse", "/tools/sse?sessionId=1"],
    ["a query in place of the stream's", "?sessionId=1", "/sse?token=abc", "/sse?sessionId=1"],
    ["a folder above", "../messages?sessionId=1", "/tools/v1/sse", "/tools/messages?sessionId=1"],
    ["the folder itself", "./messages", "/tools/sse", "/tools/messages"],
    ["more above than there is", "../../../messages", "/tools/sse", "/messages"],
    ["dots within a path", "/a/./b/../messages", "/sse", "/a/messages"],
    ["dots in the query, which are no folders", "/messages?next=/a/../b", "/sse", "/messages?next=/a/../b"],
    ["percent encoding as it is written", "/messages?sessionId=a%2Fb", "/sse", "/messages?sessionId=a%2Fb"],
  ])("%s: %s", (_, reference, path, target) => {
    expect(leadsTo(target, reference, path)).toBe(true);
    expect(leadsTo(`${target}0`, reference, path)).toBe(false);
    expect(leadsTo(target.slice(0, -1), reference, path)).toBe(false);
  });

  test("also if its event arrives in pieces, with any line end", () => {
    for (const end of ["\n", "\r\n", "\r"]) {
      const text = `: hi${end}event: endpoint${end}data: ${ENDPOINT}${end}${end}`;
      for (const size of [1, 2, 5, 100]) {
        const plugin = startFilter();
        const stream = new OpenStream(plugin, { method: "GET", path: "/sse", headers: GET_HEADERS });
        for (let at = 0; at < text.length; at += size) stream.write(text.slice(at, at + size));
        // A single CR ends a line only when no LF can follow.
        stream.write(": x\n");
        send(plugin, toolCall("echo", 1));
        stream.send(result({}, 1));
        expect(outcomes(plugin), JSON.stringify([end, size])).toEqual({ "tools/call ok": 1 });
      }
    }
  });

  test("a later stream that names the same endpoint works too", () => {
    const plugin = startFilter();
    for (let i = 0; i < 3; i++) {
      const stream = openSession(plugin, plugin);
      send(plugin, toolCall("echo", 1));
      stream.send(result({}, 1)).close("client");
    }
    expect(outcomes(plugin)).toEqual({ "initialize ok": 3, "tools/call ok": 3 });
  });
});

describe("what only looks like HTTP+SSE", () => {
  test("an unrelated event stream with an endpoint event has no effect on others", () => {
    const [plugin, other] = startWorkers(2);
    const feed = new OpenStream(plugin, { method: "GET", path: "/feed", headers: GET_HEADERS });
    feed.write("event: endpoint\ndata: 127.0.0.1:9000 is up\n\n");
    for (let i = 0; i < 20; i++) feed.write(`event: price\ndata: {"symbol":"x","price":${i}}\n\n`).send("plain text");
    for (const worker of [plugin, other]) {
      // POSTs of other services, and POSTs of Streamable HTTP.
      exchange(worker, {
        request: { path: "/feed", headers: POST_HEADERS, body: '{"jsonrpc":"2.0","id":1,"method":"eth_call"}' },
        response: { body: '{"jsonrpc":"2.0","id":1,"result":"0x"}' },
      });
      post(worker, toolCall("echo", 2), result({}, 2));
    }
    feed.close();
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 2 });
    expect(countsBy(plugin, "mcp_sessions_started_total", "mcp_session_kind")).toEqual({ window: 1 });
    expect(countsBy(plugin, "mcp_notifications_total", "mcp_method_name")).toEqual({});
  });

  test("a stream that names an endpoint belongs to HTTP+SSE even with a session header of Streamable HTTP", () => {
    const plugin = startFilter();
    const headers = { ...GET_HEADERS, "mcp-session-id": "s" };
    const stream = new OpenStream(plugin, { method: "GET", path: "/sse", headers }).write(endpointEvent(ENDPOINT));
    send(plugin, toolCall("echo", 1));
    stream.send(result({}, 1)).close();
    // Before the stream named the endpoint, it was counted by its header.
    expect(streams(plugin)).toEqual({ "get server_closed": 1, "post complete": 1 });
    expect(outcomes(plugin)).toEqual({ "tools/call ok": 1 });
  });

  test.each([
    ["a client that accepts an event stream", { accept: "application/json, text/event-stream" }],
    ["a client within a session", { "mcp-session-id": "s" }],
    ["a client of 2026-07-28", { "mcp-protocol-version": "2026-07-28" }],
  ])("a POST of %s to an endpoint that is the stream's own path counts by its own response", (_, extra) => {
    const plugin = startFilter();
    const stream = openStream(plugin, "/mcp", "/mcp");
    post(plugin, toolCall("echo", 1), result({ isError: true }, 1), { headers: { ...POST_HEADERS, ...extra } });
    stream.send(result({}, 1));
    expect(outcomes(plugin)).toEqual({ "tools/call tool_error": 1 });
  });

  test("the stream ignores comments and other events, and counts messages that cannot be decoded", () => {
    const plugin = startFilter();
    const stream = openSession(plugin, plugin);
    send(plugin, toolCall("echo", 1));
    stream.write(": keepalive\n\n").write("event: ping\ndata: {}\n\n");
    stream.send("{", '{"a":1}');
    stream.send(result({}, 1)).close();
    expect(outcomes(plugin)).toEqual({ "initialize ok": 1, "tools/call ok": 1 });
    expect(countsBy(plugin, "mcp_undecoded_total", "mcp_reason")).toEqual({ truncated: 1, not_jsonrpc: 1 });
  });

  test("an answer in a broken event has no effect: the next valid answer ends the request", () => {
    const plugin = startFilter();
    const stream = openSession(plugin, plugin);
    send(plugin, request("ping", {}, 1));
    stream.write(event(`${result({}, 1)}x`)).send(error405);
    stream.send(result({}, 1));
    expect(outcomes(plugin)).toEqual({ "initialize ok": 1, "ping ok": 1 });
  });
});

const error405 = '{"jsonrpc":"2.0","id":9,"error":{"code":405,"message":"no"}}';
