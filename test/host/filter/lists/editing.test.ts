/** Tests the changes that the filter makes to the answers of servers, and the answers that it does not change. */
import { describe, expect, test } from "vitest";
import { cut, halves, single } from "../../../unit/chunks.ts";
import { type HttpStream, type Plugin, requestHead, responseHead } from "../../../../scripts/host/index.ts";
import { methods, startGuarded, tools } from "../access.ts";
import {
  batch,
  countsBy,
  event,
  JSON_ANSWER,
  MCP_HEADERS,
  notification,
  request,
  result,
  SSE_ANSWER,
  toolCall,
} from "../filter.ts";
import { ENDPOINT, openSession, send } from "../http-sse.ts";
import { numbered, openGet, OpenStream } from "../open-stream.ts";
import { DENYING, METHODS } from "./kinds.ts";
import { opened, startListing } from "./passage.ts";

const LIST = request(METHODS.tools, {});
const ANSWER = result({ tools: [{ name: "keep" }, { name: "deny" }, { name: "keep_2" }] });
const FILTERED = result({ tools: [{ name: "keep" }, { name: "keep_2" }] });
/** Headers that describe the body. */
const BODY_HEADERS = {
  "content-length": String(ANSWER.length),
  etag: '"1"',
  digest: "sha-256=x",
  "content-digest": "sha-256=:x:",
  "repr-digest": "sha-256=:x:",
  "x-other": "stays",
};

const DENYING_QUESTIONS = {
  defaultAction: "ALLOW",
  rules: [
    {
      ...{ name: "no", action: "DENY" },
      to: [{ operation: { direction: "server_to_client", methods: ["sampling/*"] } }],
    },
  ],
};

const withheld = (plugin: Plugin) =>
  countsBy(plugin, "mcp_list_elements_withheld_total", "mcp_method_name", "mcp_withheld_reason", "mcp_access_mode");

/** Passes a complete body in one chunk. Returns the body that the client receives. */
function receives(stream: HttpStream, body: string | Buffer): string {
  stream.responseBody(Buffer.from(body), true);
  stream.end();
  return stream.received.toString();
}

function listed(plugin: Plugin, body: string, headers: Record<string, string> = JSON_ANSWER): string {
  return receives(opened(plugin, LIST, false, headers), body);
}

describe("a requested list", () => {
  test("loses the elements that the policy denies, and is counted", () => {
    const plugin = startListing();
    expect(listed(plugin, ANSWER)).toBe(FILTERED);
    expect(withheld(plugin)).toEqual({ "tools/list policy enforce": 1 });
  });

  test("loses the headers that describe its body, whether or not elements are removed", () => {
    const plugin = startListing();
    const headers = { ...JSON_ANSWER, ...BODY_HEADERS };
    const stream = opened(plugin, LIST, false, headers);
    expect(receives(stream, result({ tools: [] }))).toBe(result({ tools: [] }));
    const names = stream.responseHead.map(([name]) => name);
    expect(names).toEqual([":status", "content-type", "x-other"]);
  });

  test.each([
    ["a batch that asks for several", batch(LIST, request(METHODS.prompts, {}, 2))],
    ["a batch with a call", batch(toolCall("keep", 7), LIST)],
  ])("in %s", (_, asked) => {
    const plugin = startListing();
    const prompts = result({ prompts: [{ name: "deny" }, { name: "keep" }] }, 2);
    const kept = result({ prompts: [{ name: "keep" }] }, 2);
    expect(receives(opened(plugin, asked, false), batch(ANSWER, prompts))).toBe(batch(FILTERED, kept));
  });

  test("of another kind than requested loses denied elements too", () => {
    const plugin = startListing();
    const answer = result({ prompts: [{ name: "deny" }] });
    expect(listed(plugin, answer)).toBe(result({ prompts: [] }));
  });

  test.each([
    ["shadow mode", { mode: "shadow" }, { "tools/list policy shadow": 1 }],
    ["lists that pass", { lists: "pass" }, {}],
  ])("with %s comes as it is", (_, access, counts) => {
    const plugin = startListing(access);
    const headers = { ...JSON_ANSWER, ...BODY_HEADERS };
    plugin.vm.calls.reset();
    const stream = opened(plugin, LIST, false, headers);
    for (const byte of single(Buffer.from(ANSWER))) {
      stream.responseBody(byte);
      expect(stream.receivedPieces.at(-1)).toEqual(Buffer.from(byte));
    }
    stream.responseBody(Buffer.alloc(0), true);
    stream.end();
    expect(stream.received.toString()).toBe(ANSWER);
    expect(stream.responseHead.map(([name]) => name)).toEqual([":status", ...Object.keys(headers)]);
    expect(plugin.vm.calls.count("proxy_set_buffer_bytes")).toBe(0);
    expect(withheld(plugin)).toEqual(counts);
  });

  test.each([
    ["that denies tools, of prompts", [tools("DENY", "no", "deny*")], METHODS.prompts],
    ["that denies methods", [methods("DENY", "no", "resources/*", "prompts/*")], METHODS.tools],
    ["that denies no call", [tools("ALLOW", "all", "*")], METHODS.tools],
  ])("by a policy %s is not touched", (_, rules, method) => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules });
    const answer = result({ tools: [{ name: "deny" }], cacheScope: "public" });
    plugin.vm.calls.reset();
    const stream = opened(plugin, request(method, {}), false, { ...JSON_ANSWER, ...BODY_HEADERS });
    expect(stream.responseHead.map(([name]) => name)).toContain("content-length");
    expect(receives(stream, answer)).toBe(answer);
    expect(plugin.vm.calls.count("proxy_set_buffer_bytes")).toBe(0);
  });
});

describe("an answer that cannot be read", () => {
  const error = (id: string) =>
    `{"jsonrpc":"2.0","id":${id},"error":{"code":502,"message":"The server's list was withheld since it cannot be read",` +
    '"data":{"reason":"undecoded"}}}';
  const UNREADABLE: [string, Record<string, string>][] = [
    ["compressed", { ...JSON_ANSWER, "content-encoding": "gzip" }],
    ["compressed events", { ...SSE_ANSWER, "content-encoding": "br" }],
    ["a page", { "content-type": "text/html" }],
    ["of no type", {}],
  ];

  test.each(UNREADABLE)("%s is withheld: the client receives an error at once, which is counted", (_, headers) => {
    const plugin = startListing();
    const stream = opened(plugin, LIST, false, headers);
    expect(stream.reply).toMatchObject({ status: 200, details: "mcp_list_withheld[undecoded]", body: error("1") });
    expect(withheld(plugin)).toEqual({ "tools/list undecoded enforce": 1 });
  });

  test.each([
    ["a number", "17"],
    ["a text", '"a-7"'],
    ["a text with escapes", '"\\"\\\\é"'],
  ])("the error has the id of the request, %s", (_, id) => {
    const plugin = startListing();
    const asked = `{"jsonrpc":"2.0","id":${id},"method":"tools/list"}`;
    const body = opened(plugin, asked, false, { "content-type": "text/html" }).reply!.body;
    expect((JSON.parse(body) as { id: unknown }).id).toEqual(JSON.parse(id));
  });

  test.each([
    ["a status of failure", 500],
    ["not found", 404],
  ])("passes with %s", (_, status) => {
    const plugin = startListing();
    const stream = plugin.stream();
    stream.requestHeaders(requestHead({ headers: MCP_HEADERS }));
    stream.requestBody(Buffer.from(LIST), true);
    stream.responseHeaders(responseHead({ status, headers: { "content-type": "text/html" } }));
    expect(stream.reply).toBeUndefined();
    expect(receives(stream, "<h1>no</h1>")).toBe("<h1>no</h1>");
  });

  test.each(["no JSON", "<html>", "\0", "}", "\u001f\u008b"])("and is not JSON (%j) becomes an error", (text) => {
    const plugin = startListing();
    const body = Buffer.from(text);
    for (const chunks of [[body], single(body)]) {
      const stream = opened(plugin, LIST, false);
      for (const chunk of chunks) stream.responseBody(chunk);
      stream.responseBody(Buffer.alloc(0), true);
      stream.end();
      expect(stream.received.toString()).toBe(error("1"));
    }
    expect(withheld(plugin)).toEqual({ "tools/list undecoded enforce": 2 });
  });

  test.each([
    [
      '{"jsonrpc":"2.0","result":{"tools":[{"name":"keep"},{"name":"deny"}]]',
      '{"jsonrpc":"2.0","result":{"tools":[{"name":"keep"}',
    ],
    ['{"result":{"tools":[{"name":"deny" "x"}]}}', '{"result":{"tools":['],
  ])("that turns out to be no JSON ends where it does: %s", (text, expected) => {
    const plugin = startListing();
    for (const parts of [[Buffer.from(text)], single(Buffer.from(text))]) {
      const stream = opened(plugin, LIST, false);
      for (const part of parts) stream.responseBody(part);
      stream.responseBody(Buffer.alloc(0), true);
      stream.end();
      const received = stream.received.toString();
      expect(received.startsWith(expected) || expected.startsWith(received), received).toBe(true);
      expect(received).not.toContain("deny");
      expect(withheld(plugin)["tools/list undecoded enforce"]).toBeGreaterThan(0);
    }
  });

  test("does not pass as a compressed stream if policies hide lists or deny requests of servers", () => {
    const denying = startGuarded(DENYING_QUESTIONS);
    for (const plugin of [startListing(), denying]) {
      const stream = plugin.stream();
      stream.requestHeaders(requestHead({ method: "GET", headers: { accept: "text/event-stream" } }), true);
      stream.responseHeaders(responseHead({ headers: { ...SSE_ANSWER, "content-encoding": "gzip" } }));
      expect(stream.reply).toMatchObject({ status: 502, details: "mcp_list_withheld[undecoded]" });
    }
    const call = opened(denying, toolCall("keep"), false, { ...SSE_ANSWER, "content-encoding": "gzip" });
    expect(call.reply).toBeUndefined();
  });

  test("requests ask servers for uncompressed answers", () => {
    const plugin = startListing();
    const stream = plugin.stream();
    stream.requestHeaders(requestHead({ headers: { ...MCP_HEADERS, "accept-encoding": "gzip" } }));
    stream.requestBody(Buffer.from(LIST), true);
    expect(stream.requestHead.map(([name]) => name)).not.toContain("accept-encoding");
  });
});

describe("an answer that is not a list", () => {
  test("passes unchanged with its headers, and is never held", () => {
    const plugin = startListing();
    const headers = { ...JSON_ANSWER, ...BODY_HEADERS };
    const bodies = [
      result({ content: [{ type: "text", text: "deny" }], structuredContent: { tools: [{ name: "deny" }] } }),
      '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"deny"}}',
      "no JSON at all",
    ];
    plugin.vm.calls.reset();
    for (const body of bodies) {
      const stream = opened(plugin, toolCall("keep"), false, headers);
      for (const byte of single(Buffer.from(body))) {
        stream.responseBody(byte);
        expect(stream.receivedPieces.at(-1)).toEqual(Buffer.from(byte));
      }
      expect(stream.responseHead.map(([name]) => name)).toEqual([":status", ...Object.keys(headers)]);
      stream.reset("server");
    }
    expect(plugin.vm.calls.count("proxy_set_buffer_bytes")).toBe(0);
  });

  test.each([
    ["a result", result({ content: [{ type: "text", text: "x" }] })],
    ["a progress", notification("notifications/progress", { progressToken: 1, progress: 2 })],
    ["a request", request("roots/list", {}, 3)],
    ["a batch", batch(result({}), notification("notifications/message", {}))],
  ])("in an event passes with the callback that brings its end: %s", (_, message) => {
    const plugin = startListing();
    const text = Buffer.from(`: x\n${event(message)}`);
    for (const [first, second] of halves(text)) {
      const stream = opened(plugin, toolCall("keep"), true);
      stream.responseBody(first);
      stream.responseBody(second);
      expect(stream.received.toString()).toBe(text.toString());
      stream.reset("client");
    }
  });

  test("a result in an event is not held", () => {
    const plugin = startListing();
    const text = Buffer.from(event(result({ content: [], structuredContent: { name: "deny" }, cacheScope: "public" })));
    const stream = opened(plugin, toolCall("keep"), true);
    for (const byte of single(text)) {
      stream.responseBody(byte);
      expect(stream.receivedPieces.at(-1)).toEqual(Buffer.from(byte));
    }
  });
});

describe("lists on other streams", () => {
  const given = (stream: OpenStream) => stream.stream.received.toString();

  test("of a session: replayed answers have no request there", () => {
    const plugin = startListing();
    const standalone = openGet(plugin, "s").send(ANSWER);
    const resumed = openGet(plugin, "s", "e-1").write(numbered("e-2", ANSWER));
    expect(given(standalone)).toBe(event(FILTERED));
    expect(given(resumed)).toBe(numbered("e-2", FILTERED));
  });

  test("of HTTP+SSE", () => {
    const plugin = startListing();
    const stream = openSession(plugin, plugin);
    const before = given(stream);
    send(plugin, LIST, { path: ENDPOINT });
    stream.send(ANSWER);
    expect(given(stream)).toBe(before + event(FILTERED));
  });

  test("of a call, before its answer", () => {
    const plugin = startListing();
    const stream = opened(plugin, toolCall("keep"), true);
    stream.responseBody(Buffer.from(event(ANSWER) + event(result())));
    expect(stream.received.toString()).toBe(event(FILTERED) + event(result()));
  });
});

describe("requests of the server", () => {
  const rule = {
    name: "ask",
    action: "DENY",
    to: [{ operation: { methods: ["sampling/*"], direction: "server_to_client" } }],
  };
  const start = (more: object = {}) => startGuarded({ defaultAction: "ALLOW", rules: [rule], ...more });
  const SAMPLING = "sampling/createMessage";
  const PARAMS = { messages: [{ role: "user", content: { type: "text", text: "secret" } }], maxTokens: 5 };

  /** The distinct texts that the client receives of an event, over several ways to cut the event. */
  function get(plugin: Plugin, message: string): Set<string> {
    const text = Buffer.from(event(message));
    const received = new Set<string>();
    const isSmall = text.length < 500;
    for (const chunks of [[text], ...(isSmall ? [single(text), ...halves(text)] : [cut(text, [9973, 1])])]) {
      const stream = openGet(plugin, "s").stream;
      for (const chunk of chunks) {
        stream.responseBody(chunk);
        expect(stream.received.toString()).not.toContain("secret");
      }
      received.add(stream.received.toString());
      stream.reset("client");
    }
    return received;
  }

  test("that are denied are sent with another method, without params", () => {
    const plugin = start();
    const expected = event(request("denied/by-policy", {}, 9));
    expect([...get(plugin, request(SAMPLING, PARAMS, 9))]).toEqual([expected]);
  });

  test.each([
    [
      "params first",
      `{"params":${JSON.stringify(PARAMS)},"id":9,"method":"${SAMPLING}"}`,
      '{"params":{},"id":9,"method":"denied/by-policy"}',
    ],
    [
      "escapes",
      `{"method":"sampling\\/create\\u004dessage","params":{"x":"secret"},"id":1}`,
      '{"method":"denied/by-policy","params":{},"id":1}',
    ],
    [
      "space",
      `{ "id" : 1 , "method" : "${SAMPLING}" , "params" : [ "secret" ] }`,
      '{ "id" : 1 , "method" : "denied/by-policy" , "params" : {} }',
    ],
    ["no params", `{"method":"${SAMPLING}","id":"x"}`, '{"method":"denied/by-policy","id":"x"}'],
    [
      "a batch",
      batch(request("roots/list", {}, 1), request(SAMPLING, PARAMS, 2), notification("notifications/x")),
      batch(request("roots/list", {}, 1), request("denied/by-policy", {}, 2), notification("notifications/x")),
    ],
  ])("with %s", (_, message, expected) => {
    const plugin = start();
    expect([...get(plugin, message)]).toEqual([event(expected)]);
  });

  test.each([
    ["a request", request("elicitation/create", { message: "public" }, 5)],
    ["params first", '{"params":{"a":[1,2,{"b":null}]},"id":9,"method":"roots/list"}'],
    ["a notification", notification("notifications/message", { data: "x" })],
    ["large params first", `{"params":{"x":"${"y".repeat(50_000)}"},"id":9,"method":"roots/list"}`],
  ])("that are allowed pass byte for byte: %s", (_, message) => {
    const plugin = start();
    expect([...get(plugin, message)]).toEqual([event(message)]);
  });

  test.each([
    ["behind the method", `{"id":1,"method":"${SAMPLING}","params":{"x":"secret${"y".repeat(200_000)}"}}`],
    ["before the method", `{"id":1,"params":{"x":"secret${"y".repeat(200_000)}"},"method":"${SAMPLING}"}`],
  ])("with params that are larger than what is held, %s", (_, message) => {
    const plugin = start();
    const [received, ...others] = get(plugin, message);
    expect(others).toEqual([]);
    const data = JSON.parse(received.replace(/^event: message\ndata: /, "")) as object;
    expect(data).toMatchObject({ id: 1, method: "denied/by-policy" });
    expect(received.length).toBeLessThan(200);
  });

  test("in the result of a request (2026-07-28)", () => {
    const plugin = start();
    const headers = {
      ...MCP_HEADERS,
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "a",
    };
    const _meta = {
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
      "io.modelcontextprotocol/clientCapabilities": {},
    };
    const inputs = (sampling: object) =>
      result({
        resultType: "input_required",
        inputRequests: {
          a: { method: "elicitation/create", params: { message: "?" } },
          b: sampling,
          c: { method: "roots/list" },
        },
        requestState: "s",
      });
    for (const isEvents of [false, true]) {
      const stream = plugin.stream();
      stream.requestHeaders(requestHead({ headers }));
      stream.requestBody(Buffer.from(request("tools/call", { name: "a", arguments: {}, _meta })), true);
      stream.responseHeaders(responseHead({ headers: isEvents ? SSE_ANSWER : JSON_ANSWER }));
      const wrap = isEvents ? event : (text: string) => text;
      const body = Buffer.from(wrap(inputs({ method: SAMPLING, params: PARAMS })));
      for (const byte of single(body)) stream.responseBody(byte);
      expect(stream.received.toString()).toBe(wrap(inputs({ method: "denied/by-policy", params: {} })));
      stream.reset("client");
    }
  });

  test("pass in shadow mode", () => {
    const plugin = start({ mode: "shadow" });
    const stream = openGet(plugin, "s").send(request(SAMPLING, PARAMS, 9));
    expect(stream.stream.received.toString()).toBe(event(request(SAMPLING, PARAMS, 9)));
  });
});

describe("configurations that change while streams are open", () => {
  test("a stream keeps the policy with which it began", () => {
    const plugin = startListing();
    const stream = openGet(plugin, "s").send(ANSWER);
    plugin.configure({ match: { paths: ["/mcp"] }, access: { defaultAction: "ALLOW", rules: [] } });
    stream.send(ANSWER);
    expect(stream.stream.received.toString()).toBe(event(FILTERED) + event(FILTERED));
    const later = openGet(plugin, "s").send(ANSWER);
    expect(later.stream.received.toString()).toBe(event(ANSWER));
    stream.close("client");
    later.close();
  });

  test("two listeners with policies of their own", () => {
    const plugin = startListing();
    const other = plugin.vm.plugin({
      configuration: { match: { paths: ["/mcp"] }, access: { ...DENYING, rules: [tools("DENY", "no", "keep_2")] } },
      properties: { "xds.cluster_name": "tools" },
    });
    const [first, second] = [openGet(plugin, "s"), openGet(other, "s")];
    for (const byte of single(Buffer.from(event(ANSWER)))) {
      first.stream.responseBody(byte);
      second.stream.responseBody(byte);
    }
    expect(first.stream.received.toString()).toBe(event(FILTERED));
    expect(second.stream.received.toString()).toBe(event(result({ tools: [{ name: "keep" }, { name: "deny" }] })));
  });
});
