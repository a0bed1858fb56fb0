/** Tests access policies on HTTP+SSE. A POST belongs to this transport if a stream has named its path as the endpoint, regardless
 *  of the POST's headers. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { ask, methods, rewritten, tools } from "./access.ts";
import { OpenStream } from "./open-stream.ts";
import { batch, countsBy, notification, request, startFilter, startWorkers, toolCall } from "./filter.ts";
import { ENDPOINT, endpointEvent, initializeRequest, openSession, openStream, POST_HEADERS } from "./http-sse.ts";

const MODERN = "2026-07-28";
const META = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {} };
/** Headers of Streamable HTTP, which have no meaning in a POST to an endpoint of HTTP+SSE. */
const DISGUISES: [string, Record<string, string>][] = [
  ["nothing more", {}],
  ["an event stream accepted", { accept: "application/json, text/event-stream" }],
  ["a session id", { "mcp-session-id": "s" }],
  ["a revision", { "mcp-protocol-version": "2025-06-18" }],
  ["the revision without sessions", { "mcp-protocol-version": MODERN }],
  ["an unknown revision", { "mcp-protocol-version": "1999-01-01" }],
  ["another method and name", { "mcp-method": "tools/list", "mcp-name": "other" }],
  [
    "all of 2026-07-28",
    {
      accept: "application/json, text/event-stream",
      "mcp-session-id": "s",
      "mcp-protocol-version": MODERN,
      "mcp-method": "tools/call",
      "mcp-name": "echo",
    },
  ],
];

/** Workers with a policy for the path of the stream only. The filter learns the path of the endpoint. */
function startOnStream(access: object, count = 1): Plugin[] {
  return startWorkers(count, { configuration: { match: { paths: ["/sse"] }, access } });
}

/** Posts a message to `path`. Returns the status and details of the filter's own response, `passes` if the message passes
 *  unchanged, or `passes rewritten` if it passes with a method that no server knows. */
function sent(plugin: Plugin, body: string, headers: Record<string, string>, path = ENDPOINT): string {
  const { reply, stream } = ask(plugin, body, { path, headers: { ...POST_HEADERS, ...headers } });
  if (reply !== undefined) return `${reply.status} ${reply.details}`;
  if (stream.passedRequest === rewritten(body)) return "passes rewritten";
  // A body that is not held passes in chunks, and the last chunk is empty.
  return ["", body].includes(stream.passedRequest) ? "passes" : stream.passedRequest;
}

describe.each([1, 2])("a POST to a learned endpoint, with %i workers", (count) => {
  test.each(DISGUISES)("that has %s is denied by a policy that denies all", (_, headers) => {
    const workers = startOnStream({ rules: [] }, count);
    openStream(workers[0]);
    for (const body of [toolCall("echo"), request("tools/list", { _meta: META }), initializeRequest()]) {
      expect(sent(workers[count - 1], body, headers)).toBe("passes rewritten");
    }
    expect(sent(workers[count - 1], notification("notifications/x"), headers)).toBe("202 mcp_access_denied[_default]");
  });

  test.each(DISGUISES)("that has %s passes where its message is allowed, without Mcp-* headers", (_, headers) => {
    const access = {
      rules: [methods("ALLOW", "asking", "server/discover", "tools/list"), tools("ALLOW", "a", "echo")],
    };
    const workers = startOnStream(access, count);
    openStream(workers[0]);
    const plugin = workers[count - 1];
    for (const params of [{}, { _meta: META }]) {
      expect(sent(plugin, request("server/discover", params), headers)).toBe("passes");
      expect(sent(plugin, request("tools/call", { name: "echo", ...params }), headers)).toBe("passes");
      expect(sent(plugin, request("tools/call", { name: "add", ...params }), headers)).toBe("passes rewritten");
    }
    expect(plugin.vm.metrics.counter("mcp_header_mismatch_total")).toBe(0);
  });
});

describe("on a learned endpoint", () => {
  test.each(DISGUISES)("the revision comes from the message if the POST has %s", (_, headers) => {
    const when = (revision: string) => [{ key: "mcp.protocolVersion", values: [revision] }];
    const rules = [
      { name: "modern", action: "ALLOW", when: when(MODERN) },
      { name: "old", action: "ALLOW", when: when("2025-*") },
    ];
    const [plugin] = startOnStream({ rules });
    openStream(plugin);
    expect(sent(plugin, request("tools/list", { _meta: META }), headers)).toBe("passes");
    expect(sent(plugin, request("initialize", { protocolVersion: "2025-06-18" }), headers)).toBe("passes");
    // A server of HTTP+SSE does not read MCP-Protocol-Version, so the revision is unknown without `_meta`.
    expect(sent(plugin, request("tools/list"), headers)).toBe("passes rewritten");
  });

  test.each(DISGUISES)("a POST with %s belongs to the session of its stream", (_, headers) => {
    const plugin = startFilter({
      configuration: {
        match: { paths: ["/sse"] },
        access: { rules: [tools("DENY", "no", "x")], defaultAction: "ALLOW" },
      },
    });
    const stream = openSession(plugin, plugin);
    sent(plugin, toolCall("echo"), headers);
    stream.close();
    expect(countsBy(plugin, "mcp_sessions_started_total", "mcp_session_kind")).toEqual({ http_sse: 1 });
    expect(countsBy(plugin, "mcp_sessions_adopted_total", "mcp_session_kind")).toEqual({});
  });

  test.each([
    ["content of another type", { "content-type": "text/plain" }, "content_type"],
    ["no type of content", { "content-type": "" }, "content_type"],
    ["compressed content", { "content-encoding": "gzip" }, "compressed"],
  ])("%s is refused", (_, headers, reason) => {
    const [plugin] = startOnStream({ rules: [tools("ALLOW", "all", "*")] });
    expect(sent(plugin, toolCall("echo"), headers)).toBe("passes");
    openStream(plugin);
    expect(sent(plugin, toolCall("echo"), headers)).toBe(`403 mcp_access_refused[${reason}]`);
  });

  test.each(["PUT", "PATCH", "GET", "DELETE"])("%s with a body is decided, too", (method) => {
    const [plugin] = startOnStream({ rules: [] });
    openStream(plugin);
    const { stream } = ask(plugin, toolCall("echo"), { method, path: ENDPOINT, headers: POST_HEADERS });
    expect(stream.passedRequest).toBe(rewritten(toolCall("echo")));
  });

  test("a batch passes with other methods, even if all of its messages are denied", () => {
    const [plugin] = startOnStream({ rules: [tools("ALLOW", "a", "echo")] });
    openStream(plugin);
    const posted = (...messages: string[]) =>
      ask(plugin, batch(...messages), { path: ENDPOINT, headers: POST_HEADERS }).stream.passedRequest;
    const [echo, add, notice] = [toolCall("echo", 1), toolCall("add", 2), notification("notifications/x")];
    expect(posted(echo, add)).toBe(batch(echo, rewritten(add)));
    expect(posted(notice, add)).toBe(batch(rewritten(notice), rewritten(add)));
    // The client does not expect an answer.
    expect(sent(plugin, batch(notice, notice), {})).toBe("202 mcp_access_denied[_default]");
  });
});

describe("the endpoint is learned regardless of the headers of its stream's GET", () => {
  test.each([
    ["with a session id", "/sse", { accept: "text/event-stream", "mcp-session-id": "s" }],
    ["of 2026-07-28", "/sse", { accept: "text/event-stream", "mcp-protocol-version": MODERN }],
    ["without accepting an event stream", "/sse", { accept: "*/*" }],
    ["without any header", "/sse", {}],
    ["with a query", "/sse?x=1", { accept: "*/*" }],
    ["from a path of 2 000 bytes", `/sse/${"x".repeat(2000)}`, { accept: "text/event-stream" }],
  ])("%s", (_, path, headers) => {
    const [plugin] = startOnStream({ rules: [] });
    const stream = new OpenStream(plugin, { method: "GET", path, headers }).write(endpointEvent(ENDPOINT));
    expect(sent(plugin, toolCall("echo"), {})).toBe("passes rewritten");
    stream.close();
    expect(sent(plugin, toolCall("echo"), {})).toBe("passes");
  });
});

describe("elsewhere", () => {
  test("a request of 2026-07-28 still needs its headers", () => {
    const [plugin] = startOnStream({ rules: [tools("ALLOW", "a", "echo")] });
    const call = request("tools/call", { name: "echo", _meta: META });
    expect(sent(plugin, call, {}, "/sse")).toBe("400 mcp_access_refused[header_mismatch]");
    openStream(plugin);
    expect(sent(plugin, call, {}, "/sse")).toBe("400 mcp_access_refused[header_mismatch]");
    expect(sent(plugin, call, {})).toBe("passes");
  });

  test("a request without a revision is of 2025-03-26, regardless of its accept header", () => {
    const rule = { name: "old", action: "ALLOW", when: [{ key: "mcp.protocolVersion", values: ["2025-03-26"] }] };
    const [plugin] = startOnStream({ rules: [rule] });
    expect(sent(plugin, toolCall("echo"), {}, "/sse")).toBe("passes");
    expect(sent(plugin, toolCall("echo"), { accept: "text/event-stream" }, "/sse")).toBe("passes");
  });

  test.each([
    [403, "no event stream", {}],
    [200, "an event stream", { accept: "application/json, text/event-stream" }],
    [200, "no event stream, within a session", { "mcp-session-id": "s" }],
    [
      200,
      "no event stream, of 2026-07-28",
      { "mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "echo" },
    ],
  ])("a denial has the status %i for who accepts %s", (status, _, headers) => {
    const [plugin] = startOnStream({ rules: [] });
    expect(sent(plugin, toolCall("echo"), headers, "/sse")).toBe(`${status} mcp_access_denied[_default]`);
  });

  test.each([
    ["a POST of JSON", { "content-type": "application/json" }, "{}", 1],
    ["a POST of text", { "content-type": "text/plain" }, "hello", 1],
    ["a GET", { accept: "text/html" }, "", 0],
  ])("%s that is not MCP pays one look-up at most while nobody speaks HTTP+SSE", (_, headers, body, count) => {
    const [plugin] = startOnStream({ rules: [] });
    const run = () => ask(plugin, body, { method: body === "" ? "GET" : "POST", path: "/elsewhere", headers });
    run();
    plugin.vm.calls.reset();
    run();
    expect(plugin.vm.calls.count("proxy_get_shared_data")).toBe(count);
  });
});
