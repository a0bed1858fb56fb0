/** Tests limits at the bounds of what the filter stores. */
import { expect, test } from "vitest";
import { exchange, type Plugin } from "../../../scripts/host/index.ts";
import { tools } from "./access.ts";
import { batch, JSON_ANSWER, MCP_HEADERS, request, result, startWorkers, toolCall } from "./filter.ts";
import { admitted, ask, limited, startLimited } from "./limits.ts";
import { GET_HEADERS, openGet, openPost, priming } from "./open-stream.ts";

const CALLS = { name: "calls", key: [], requests: { amount: 1000, per: "1m" } };

test("held requests of callers on a Unix socket are counted once, also with an access policy", () => {
  const access = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm")] };
  const plugin = startLimited([CALLS], { more: { access, hold: { maxStreams: 8 } } });
  const properties = { "source.address": "/run/caller.sock" };
  expect([1, 2, 3, 4].map(() => ask(plugin, toolCall("a"), { properties }).reply)).toEqual(Array(4).fill(undefined));
});

const words = (count: number, id: number) => result({ content: [{ type: "text", text: "word ".repeat(count) }] }, id);
const budget = (name: string) => ({ name, key: [], tokens: { amount: 100, per: "1m" } });

test("each token rule is charged for unreadable responses", () => {
  const wide = { ...budget("wide"), tokens: { amount: 1000, per: "1m" } };
  const plugin = startLimited([wide, budget("narrow")]);
  const response = { headers: { ...JSON_ANSWER, "content-encoding": "gzip" }, body: new Uint8Array(120) };
  expect(admitted(plugin, 9, toolCall("a"), { response })).toBe(3);
});

test("each call of a large batch is charged", () => {
  const plugin = startLimited([{ ...budget("b"), tokens: { amount: 10000, per: "1m" } }]);
  const ids = Array.from({ length: 128 }, (_, i) => i + 1);
  const body = batch(...ids.map((id) => toolCall("a", id)));
  const response = { headers: JSON_ANSWER, body: batch(...ids.map((id) => words(id > 64 ? 1000 : 0, id))) };
  expect(ask(plugin, body, { response }).reply).toBeUndefined();
  expect(admitted(plugin, 1, toolCall("a"))).toBe(0);
});

test.each([
  ["not JSON", (size: number) => "{" + "x".repeat(size)],
  [
    "cut off",
    (size: number) => '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"' + "word ".repeat(size / 5),
  ],
])("an answer that is %s is charged by its size", (_what, make) => {
  const plugin = startLimited([budget("b")]);
  const response = { headers: JSON_ANSWER, body: make(900) };
  expect(admitted(plugin, 3, toolCall("a"), { response })).toBe(1);
});

test("a call that is nested too deeply to be measured is charged by the size of its response", () => {
  const plugin = startLimited([budget("b")]);
  const nested = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":${"[".repeat(600)}${"]".repeat(600)}}}}`;
  expect(admitted(plugin, 3, nested, { response: { headers: JSON_ANSWER, body: words(1000, 1) } })).toBeLessThan(2);
});

const TWO = { name: "two", key: [], concurrency: 2 };
const openCall = (plugin: Plugin, id: number) => openPost(plugin, "s", toolCall("slow", id));

test("a client that leaves a resumable stream releases its permit once", () => {
  const [one, two] = startWorkers(2, { configuration: limited([TWO]) });
  const call = openCall(one, 1);
  call.write(priming("1"));
  openCall(one, 2);
  expect(ask(two, toolCall("slow", 3)).reply).toBeDefined();
  call.close("client");
  const third = exchange(two, {
    request: { headers: MCP_HEADERS, body: toolCall("slow", 3) },
    response: null,
    ended: "open",
  });
  expect(third.stream.reply).toBeUndefined();
  expect(ask(two, toolCall("slow", 4)).reply).toBeDefined();
  // The response arrives on the resumed stream, and releases no other permit.
  openGet(two, "s", "1").send(result({ content: [] }, 1));
  expect(ask(two, toolCall("slow", 4)).reply).toBeDefined();
});

test("a call that Envoy's own limit rejects is not charged for tokens", () => {
  const plugin = startLimited([{ ...budget("b"), tokens: { amount: 100, per: "1m", kinds: ["arguments"] } }]);
  const call = request("tools/call", { name: "a", arguments: { text: "word ".repeat(200) } });
  const properties = { "response.code_details": "request_rate_limited" };
  ask(plugin, call, { response: { status: 429, body: "" }, properties });
  expect(admitted(plugin, 2, call)).toBe(1);
});

test("a rejected GET takes nothing from an allowance", () => {
  const plugin = startLimited([
    { name: "gets", to: [{ operation: { methods: ["GET"] } }], key: [], requests: { amount: 1, per: "1m" } },
  ]);
  const get = (headers: Record<string, string>) =>
    exchange(plugin, { request: { method: "GET", headers }, response: null, ended: "open" }).stream.reply;
  expect(get({ ...GET_HEADERS, connection: "upgrade", upgrade: "websocket" })?.details).toBe(
    "mcp_limits_refused[upgrade]",
  );
  expect(get(GET_HEADERS)).toBeUndefined();
  expect(get(GET_HEADERS)?.details).toBe("mcp_limited[gets]");
});

test.each([{ servers: ["*"] }, { notMethods: ["tools/list"] }])(
  "a rule on %j does not limit the handshake by default",
  (operation) => {
    const plugin = startLimited([{ name: "r", to: [{ operation }], key: [], requests: { amount: 1, per: "1m" } }]);
    expect(admitted(plugin, 3, request("initialize", { protocolVersion: "2025-11-25", capabilities: {} }))).toBe(3);
    expect(admitted(plugin, 3, request("ping"))).toBe(3);
    expect(admitted(plugin, 3, toolCall("a"))).toBe(1);
  },
);
