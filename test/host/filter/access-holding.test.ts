/** Tests when a request is held until it is decided, and what is rejected unread. */
import { describe, expect, test } from "vitest";
import { type Plugin, requestHead } from "../../../scripts/host/index.ts";
import { batch, countsBy, JSON_ANSWER, MCP_HEADERS, notification, request, result, toolCall } from "./filter.ts";
import {
  ask,
  auditOf,
  deniedBy,
  guarded,
  principals,
  refusedFor,
  replyOf,
  rewritten,
  startGuarded,
  tools,
} from "./access.ts";
import { GET_HEADERS } from "./open-stream.ts";

const NO_RM = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")] };
const head = requestHead({ headers: MCP_HEADERS });
const bytes = (text: string) => Buffer.from(text);
const END = new Uint8Array();
const PASSED = [0, 0, 0, 0, 0, 0];

describe("nothing is held", () => {
  const me = { properties: { "connection.uri_san_peer_certificate": "spiffe://a/me" } };

  test("if no rule needs the body: allowed requests pass as they arrive", () => {
    const plugin = startGuarded({ rules: [principals("ALLOW", "mine", "spiffe://a/*")] });
    expect(ask(plugin, toolCall("rm"), me)).toMatchObject({ reply: undefined, actions: PASSED });
    expect(ask(plugin, "no JSON at all", me)).toMatchObject({ reply: undefined, actions: PASSED });
    expect(ask(plugin, toolCall("rm")).reply).toEqual(deniedBy("_default"));
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action")).toEqual({
      "mine allow": 1,
      "_default deny": 1,
    });
  });

  test("of a slow upload: each chunk is forwarded at once", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW" });
    const stream = plugin.stream();
    stream.requestHeaders(head);
    const actions = [...toolCall("echo")].map((char) => stream.requestBody(bytes(char)));
    expect(new Set(actions)).toEqual(new Set([0]));
    expect(stream.requestBody(END, true)).toBe(0);
    stream.reset("client");
  });

  test("of GET and DELETE, and of requests that are not MCP", () => {
    const plugin = startGuarded({});
    for (const method of ["GET", "DELETE", "OPTIONS", "HEAD"]) {
      const { reply, actions } = ask(plugin, "", { method, headers: GET_HEADERS });
      expect({ reply, held: actions.some((action) => action !== 0) }).toEqual({ reply: undefined, held: false });
    }
    const elsewhere = { path: "/api/orders", headers: { "content-type": "application/json" } };
    expect(ask(plugin, '{"order":1}', elsewhere)).toMatchObject({ reply: undefined, actions: PASSED });
    expect(ask(plugin, "a=b", { path: "/form", headers: { "content-type": "text/plain" } }).actions).toEqual(PASSED);
  });

  test("an aborted request that is not held leaves nothing behind", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW" });
    const run = () => {
      const stream = plugin.stream();
      stream.requestHeaders(head);
      stream.requestBody(bytes(toolCall("echo").slice(0, 20)));
      stream.reset("client");
    };
    for (let i = 0; i < 500; i++) run();
    const pages = plugin.vm.memoryPages();
    for (let i = 0; i < 5000; i++) run();
    expect(plugin.vm.memoryPages()).toBe(pages);
  });
});

describe("a governed path", () => {
  test.each(["/mcp", "/mcp/", "//mcp", "/MCP", "/%6dcp", "/x/../mcp", "/x%2/../mcp", "/mcp;a=b", "/mcp?x=/y"])(
    "%s, regardless of the rest of the request",
    (path) => {
      const plugin = startGuarded({ rules: [tools("ALLOW", "echo", "echo")] });
      const headers = { "content-type": "application/json" };
      // A client that does not accept an event stream may use HTTP+SSE.
      const denied = ask(plugin, toolCall("rm"), { path, headers });
      expect(denied.reply).toEqual({ ...deniedBy("_default"), status: 403 });
      expect(denied.stream.passedRequest).toBe("");
      expect(ask(plugin, toolCall("rm"), { path, headers, method: "PUT" }).reply).toEqual(deniedBy("_default"));
      expect(ask(plugin, toolCall("rm"), { path }).reply).toEqual(deniedBy("_default"));
      expect(ask(plugin, toolCall("echo"), { path, headers }).stream.passedRequest).toBe(toolCall("echo"));
    },
  );
});

describe("a request that could carry messages in another way", () => {
  const plugin = () => startGuarded({ rules: [tools("ALLOW", "echo", "echo")] });

  test.each(["GET", "DELETE", "OPTIONS", "HEAD", "PUT", "PATCH"])("a body in a %s request is decided", (method) => {
    expect(ask(plugin(), toolCall("rm"), { method }).reply).toEqual(deniedBy("_default"));
    expect(ask(plugin(), toolCall("echo"), { method }).reply).toBeUndefined();
    expect(ask(plugin(), "nothing", { method }).reply).toEqual(refusedFor("not_json"));
  });

  test("an upgrade to another protocol, or a tunnel, is rejected", () => {
    const headers = { ...MCP_HEADERS, upgrade: "websocket" };
    expect(ask(plugin(), toolCall("echo"), { headers }).reply).toEqual(refusedFor("upgrade"));
    expect(ask(plugin(), "x", { method: "CONNECT" }).reply).toEqual(refusedFor("upgrade"));
  });

  test("a request that only has MCP-like headers passes on other paths", () => {
    for (const path of ["/v1/chat/completions", "/other"]) {
      expect(ask(plugin(), '{"model":"x","stream":true}', { path }).reply).toBeUndefined();
      expect(ask(plugin(), toolCall("rm"), { path }).reply).toBeUndefined();
    }
  });
});

describe("an undecidable request is rejected:", () => {
  const refused = (body: string | Uint8Array, headers: Record<string, string> = MCP_HEADERS, more = {}) =>
    ask(startGuarded({ ...NO_RM, ...more }), body, { headers }).reply;
  const of = (type: string) => ({ ...MCP_HEADERS, "content-type": type });

  test("a body with two interpretations", () => {
    expect(refused('{"id":1,"method":"ping","Method":"tools/call"}')).toEqual(refusedFor("case_variant_key"));
    expect(refused('{"id":1,"method":"ping","method":"tools/call"}')).toEqual(refusedFor("duplicate_key"));
    expect(refused('{"id":1,"\\u006dethod":"ping"}')).toEqual(refusedFor("escaped_key"));
    expect(refused(`${toolCall("a")} ${toolCall("rm")}`)).toEqual(refusedFor("not_json"));
    expect(refused(`\ufeff${toolCall("a")}`)).toEqual(refusedFor("not_json"));
    expect(refused(Buffer.from('{"id":1,"method":"a\xff"}', "latin1"))).toEqual(refusedFor("not_utf8"));
    expect(refused('{"id":1.5,"method":"a"}')).toEqual(refusedFor("bad_id"));
    expect(refused('{"id":1,"method":"a\\u0000"}')).toEqual(refusedFor("bad_text"));
    expect(refused(`{"method":"a","x":${"[".repeat(600)}${"]".repeat(600)}}`)).toEqual(refusedFor("too_deep"));
    expect(refused("{}")).toEqual(refusedFor("no_message"));
    expect(refused("[]")).toEqual(refusedFor("bad_batch"));
    expect(refused(batch(...Array<string>(129).fill(notification("a"))))).toEqual(refusedFor("bad_batch"));
    expect(refused("")).toEqual(refusedFor("not_json"));
  });

  test.each(["text/plain", "", "application/json; charset=utf-16", "application/json-seq", "application/x-ndjson"])(
    "a content type of %j",
    (type) => {
      expect(refused(toolCall("echo"), of(type))).toEqual(refusedFor("content_type"));
    },
  );

  test.each(["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON;charset="UTF-8"'])(
    "but not one of %j",
    (type) => {
      expect(refused(toolCall("echo"), of(type))).toBeUndefined();
    },
  );

  test("none at all, or two", () => {
    const { "content-type": type, ...none } = MCP_HEADERS;
    expect(refused(toolCall("echo"), none as Record<string, string>)).toEqual(refusedFor("content_type"));
    const two: [string, string][] = [...Object.entries(MCP_HEADERS), ["content-type", type]];
    expect(ask(startGuarded(NO_RM), toolCall("echo"), { headers: two }).reply).toEqual(refusedFor("content_type"));
  });

  test.each(["gzip", "br", "zstd", "GZIP", "identity, gzip"])("a body compressed with %s", (encoding) => {
    const headers = { ...MCP_HEADERS, "content-encoding": encoding };
    expect(refused(toolCall("echo"), headers)).toEqual(refusedFor("compressed"));
  });

  test("a body that is too large, as soon as it exceeds the limit", () => {
    const plugin = startGuarded({ ...NO_RM, maxBodyBytes: "2KiB" });
    const long = (size: number) =>
      request("tools/call", { name: "echo", arguments: { x: "" } }).replace('""', `"${"x".repeat(size)}"`);
    const fits = long(2048 - long(0).length);
    expect(Buffer.byteLength(fits)).toBe(2048);
    expect(ask(plugin, fits).reply).toBeUndefined();
    expect(ask(plugin, `${fits} `).reply).toEqual(refusedFor("too_large"));
    const stream = plugin.stream();
    expect(stream.requestHeaders(head)).toBe(0);
    expect(stream.requestBody(bytes(fits))).toBe(1);
    expect(stream.reply).toBeUndefined();
    expect(stream.requestBody(bytes(" "))).toBe(1);
    expect(replyOf(stream)).toEqual(refusedFor("too_large"));
  });

  test("also in chunks, and if trailers end it", () => {
    const plugin = startGuarded({ ...NO_RM, maxBodyBytes: "1KiB" });
    const pieces = toolCall("x".repeat(2000)).match(/.{1,100}/g)!;
    expect(ask(plugin, pieces, { requestEnd: "trailers" }).reply).toEqual(refusedFor("too_large"));
    expect(ask(plugin, '{"method":', { requestEnd: "trailers" }).reply).toEqual(refusedFor("not_json"));
  });

  test("a body of many slices is read completely", () => {
    const long = (name: string) => request("tools/call", { arguments: { x: "y".repeat(300_000) }, name });
    expect(ask(startGuarded(NO_RM), long("rm")).reply).toEqual(deniedBy("no-rm"));
    expect(ask(startGuarded(NO_RM), long("echo")).reply).toBeUndefined();
    const some = Array.from({ length: 100 }, (_, i) => toolCall("x".repeat(2000), i));
    const many = (last: string) => batch(...some, last);
    const passed = (body: string) => ask(startGuarded(NO_RM), body).stream.passedRequest;
    expect(passed(many(toolCall("rm")))).toBe(many(rewritten(toolCall("rm"))));
    expect(passed(many(toolCall("echo")))).toBe(many(toolCall("echo")));
  });
});

describe("a server that responds before the request is complete", () => {
  test.each(["held", "watched"])("if it is %s: nothing is decided twice, and nothing is left over", (kind) => {
    const plugin = startGuarded(kind === "held" ? NO_RM : { ...NO_RM, mode: "shadow" });
    const run = () => {
      const stream = plugin.stream();
      stream.requestHeaders(head);
      stream.requestBody(bytes(toolCall("rm").slice(0, 30)));
      stream.responseHeaders([[":status", "413"], ...Object.entries(JSON_ANSWER)]);
      stream.responseBody(bytes("{}"), true);
      stream.end();
      expect(stream.reply).toBeUndefined();
    };
    for (let i = 0; i < 500; i++) run();
    const pages = plugin.vm.memoryPages();
    for (let i = 0; i < 5000; i++) run();
    expect(plugin.vm.memoryPages()).toBe(pages);
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule")).toEqual({});
  });
});

describe("held headers", () => {
  const start = (allowHeadersStop: boolean) => startGuarded({ ...NO_RM, holdHeaders: true }, { allowHeadersStop });
  const open = (plugin: Plugin) => {
    const stream = plugin.stream();
    expect(stream.requestHeaders(head)).toBe(1);
    return stream;
  };
  const pass = (plugin: Plugin, seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      plugin.vm.clock.advance(1000);
      plugin.tick();
    }
  };
  const NO_BODY = { ...refusedFor("no_body"), status: 503 };

  test("keep a denied request from the server altogether", () => {
    const plugin = start(true);
    expect(ask(plugin, toolCall("rm"))).toMatchObject({ reply: deniedBy("no-rm"), actions: [1, 1, 1] });
    expect(ask(plugin, toolCall("echo"))).toMatchObject({ reply: undefined, actions: [1, 1, 0, 0, 0, 0] });
    expect(ask(plugin, toolCall("echo").match(/.{1,9}/g)!, { requestEnd: "trailers" }).reply).toBeUndefined();
  });

  test("are not held if nothing is to be decided", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", holdHeaders: true }, { allowHeadersStop: true });
    expect(ask(plugin, toolCall("rm")).actions).toEqual(PASSED);
  });

  test("of a request without a body are rejected at once", () => {
    const stream = start(true).stream();
    expect(stream.requestHeaders(head, true)).toBe(1);
    expect(replyOf(stream)).toEqual(refusedFor("not_json"));
  });

  test("whose body the proxy never sends are answered by the watchdog, and counted", () => {
    const plugin = start(false);
    const streams = [open(plugin), open(plugin), open(plugin)];
    pass(plugin, 4);
    expect(streams.map(replyOf)).toEqual([undefined, undefined, undefined]);
    streams.pop()!.reset("client");
    pass(plugin, 1);
    expect(streams.map(replyOf)).toEqual([NO_BODY, NO_BODY]);
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action")).toEqual({
      "_refused deny": 2,
    });
    expect(auditOf(plugin).map(({ reason }) => reason)).toEqual(["no_body", "no_body"]);
    pass(plugin, 10);
    expect(auditOf(plugin)).toHaveLength(2);
  });

  test("whose body is slow are not answered once bodies are known to arrive", () => {
    const plugin = start(true);
    const stream = open(plugin);
    ask(plugin, toolCall("echo"));
    pass(plugin, 60);
    expect(stream.reply).toBeUndefined();
    stream.requestBody(bytes(toolCall("rm")), true);
    expect(replyOf(stream)).toEqual(deniedBy("no-rm"));
  });

  test("whose body has started are not answered by the watchdog", () => {
    const plugin = start(true);
    const stream = open(plugin);
    stream.requestBody(bytes(toolCall("rm").slice(0, 5)));
    pass(plugin, 60);
    expect(stream.reply).toBeUndefined();
    stream.requestBody(bytes(toolCall("rm").slice(5)), true);
    expect(replyOf(stream)).toEqual(deniedBy("no-rm"));
  });

  test("belong to their plugin", () => {
    const one = start(false);
    const configuration = guarded({ ...NO_RM, holdHeaders: true });
    const other = one.vm.plugin({ configuration, properties: { "xds.cluster_name": "tools" } });
    const stream = open(one);
    const another = open(other);
    one.vm.clock.advance(10_000);
    other.tick();
    expect([stream, another].map(replyOf)).toEqual([undefined, NO_BODY]);
    one.tick();
    expect(replyOf(stream)).toEqual(NO_BODY);
  });
});

test("a response to a request of the server is not held if no rule applies to it", () => {
  const plugin = startGuarded({ rules: [principals("ALLOW", "all", "*")] });
  const properties = { "connection.uri_san_peer_certificate": "x" };
  expect(ask(plugin, result(), { properties }).actions).toEqual(PASSED);
});
