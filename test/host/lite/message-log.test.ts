/** The lines that the build for plain hosts logs: one for each message of a client, with the fields of the access log. */
import { describe, expect, test } from "vitest";
import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { exchange, type Exchange, type Plugin } from "../../../scripts/host/index.ts";
import { tools } from "../filter/access.ts";
import {
  JSON_ANSWER,
  MCP_HEADERS,
  SSE_ANSWER,
  batch,
  countsBy,
  error,
  notification,
  post,
  request,
  result,
  startFilter,
  toolCall,
} from "../filter/filter.ts";
import { linesOf, shortLines, startLite } from "./lite.ts";

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
const POLICY = { access: { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] } };
const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s-1", "mcp-protocol-version": "2025-11-25" };
const MODERN = { ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo" };

test("a call", () => {
  const plugin = startLite();
  post(plugin, toolCall("echo"), result({ content: [{ type: "text", text: "It is cold in Oslo." }] }), {
    headers: SESSION,
  });
  expect(linesOf(plugin)).toEqual([
    {
      event: "mcp_message",
      time: TIME,
      outcome: "ok",
      method: "tools/call",
      era: "legacy",
      tokens: expect.any(Number) as number,
      session: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      target: "echo",
    },
  ]);
  expect(plugin.vm.logs.find(({ message }) => message.startsWith("{"))?.level).toBe("info");
});

test("of a call of 2026-07-28: its era, and no session without an id", () => {
  const plugin = startLite();
  post(plugin, toolCall("echo"), result(), { headers: MODERN });
  expect(linesOf(plugin)).toMatchObject([{ era: "modern", outcome: "ok" }]);
  expect(linesOf(plugin)[0]).not.toHaveProperty("session");
});

describe("what ends without a result", () => {
  const CASES: [name: string, line: string, body: string, response: Exchange["response"], ended?: "client"][] = [
    ["an error of the server", "rpc_error tools/call echo", toolCall("echo"), { body: error(-32602) }],
    ["a tool's error", "tool_error tools/call echo", toolCall("echo"), { body: result({ isError: true }) }],
    ["an HTTP error", "http_error tools/call echo", toolCall("echo"), { status: 404 }],
    ["no authorization", "unauthenticated tools/list -", request("tools/list"), { status: 401 }],
    ["an error of the load balancer", "upstream_error tools/call echo", toolCall("echo"), { status: 502 }],
    ["a client that leaves", "disconnected tools/call echo", toolCall("echo"), null, "client"],
    ["an unreadable answer", "undecoded tools/call echo", toolCall("echo"), { body: "{}" }],
  ];

  test.each(CASES)("%s", (_name, line, body, response, ended) => {
    const plugin = startLite();
    const answer = response && { headers: JSON_ANSWER, ...response };
    exchange(plugin, { request: { headers: MCP_HEADERS, body }, response: answer, ended });
    expect(shortLines(plugin, "outcome", "method", "target")).toEqual([line]);
  });
});

test("notifications and batches: one line for each message", () => {
  const plugin = startLite();
  post(plugin, notification("notifications/initialized"), { status: 202 });
  post(plugin, batch(toolCall("echo", 1), toolCall("add", 2)), batch(result({}, 1), error(-1, 2)));
  expect(shortLines(plugin, "outcome", "method", "target")).toEqual([
    "- notifications/initialized -",
    "ok tools/call echo",
    "rpc_error tools/call add",
  ]);
});

test("an answer on another stream: a line without outcome", () => {
  const plugin = startLite();
  post(plugin, toolCall("echo"), { headers: SSE_ANSWER, body: "id: 1\ndata:\n\n" }, { headers: SESSION });
  expect(shortLines(plugin, "outcome", "method", "target")).toEqual(["- tools/call echo"]);
});

test("a message that cannot be read", () => {
  const plugin = startLite();
  post(plugin, '{"jsonrpc":"2.0",', { status: 400 }, { headers: SESSION });
  expect(linesOf(plugin)).toEqual([]);
  expect(linesOf(plugin, "mcp_undecoded")).toEqual([{ event: "mcp_undecoded", time: TIME, reason: "truncated" }]);
});

test("traffic that is not MCP: no line", () => {
  const plugin = startLite();
  exchange(plugin, { request: { method: "GET", headers: { accept: "text/html" } }, response: {} });
  post(plugin, '{"query":"{ me }"}', '{"data":{}}', { path: "/graphql" });
  expect(plugin.vm.logs.filter(({ message }) => message.startsWith("{"))).toEqual([]);
});

describe("with a policy", () => {
  test("the rule, and the outcome of what is denied", () => {
    const plugin = startLite(POLICY);
    post(plugin, toolCall("echo"));
    exchange(plugin, { request: { headers: SESSION, body: toolCall("rm_all") }, response: null });
    exchange(plugin, { request: { body: notification("notifications/progress") }, response: { status: 202 } });
    expect(shortLines(plugin, "outcome", "method", "target", "rule")).toEqual([
      "ok tools/call echo rest",
      "denied tools/call rm_all no-rm",
      "- notifications/progress - rest",
    ]);
    expect(linesOf(plugin)[1].session).toMatch(/^[0-9a-f]{16}$/);
  });

  test("a request that is refused as a whole has one line, whatever it contains", () => {
    const plugin = startLite(POLICY);
    const twice = '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping","params":{"name":"echo"}}';
    for (const body of [twice, batch(toolCall("echo", 1), twice), "[", `${toolCall("echo")}x`]) {
      exchange(plugin, { request: { headers: SESSION, body }, response: null });
    }
    expect(shortLines(plugin, "outcome", "method", "rule")).toEqual(Array(4).fill("denied - _refused"));
  });

  test("the principal that an earlier extension has put into the header", () => {
    const from = [{ source: { principals: ["spiffe://mesh.example/ns/a/sa/*"] } }];
    const plugin = startLite({
      identity: { principalSources: ["x-forwarded-client-cert"] },
      access: { rules: [{ name: "agents", action: "ALLOW", from }] },
    });
    const uri = "spiffe://mesh.example/ns/a/sa/agent";
    const headers = { ...MCP_HEADERS, "x-forwarded-client-cert": `URI=${uri}` };
    post(plugin, toolCall("echo"), result(), { headers });
    exchange(plugin, { request: { body: toolCall("echo") }, response: null });
    expect(shortLines(plugin, "outcome", "rule", "principal")).toEqual([`ok agents ${uri}`, "denied _default -"]);
  });

  test("in shadow mode: the rule that would deny", () => {
    const plugin = startLite({ access: { ...POLICY.access, mode: "shadow" } });
    post(plugin, toolCall("rm_all"));
    expect(shortLines(plugin, "outcome", "rule")).toEqual(["ok no-rm"]);
  });
});

test("no line has arguments, results, ids or the query of a URI, and a hostile name stays one value", () => {
  const plugin = startLite(POLICY);
  const hostile = 'x","outcome":"ok","rule":"rest\u0007\u202e';
  const call = request("tools/call", { name: hostile, arguments: { password: "s3cret-1" } }, "s3cret-2");
  post(plugin, call, result({ content: [{ type: "text", text: "s3cret-3" }] }, "s3cret-2"), {
    headers: { ...SESSION, "mcp-session-id": "s3cret-4" },
  });
  post(plugin, request("resources/read", { uri: "file:///a?s3cret-5" }));
  const [line, read] = linesOf(plugin);
  expect(line).toMatchObject({ target: hostile, rule: "rest" });
  expect(read).toMatchObject({ target: "file:///a" });
  expect(plugin.vm.logs.map(({ message }) => message).join(" ")).not.toMatch(/s3cret|\p{Cc}/u);
});

test("no line has a duration: the host's clock stands still", () => {
  const plugin = startLite();
  exchange(
    plugin,
    { request: { body: toolCall("echo") }, response: { headers: JSON_ANSWER, body: result() } },
    { responseDelay: 500 },
  );
  expect(Object.keys(linesOf(plugin)[0])).not.toContain("duration_ms");
});

test.each([
  ["logFields: false", { logFields: false }],
  ["log: warn", { log: "warn" }],
])("%s: no lines", (_name, configuration) => {
  const plugin = startLite(configuration);
  post(plugin, toolCall("echo"));
  expect(linesOf(plugin)).toEqual([]);
});

/** How often each text occurs. */
function tally(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

/** How clients' requests ended, as `method outcome`, by the statistics of the build for Envoy. */
function endings(plugin: Plugin): string[] {
  const counts = countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome");
  const all = Object.entries(counts).flatMap(([key, count]) => Array<string>(count).fill(key));
  return all.filter((key) => !/^(sampling|roots|elicitation)\//.test(key));
}

const methodOf = (ending: string) => ending.split(" ")[0];

describe.each(captureNames().filter((name) => !/legacy-http-sse/.test(name)))("capture %s", (name) => {
  test("has the lines of all operations that Envoy's build counts, but no outcome from another stream", () => {
    const lite = startLite();
    const envoy = startFilter({ configuration: { match: { paths: ["/mcp"] } } });
    for (const captured of readCapture(name)) {
      exchange(lite, captured);
      exchange(envoy, captured);
    }
    const lines = shortLines(lite, "method", "outcome").filter((line) => !line.startsWith("notifications/"));
    const counted = endings(envoy);
    expect(tally(lines.map(methodOf))).toEqual(tally(counted.map(methodOf)));
    const open = lines.filter((line) => line.endsWith(" -")).map(methodOf);
    const missing = Object.entries(tally(counted)).flatMap(([ending, count]) => {
      return Array<string>(count - (tally(lines)[ending] ?? 0)).fill(methodOf(ending));
    });
    expect(missing.sort()).toEqual(open.sort());
    expect(open.length).toBeLessThanOrEqual(2);
    expect([...lite.vm.alerts, lite.vm.failure]).toEqual([undefined]);
  });
});

test("of HTTP+SSE: each request has a line, without an outcome", () => {
  const lite = startLite({ match: { paths: ["/*"] } });
  const name = captureNames().find((capture) => /legacy-http-sse/.test(capture))!;
  for (const captured of readCapture(name)) exchange(lite, captured);
  const methods = shortLines(lite, "method", "outcome");
  expect(methods.filter((line) => line.startsWith("tools/call"))).not.toEqual([]);
  expect([...lite.vm.alerts, lite.vm.failure]).toEqual([undefined]);
});
