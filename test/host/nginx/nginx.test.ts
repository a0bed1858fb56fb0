/** The build for NGINX does what Envoy's build does, and nothing for which NGINX logs an error. */
import { describe, expect, test } from "vitest";
import { captureNames, readCapture } from "../../fixtures/captures.ts";
import { exchange, type Exchange, type Plugin } from "../../../scripts/host/index.ts";
import { ask, guarded, principals, tools } from "../filter/access.ts";
import {
  countsBy,
  JSON_ANSWER,
  MCP_HEADERS,
  passSeconds,
  request,
  result,
  startWorkers,
  toolCall,
} from "../filter/filter.ts";
import { ENDPOINT, openStream, POST_HEADERS, send } from "../filter/http-sse.ts";
import { faultsOf, play, startNginx } from "./nginx.ts";

/** The counters of operations, messages and decisions, without those about the process itself. */
function countersOf({ vm }: Plugin): Record<string, number> {
  const counters = Object.entries(vm.metrics.counters());
  return Object.fromEntries(counters.filter(([name, value]) => value > 0 && !name.startsWith("mcp_filter")));
}

const POLICY = { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] };

describe.each(captureNames())("capture %s", (name) => {
  test("gives the counters that it gives in Envoy, on two workers", () => {
    const envoy = startWorkers(2);
    const workers = startNginx(2);
    const captured: Exchange[] = readCapture(name);
    play(envoy, captured);
    play(workers, captured);
    expect(countersOf(workers[0])).toEqual(countersOf(envoy[0]));
    expect(faultsOf(workers)).toEqual([]);
  });
});

describe("access", () => {
  test("denies and allows calls, and NGINX forwards the allowed ones", () => {
    const workers = startNginx(2, guarded(POLICY));
    for (const worker of workers) {
      expect(ask(worker, toolCall("echo")).reply).toBeUndefined();
      const denied = ask(worker, toolCall("rm_all"));
      expect(denied.reply).toMatchObject({ status: 200, body: { error: { code: expect.any(Number) as number } } });
    }
    passSeconds(workers, 1);
    expect(countsBy(workers[0], "mcp_access_decisions_total", "mcp_access_rule")).toEqual({ "no-rm": 2, rest: 2 });
    expect(faultsOf(workers)).toEqual([]);
  });

  test("denies a body that NGINX has written to a file", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    const large = request("tools/call", { name: "echo", arguments: { text: "x".repeat(20_000) } });
    const { reply, stream } = ask(worker, large);
    expect(reply).toBeDefined();
    expect(stream.passedRequest).toBe("");
    expect(worker.vm.alerts).toEqual(["[error] cannot read request body buffered to file"]);
  });

  test("reads a body of many buffers at once", () => {
    const [worker] = startNginx(1, guarded(POLICY), { clientBodyBufferBytes: 1 << 20 });
    const call = (tool: string) => request("tools/call", { arguments: { text: "x".repeat(200_000) }, name: tool });
    expect(ask(worker, call("echo")).reply).toBeUndefined();
    expect(ask(worker, call("rm_all")).reply).toBeDefined();
    expect(faultsOf([worker])).toEqual([]);
  });

  test("decides about requests without a body in their headers", () => {
    const access = { rules: [principals("ALLOW", "agents", "x509://CN=agent*")] };
    const [worker] = startNginx(1, guarded(access));
    const spec: Exchange = { request: { method: "GET", headers: { accept: "text/event-stream" } }, response: {} };
    const inEnvoy = startWorkers(1, { configuration: guarded(access) })[0];
    const isOpen = (plugin: Plugin) => exchange(plugin, spec).stream.reply === undefined;
    expect(isOpen(inEnvoy)).toBe(true);
    expect(isOpen(worker)).toBe(true);
    const properties = { "ngx.ssl_client_verify": "SUCCESS", "ngx.ssl_client_s_dn": "CN=agent-1,O=Example" };
    expect(ask(worker, toolCall("echo"), { properties }).reply).toBeUndefined();
    expect(
      ask(worker, toolCall("echo"), { properties: { ...properties, "ngx.ssl_client_verify": "FAILED" } }).reply,
    ).toBeDefined();
    expect(faultsOf([worker])).toEqual([]);
  });

  test("withholds tools from lists, also where the response comes in pieces or compressed", () => {
    const [worker] = startNginx(1, guarded(POLICY));
    const list = result({ tools: [{ name: "echo" }, { name: "rm_all" }] });
    const pieces = [list.slice(0, 30), list.slice(30)];
    const received = (response: Exchange["response"]) =>
      ask(worker, request("tools/list"), { response }).stream.received.toString();
    const headers = { ...JSON_ANSWER, "content-length": String(list.length) };
    expect(received({ headers, body: pieces })).toContain("echo");
    expect(received({ headers, body: pieces })).not.toContain("rm_all");
    const compressed = { ...JSON_ANSWER, "content-encoding": "gzip" };
    expect(received({ headers: compressed, body: ["rm_all 1", "rm_all 2", "rm_all 3"] })).not.toContain("rm_all");
    expect(faultsOf([worker]).filter((line) => !line.startsWith("[warn]"))).toEqual([]);
  });
});

test("an HTTP+SSE endpoint is looked up by the Host of a request, not by the name of NGINX's server block", () => {
  const [worker] = startNginx(1);
  const stream = openStream(worker, ENDPOINT, "/sse", { host: "one.example" });
  send(worker, toolCall("echo", 1), { headers: { ...POST_HEADERS, host: "two.example" } });
  send(worker, toolCall("add", 2), { headers: { ...POST_HEADERS, host: "one.example" } });
  stream.send(result({}, 1), result({}, 2));
  passSeconds([worker], 1);
  expect(countsBy(worker, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome")).toEqual({
    "_OTHER undecoded": 1,
    "add ok": 1,
  });
  expect(faultsOf([worker])).toEqual([]);
});

test("an answer with a length that arrives in pieces is complete", () => {
  const [worker] = startNginx(1);
  const body = result();
  const headers = { ...JSON_ANSWER, "content-length": String(body.length) };
  exchange(worker, {
    request: { headers: MCP_HEADERS, body: toolCall("echo") },
    response: { headers, body: [body.slice(0, 9), body.slice(9)] },
  });
  expect(countsBy(worker, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 1 });
  expect(faultsOf([worker])).toEqual([]);
});

test("fields for the access log become variables", () => {
  const variables = ["mcp_method", "mcp_target", "mcp_outcome"];
  const [worker] = startNginx(1, { logFields: true }, { variables });
  const { stream } = ask(worker, toolCall("echo"));
  expect(Object.fromEntries(stream.state)).toEqual({
    mcp_method: "tools/call",
    mcp_target: "echo",
    mcp_outcome: "ok",
  });
  expect(faultsOf([worker])).toEqual([]);
});

test("responses describe their requests, also those of the policy, in place of what the server says", () => {
  const described = (name: string) => {
    const [worker] = startNginx(1, guarded(POLICY, { responseHeaders: true }));
    const { stream } = exchange(worker, {
      request: { headers: MCP_HEADERS, body: toolCall(name) },
      response: { headers: { ...JSON_ANSWER, "x-mcp-outcome": "forged" }, body: result() },
    });
    expect(faultsOf([worker])).toEqual([]);
    return Object.fromEntries(stream.responseHead.filter(([header]) => header.toLowerCase().startsWith("x-mcp-")));
  };
  const call = { "x-mcp-method": "tools/call", "x-mcp-era": "legacy" };
  expect(described("echo")).toEqual({ ...call, "x-mcp-target": "echo", "x-mcp-rule": "rest" });
  const denied = { "x-mcp-rule": "no-rm", "x-mcp-outcome": "denied" };
  expect(described("rm")).toEqual({ ...call, "x-mcp-target": "rm", ...denied });
});

describe("metrics", () => {
  test("with the longest labels fit into NGINX's limit, and stay distinct", () => {
    const long = (kind: string) => `${kind}-${"x".repeat(200)}`;
    const [worker] = startNginx(1, { server: long("server") });
    const names = Array.from({ length: 3 }, (_, index) => `${"t".repeat(100)}-${index}`);
    for (const name of names) ask(worker, toolCall(name));
    const series = Object.keys(worker.vm.metrics.counters("mcp_operations_total"));
    expect(series.length).toBeGreaterThan(0);
    expect(worker.vm.metrics.counter("mcp_operations_total")).toBe(3);
    for (const label of worker.vm.metrics.labelValues("mcp_server")) expect(label).toMatch(/^server-x~[0-9a-f]{8}$/);
    expect(faultsOf([worker])).toEqual([]);
  });

  test("have a server only if the configuration names it", () => {
    const [worker] = startNginx(1, "{}");
    ask(worker, toolCall("echo"));
    expect(worker.vm.metrics.labelValues("mcp_server", "mcp_operations_total")).toEqual(["_OTHER"]);
  });
});

test("sessions are shared by the workers, and end in time", () => {
  const workers = startNginx(2, { sessions: { idleTimeout: "600s" } });
  const captured = readCapture(captureNames()[0]);
  exchange(workers[0], captured[0]);
  passSeconds(workers, 1);
  const open = ({ vm }: Plugin) => Object.values(vm.metrics.gauges("mcp_sessions_active")).reduce((a, b) => a + b, 0);
  expect(open(workers[1])).toBe(1);
  passSeconds(workers, 700);
  expect(open(workers[1])).toBe(0);
  expect(faultsOf(workers)).toEqual([]);
});
