/** Headers of 2026-07-28 that repeat what the body says. */
import { describe, expect, test } from "vitest";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  batch,
  countsBy,
  error,
  notification,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "./filter.ts";

const REVISION = "2026-07-28";
const meta = { "io.modelcontextprotocol/protocolVersion": REVISION };

/** The headers of a request of 2026-07-28. */
function headers(method: string, name?: string, more: Record<string, string> = {}): Record<string, string> {
  const standard = { ...MCP_HEADERS, "mcp-protocol-version": REVISION, "mcp-method": method };
  return { ...standard, ...(name !== undefined && { "mcp-name": name }), ...more };
}

/** The headers that are said to disagree with this body, and how often. */
function mismatches(body: string, sent: Record<string, string>, size = Infinity): Record<string, number> {
  const plugin = startFilter();
  const bytes = Buffer.from(body);
  const stream = plugin.stream();
  stream.requestHeaders([[":method", "POST"], [":path", "/mcp"], ...Object.entries(sent)]);
  for (let at = 0; at < bytes.length; at += size) stream.requestBody(bytes.subarray(at, at + size));
  stream.requestBody(new Uint8Array(), true);
  stream.responseHeaders([[":status", "400"], ...Object.entries(JSON_ANSWER)]);
  stream.responseBody(Buffer.from(error(-32020)), true);
  stream.end();
  expect(plugin.vm.metrics.counter("mcp_operations_total")).toBe(1);
  return countsBy(plugin, "mcp_header_mismatch_total", "mcp_header");
}

const body = (method: string, params: object = {}) => request(method, { ...params, _meta: meta });
const without = (sent: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(sent).filter(([key]) => key !== name));
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString("base64")}?=`;

describe("the target's name", () => {
  const LONG = "n".repeat(500);
  const TARGETS: [string, object, string][] = [
    ["tools/call", { name: "echo" }, "echo"],
    ["prompts/get", { name: "greet" }, "greet"],
    ["resources/read", { uri: "file:///a?b#c" }, "file:///a?b#c"],
    ["resources/read", { uri: `file:///${LONG}` }, `file:///${LONG}`],
    ["tasks/get", { taskId: "786512e2" }, "786512e2"],
    ["tasks/update", { taskId: "786512e2" }, "786512e2"],
    ["tasks/cancel", { taskId: "786512e2" }, "786512e2"],
    ["tools/call", { name: "größe" }, base64("größe")],
    ["tools/call", { name: "echo" }, base64("echo")],
    ["tools/call", { name: " echo " }, base64(" echo ")],
    ["tools/call", { name: "a" }, "=?base64?YQ?="],
    ["tools/call", { name: "=?base64?" }, base64("=?base64?")],
    // No base64: as it is written.
    ["tools/call", { name: "=?base64?e+e!?=" }, "=?base64?e+e!?="],
    ["tools/call", { name: "=?base64?=" }, "=?base64?="],
  ];

  test.each(TARGETS)("of %s with %j agrees with %s", (method, params, name) => {
    expect(mismatches(body(method, params), headers(method, name))).toEqual({});
  });

  test.each(TARGETS)("of %s with %j disagrees with anything else, or nothing", (method, params) => {
    expect(mismatches(body(method, params), headers(method, "other"))).toEqual({ "mcp-name": 1 });
    expect(mismatches(body(method, params), headers(method, ""))).toEqual({ "mcp-name": 1 });
    expect(mismatches(body(method, params), headers(method))).toEqual({ "mcp-name": 1 });
  });

  test.each([
    ["case counts", "Echo"],
    ["white space counts", base64("echo ")],
    ["a part is not the whole", "ech"],
    ["base64 of something else", base64("ech0")],
  ])("%s: %s is not echo", (_, name) => {
    expect(mismatches(body("tools/call", { name: "echo" }), headers("tools/call", name))).toEqual({ "mcp-name": 1 });
  });

  test("is none of these methods'", () => {
    for (const method of ["tools/list", "server/discover", "resources/templates/list", "completion/complete"]) {
      const params = { name: "echo", uri: "a:b", taskId: "t" };
      expect(mismatches(body(method, params), headers(method))).toEqual({});
      expect(mismatches(body(method, params), headers(method, "echo"))).toEqual({ "mcp-name": 1 });
    }
  });

  test("is looked for in its own member only", () => {
    const params = { name: "a", uri: "b", taskId: "c" };
    const agreeing = (method: string) =>
      ["a", "b", "c"].filter((name) => !mismatches(body(method, params), headers(method, name))["mcp-name"]);
    expect(["tools/call", "resources/read", "tasks/get"].map(agreeing)).toEqual([["a"], ["b"], ["c"]]);
    expect(mismatches(body("tools/call", { uri: "b" }), headers("tools/call", "b"))).toEqual({ "mcp-name": 1 });
    expect(mismatches(body("tools/call", { name: 5 }), headers("tools/call", "5"))).toEqual({ "mcp-name": 1 });
  });
});

describe("the method", () => {
  test.each(["tools/list", "tools/call", "ping", "vendor/else"])("%s", (method) => {
    const sent = headers(method, method === "tools/call" ? "echo" : undefined);
    const asked = body(method, { name: "echo" });
    expect(mismatches(asked, sent)).toEqual({});
    expect(mismatches(asked, { ...sent, "mcp-method": "tools/List" })).toEqual({ "mcp-method": 1 });
    expect(mismatches(asked, without(sent, "mcp-method"))).toEqual({ "mcp-method": 1 });
    expect(mismatches(asked, { ...sent, "mcp-method": base64(method) })).toEqual({});
  });
});

describe("the revision", () => {
  const sent = headers("tools/list");

  test("of the body is the header's", () => {
    const of = (revision: string) =>
      request("tools/list", { _meta: { "io.modelcontextprotocol/protocolVersion": revision } });
    expect(mismatches(of(REVISION), sent)).toEqual({});
    expect(mismatches(of(REVISION), { ...sent, "mcp-protocol-version": "2025-11-25" })).toEqual({
      "mcp-protocol-version": 1,
    });
    expect(mismatches(of(REVISION), without(sent, "mcp-protocol-version"))).toEqual({ "mcp-protocol-version": 1 });
    expect(mismatches(of("2025-06-18"), sent)).toEqual({ "mcp-protocol-version": 1 });
    expect(mismatches(request("tools/list", {}), sent)).toEqual({});
  });

  test("before 2026-07-28 asks for no headers, but those that come must agree", () => {
    const old = { ...MCP_HEADERS, "mcp-protocol-version": "2025-11-25" };
    expect(mismatches(toolCall("echo"), old)).toEqual({});
    expect(mismatches(toolCall("echo"), MCP_HEADERS)).toEqual({});
    expect(mismatches(toolCall("echo"), { ...old, "mcp-method": "tools/call", "mcp-name": "echo" })).toEqual({});
    const wrong = { ...old, "mcp-method": "tools/list", "mcp-name": "add" };
    expect(mismatches(toolCall("echo"), wrong)).toEqual({ "mcp-method": 1, "mcp-name": 1 });
  });
});

describe("a parameter", () => {
  const asked = body("tools/call", {
    name: "query",
    arguments: {
      region: "eu-west",
      count: 12,
      ratio: -1.5e3,
      dry: true,
      deep: [{ off: false, tenant: "ümläut" }],
      none: null,
    },
  });
  const withParams = (params: Record<string, string>) => headers("tools/call", "query", params);

  test.each([
    ["region", "eu-west"],
    ["a number, as it is written", "12"],
    ["another number, as it is written", "-1500"],
    ["true", "true"],
    ["false, far down", "false"],
    ["base64, far down", base64("ümläut")],
    ["base64 of what needs none", base64("eu-west")],
  ])("%s agrees", (_, value) => {
    expect(mismatches(asked, withParams({ "mcp-param-x": value }))).toEqual({});
  });

  test.each([
    ["nothing", ""],
    ["another value", "eu-east"],
    ["a part", "eu-wes"],
    ["a key", "region"],
    ["null, which is no value", "null"],
    ["the value of another member", "query"],
    ["another number", "120"],
    ["text that is not base64 of it", base64("umlaut")],
  ])("%s disagrees", (_, value) => {
    expect(mismatches(asked, withParams({ "mcp-param-x": value }))).toEqual({ "mcp-param": 1 });
  });

  test("of many disagrees once for a request", () => {
    const good = { "mcp-param-a": "12", "mcp-param-b": "eu-west" };
    expect(mismatches(asked, withParams(good))).toEqual({});
    expect(mismatches(asked, withParams({ ...good, "mcp-param-c": "x", "mcp-param-d": "y" }))).toEqual({
      "mcp-param": 1,
    });
  });

  test("without arguments disagrees", () => {
    const call = body("tools/call", { name: "query" });
    expect(mismatches(call, withParams({ "mcp-param-a": "12" }))).toEqual({ "mcp-param": 1 });
  });

  test("is the same in whatever pieces the body comes", () => {
    const good = withParams({ "mcp-param-a": "12", "mcp-param-b": base64("ümläut"), "mcp-param-c": "false" });
    const bad = { ...good, "mcp-param-d": "1", "mcp-name": "quer" };
    for (const size of [1, 2, 3, 7, 50]) {
      expect(mismatches(asked, good, size)).toEqual({});
      expect(mismatches(asked, bad, size)).toEqual({ "mcp-param": 1, "mcp-name": 1 });
    }
  });
});

describe("a header", () => {
  test("that is empty is another than one that is missing, and than one byte", () => {
    const call = (name: string) => body("tools/call", { name });
    expect(mismatches(call(""), headers("tools/call", ""))).toEqual({});
    expect(mismatches(call("\u0001"), headers("tools/call", ""))).toEqual({ "mcp-name": 1 });
    expect(mismatches(call(""), headers("tools/call", base64("\u0001")))).toEqual({ "mcp-name": 1 });
    expect(mismatches(call(""), headers("tools/call"))).toEqual({ "mcp-name": 1 });
    const old = { ...MCP_HEADERS, "mcp-protocol-version": "2025-11-25" };
    expect(mismatches(toolCall("echo"), { ...old, "mcp-name": "" })).toEqual({ "mcp-name": 1 });
  });

  test.each(["mcp-method", "mcp-name"])("%s that comes twice agrees only if both say the same", (name) => {
    const call = Buffer.from(body("tools/call", { name: "echo" }));
    const sent = Object.entries(headers("tools/call", "echo"));
    const value = name === "mcp-name" ? "echo" : "tools/call";
    const counted = (...more: [string, string][]) => {
      const plugin = startFilter();
      const stream = plugin.stream();
      stream.requestHeaders([[":method", "POST"], [":path", "/mcp"], ...more, ...sent]);
      stream.requestBody(call, true);
      return countsBy(plugin, "mcp_header_mismatch_total", "mcp_header");
    };
    expect(counted([name, value])).toEqual({});
    expect(counted([name, "other"])).toEqual({ [name]: 1 });
    expect(counted([name, "other"], [name, "other"])).toEqual({ [name]: 1 });
  });
});

/** A header as two lines, and as the lists that recipients join them to (RFC 9110, section 5.3). */
const AS_LISTS = [", ", ",", " ,\t "];

describe.each(AS_LISTS)("lines of a header that were joined by '%s'", (comma) => {
  const list = (...values: string[]) => values.join(comma);
  const call = (params: object) => body("tools/call", params);

  test("agree where they say the same", () => {
    const version = { "mcp-protocol-version": list(REVISION, REVISION) };
    const sent = headers(list("tools/call", "tools/call"), list("echo", "echo", "echo"), version);
    expect(mismatches(call({ name: "echo" }), sent)).toEqual({});
    expect(mismatches(call({ name: "größe" }), headers("tools/call", list(base64("größe"), base64("größe"))))).toEqual(
      {},
    );
    const param = { "mcp-param-a": list("x", "x"), "mcp-param-b": list("7", "7") };
    expect(
      mismatches(call({ name: "echo", arguments: { a: "x", b: 7 } }), headers("tools/call", "echo", param)),
    ).toEqual({});
  });

  test("disagree where they do not", () => {
    const version = { "mcp-protocol-version": list(REVISION, "2025-11-25") };
    const sent = headers(list("tools/call", "tools/list"), list("echo", "add"), version);
    expect(mismatches(call({ name: "echo" }), sent)).toEqual({
      "mcp-method": 1,
      "mcp-name": 1,
      "mcp-protocol-version": 1,
    });
    for (const name of [list("echo", "echo", "add"), list("echo", ""), list("echo", "echoecho"), list("", "echo")]) {
      expect(mismatches(call({ name: "echo" }), headers("tools/call", name)), name).toEqual({ "mcp-name": 1 });
    }
    const param = { "mcp-param-a": list("x", "y") };
    expect(mismatches(call({ name: "echo", arguments: { a: "x" } }), headers("tools/call", "echo", param))).toEqual({
      "mcp-param": 1,
    });
  });

  test("may be of values with commas, or be one such value", () => {
    const read = body("resources/read", { uri: "file:///a,b" });
    expect(mismatches(read, headers("resources/read", "file:///a,b"))).toEqual({});
    expect(mismatches(read, headers("resources/read", list("file:///a,b", "file:///a,b")))).toEqual({});
    const twin = list("x", "x");
    expect(mismatches(call({ name: twin }), headers("tools/call", twin))).toEqual({});
    const many = "x,".repeat(2000);
    expect(mismatches(call({ name: many }), headers("tools/call", many))).toEqual({});
    expect(mismatches(call({ name: "x" }), headers("tools/call", `${many}y`))).toEqual({ "mcp-name": 1 });
  });

  test("are one session, and one media type", () => {
    const plugin = startFilter();
    const other = { "content-type": list("application/json", "application/json") };
    const session = (id: string) => ({ ...MCP_HEADERS, ...other, "mcp-session-id": id });
    for (const id of ["s", list("s", "s"), list("s", "s", "s")]) {
      const answer = { headers: { ...other, "mcp-session-id": id }, body: result() };
      post(plugin, toolCall("echo"), answer, { headers: session(id) });
    }
    post(plugin, toolCall("echo"), result(), { headers: session(list("s", "t")) });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 4 });
    expect(countsBy(plugin, "mcp_sessions_adopted_total", "mcp_session_kind")).toEqual({ streamable: 2 });
  });
});

test("headers of one request are not those of the next", () => {
  const plugin = startFilter();
  const call = body("tools/call", { name: "echo", arguments: { a: 1 } });
  const bad = headers("tools/list", "add", { "mcp-param-a": "2" });
  const good = headers("tools/call", "echo", { "mcp-param-a": "1" });
  for (const sent of [bad, good, bad, good]) post(plugin, call, undefined, { headers: sent });
  const twice = { "mcp-method": 2, "mcp-name": 2, "mcp-param": 2 };
  expect(countsBy(plugin, "mcp_header_mismatch_total", "mcp_header")).toEqual(twice);
  expect(countsBy(plugin, "mcp_header_mismatch_total", "mcp_server")).toEqual({ tools: 6 });
});

test("batches and notifications are not compared: headers name one request", () => {
  const plugin = startFilter();
  const wrong = headers("ping", "x");
  post(plugin, batch(toolCall("echo", 1)), undefined, { headers: wrong });
  post(
    plugin,
    notification("notifications/cancelled", { requestId: 1, _meta: meta }),
    { status: 202 },
    { headers: wrong },
  );
  expect(countsBy(plugin, "mcp_header_mismatch_total", "mcp_header")).toEqual({});
});
