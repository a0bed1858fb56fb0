/** Tests the reply to a client whose message the access policy denies, and what passes. */
import { describe, expect, test } from "vitest";
import {
  countsBy,
  batch,
  error as errorOf,
  MCP_HEADERS,
  notification,
  request,
  result,
  SSE_ANSWER,
  toolCall,
} from "./filter.ts";
import { ask, deniedBy, methods, refusedFor, rewritten, startGuarded, tools } from "./access.ts";
import { ENDPOINT, openStream, POST_HEADERS } from "./http-sse.ts";
import { inSession, openGet } from "./open-stream.ts";
import { has } from "./matrix.ts";

const OPEN = { defaultAction: "ALLOW", rules: [tools("DENY", "no-rm", "rm*")] };
const CLOSED = { rules: [methods("ALLOW", "handshake", "@handshake", "tools/list"), tools("ALLOW", "echo", "echo")] };
const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
const modern = (method: string, name?: string) => ({
  ...{ ...MCP_HEADERS, "mcp-protocol-version": "2026-07-28", "mcp-method": method },
  ...(name !== undefined && { "mcp-name": name }),
});

describe("a denied call", () => {
  test("is answered with its id, and allowed calls pass", () => {
    const plugin = startGuarded(OPEN);
    expect(ask(plugin, toolCall("rm")).reply).toEqual(deniedBy("no-rm"));
    expect(ask(plugin, toolCall("echo")).reply).toBeUndefined();
    const closed = startGuarded(CLOSED);
    expect(ask(closed, toolCall("rm")).reply).toEqual(deniedBy("_default"));
    expect(ask(closed, toolCall("echo")).reply).toBeUndefined();
    expect(ask(closed, request("initialize", {})).reply).toBeUndefined();
    expect(ask(closed, notification("notifications/initialized"), { response: { status: 202 } }).reply).toBeUndefined();
    expect(ask(closed, request("resources/read", { uri: "echo" })).reply).toEqual(deniedBy("_default"));
  });

  test.runIf(has("streamedRequests"))("waits in the proxy until it is decided", () => {
    const plugin = startGuarded(OPEN);
    expect(ask(plugin, toolCall("rm")).actions).toEqual([0, 1, 1]);
    expect(ask(plugin, toolCall("echo")).actions).toEqual([0, 1, 0, 0, 0, 0]);
  });

  test.each([[0], [-1], [123456789012345], ["x"], [""], ['a"\\\u0001é😀'], ["i".repeat(256)]])(
    "is answered with the id %j",
    (id) => {
      expect(ask(startGuarded(OPEN), toolCall("rm", id)).reply).toEqual(deniedBy("no-rm", id));
    },
  );

  test("is answered with its exact id, even if JavaScript would round it", () => {
    const { stream } = ask(startGuarded(OPEN), toolCall("rm").replace('"id":1', '"id":12345678901234567890'));
    expect(stream.reply?.body).toContain('"id":12345678901234567890,');
  });

  test.each(["alone", "with-last", "trailers"] as const)("whose body ends %s", (requestEnd) => {
    for (const size of [1, 7, 1000]) {
      const body = toolCall("rm").match(new RegExp(`.{1,${size}}`, "g"))!;
      expect(ask(startGuarded(OPEN), body, { requestEnd }).reply).toEqual(deniedBy("no-rm"));
      expect(ask(startGuarded(OPEN), toolCall("echo").match(/.{1,9}/g)!, { requestEnd }).reply).toBeUndefined();
    }
  });

  test("is answered as a tool result, if configured, and other requests as errors", () => {
    const plugin = startGuarded({ ...OPEN, denial: { form: "result" }, defaultAction: "DENY" });
    const content = [{ type: "text", text: "Denied by the access policy (rule no-rm)" }];
    expect(ask(plugin, toolCall("rm", "a")).reply).toEqual({
      status: 200,
      details: "mcp_access_denied[no-rm]",
      body: { jsonrpc: "2.0", id: "a", result: { content, isError: true } },
    });
    const params = { name: "rm", _meta: meta };
    expect(ask(plugin, request("tools/call", params), { headers: modern("tools/call", "rm") }).reply?.body).toEqual({
      ...{ jsonrpc: "2.0", id: 1 },
      result: { content, isError: true, resultType: "complete" },
    });
    expect(ask(plugin, request("tools/list")).reply).toEqual(deniedBy("_default"));
  });

  test("is answered with the hint of the rule that denies it", () => {
    const hint = 'Use "ls" \\ 50 % of é😀';
    const rules = [{ ...tools("DENY", "no-rm", "rm*"), hint }, tools("DENY", "no-mv", "mv")];
    const plugin = startGuarded({ ...OPEN, rules });
    expect(ask(plugin, toolCall("rm")).reply?.body).toEqual({
      ...{ jsonrpc: "2.0", id: 1 },
      error: { code: 403, message: "Denied by the access policy", data: { rule: "no-rm", hint } },
    });
    expect(ask(plugin, toolCall("mv")).reply).toEqual(deniedBy("no-mv"));
    const asResult = startGuarded({ ...OPEN, rules, denial: { form: "result" } });
    expect(ask(asResult, toolCall("rm")).reply?.body).toMatchObject({
      result: { content: [{ text: `Denied by the access policy (rule no-rm): ${hint}` }], isError: true },
    });
  });

  test("is answered with an HTTP status, if configured", () => {
    const plugin = startGuarded({ ...OPEN, denial: { form: "status", status: 451 } });
    expect(ask(plugin, toolCall("rm")).reply).toEqual({ ...deniedBy("no-rm"), status: 451 });
    expect(ask(plugin, "{}").reply).toEqual({ ...refusedFor("no_message"), status: 451 });
    const byDefault = startGuarded({ ...OPEN, denial: { form: "status" } });
    expect(ask(byDefault, toolCall("rm")).reply?.status).toBe(403);
  });

  test.runIf(has("sharedData"))(
    "of HTTP+SSE is forwarded with a method that the server does not know, for every form of denials",
    () => {
      for (const denial of [{}, { form: "result" }, { form: "status", status: 451 }]) {
        const plugin = startGuarded({ ...OPEN, denial });
        openStream(plugin);
        const posted = { path: ENDPOINT, headers: POST_HEADERS, response: { status: 202 } };
        const denied = ask(plugin, toolCall("rm"), posted);
        expect(denied.reply).toBeUndefined();
        expect(denied.stream.passedRequest).toBe(rewritten(toolCall("rm")));
        expect(ask(plugin, toolCall("echo"), posted).stream.passedRequest).toBe(toolCall("echo"));
        expect(ask(plugin, "{}", posted).reply?.status).toBe(denial.form === "status" ? 451 : 403);
      }
    },
  );

  test.runIf(has("metrics"))("is not counted as an operation of the server", () => {
    const plugin = startGuarded(OPEN);
    ask(plugin, toolCall("rm"));
    ask(plugin, toolCall("echo"));
    const outcomes = countsBy(plugin, "mcp_operations_total", "gen_ai_tool_name", "mcp_outcome");
    expect(Object.values(outcomes)).toEqual([1, 1]);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome", "rpc_response_status_code")).toEqual({
      "denied 403": 1,
      "ok ": 1,
    });
    expect(plugin.vm.metrics.gauge("mcp_operations_in_flight")).toBe(0);
    const { metrics } = plugin.vm;
    const durations = (error_type: string) => metrics.histogram("mcp_operation_duration_milliseconds", { error_type });
    expect([durations("denied").count, durations("other").count]).toEqual([1, 0]);
  });
});

describe("a denied message that needs no response", () => {
  const policy = { rules: [methods("ALLOW", "calls", "tools/*")] };
  const dropped = { status: 202, details: "mcp_access_denied[_default]", body: undefined };

  test("is dropped with 202 if it is a notification", () => {
    expect(ask(startGuarded(policy), notification("notifications/initialized")).reply).toEqual(dropped);
    const status = { ...policy, denial: { form: "status" } };
    expect(ask(startGuarded(status), notification("notifications/initialized")).reply).toEqual(dropped);
  });

  test("a batch of them", () => {
    const all = batch(notification("notifications/a"), notification("notifications/b"));
    expect(ask(startGuarded(policy), all).reply).toEqual(dropped);
  });
});

describe("a batch with a denied message", () => {
  const error = { code: 403, message: "Denied by the access policy", data: { rule: "no-rm" } };

  test.runIf(has("metrics"))("passes with a method in its place that the server does not know", () => {
    const plugin = startGuarded(OPEN);
    const messages = [
      toolCall("echo", 1),
      notification("notifications/progress"),
      toolCall("rm", "2"),
      request("tools/list", {}, 3),
    ];
    const answers = batch(result({}, 1), errorOf(-32601, "2"), result({ tools: [] }, 3));
    const { reply, stream } = ask(plugin, batch(...messages), { response: { body: answers } });
    expect(reply).toBeUndefined();
    messages[2] = rewritten(messages[2]);
    expect(stream.passedRequest).toBe(batch(...messages));
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action")).toEqual({
      "_default allow": 3,
      "no-rm deny": 1,
    });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ denied: 1, ok: 2 });
  });

  test.runIf(has("metrics"))("is answered by the filter if all of it is denied", () => {
    const plugin = startGuarded(OPEN);
    const { reply } = ask(plugin, batch(toolCall("rm", 1), toolCall("rmdir", "2")));
    expect(reply).toMatchObject({ status: 200, details: "mcp_access_denied[no-rm]" });
    expect(reply?.body).toEqual([1, "2"].map((id) => ({ jsonrpc: "2.0", id, error })));
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action")).toEqual({
      "no-rm deny": 2,
    });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ denied: 2 });
  });

  test.runIf(has("metrics"))("passes if no message is denied", () => {
    const plugin = startGuarded(OPEN);
    const all = batch(toolCall("echo", 1), toolCall("add", 2));
    const answer = { response: { body: batch(result({}, 1), result({}, 2)) } };
    const { reply, stream } = ask(plugin, all, answer);
    expect(reply).toBeUndefined();
    expect(stream.passedRequest).toBe(all);
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_access_action")).toEqual({
      "_default allow": 2,
    });
  });

  test("shows each message's rule, and the first one's for the whole batch", () => {
    const plugin = startGuarded({ defaultAction: "ALLOW", rules: [tools("DENY", "a", "a"), tools("DENY", "b", "b")] });
    const { reply } = ask(plugin, batch(toolCall("b", 2), toolCall("a", 3)));
    expect(reply?.details).toBe("mcp_access_denied[b]");
    const rules = (reply?.body as { error: { data: { rule: string } } }[]).map(({ error }) => error.data.rule);
    expect(rules).toEqual(["b", "a"]);
  });

  test.runIf(has("filterState"))(
    "shows the rule that denies in the access log, whatever decides the later messages",
    () => {
      const { stream } = ask(startGuarded(OPEN), batch(toolCall("rm", 1), toolCall("echo", 2)));
      expect(stream.state.get("mcp.rule")).toBe("no-rm");
    },
  );
});

describe("a client's response to the server", () => {
  const direction = "server_to_client";
  const rule = (action: string, ...methods: string[]) => ({
    ...{ name: "sampling", action },
    to: [{ operation: { methods, direction } }],
  });
  const answer = (id: unknown = "q") => result({ role: "assistant" }, id);
  const headers = inSession("s");
  const dropped = { status: 202, details: "mcp_access_denied[sampling]", body: undefined };
  const asked = (access: object, method: string) => {
    const plugin = startGuarded(access);
    openGet(plugin, "s").send(request(method, {}, "q"));
    return plugin;
  };

  test.runIf(has("sharedData"))("passes if no rule applies to it, with any default", () => {
    const plugin = asked(CLOSED, "sampling/createMessage");
    expect(ask(plugin, answer(), { headers, response: { status: 202 } }).reply).toBeUndefined();
    expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({
      "sampling/createMessage ok": 1,
    });
  });

  test("does not affect the next request", () => {
    const plugin = startGuarded(CLOSED);
    for (let i = 0; i < 3; i++) {
      ask(plugin, answer(i), { headers, response: { status: 202 } });
      expect(ask(plugin, toolCall("rm"), { headers }).reply).toEqual(deniedBy("_default"));
    }
    const all = startGuarded({});
    ask(all, answer(), { headers, response: { status: 202 } });
    expect(ask(all, toolCall("rm"), { headers }).reply).toEqual(deniedBy("_default"));
  });

  test.runIf(has("sharedData"))("is denied by a rule about what the server asked", () => {
    const access = { defaultAction: "ALLOW", rules: [rule("DENY", "sampling/*")] };
    const plugin = asked(access, "sampling/createMessage");
    expect(ask(plugin, answer(), { headers }).reply).toEqual(dropped);
    expect(countsBy(plugin, "mcp_operations_total", "mcp_method_name", "mcp_outcome")).toEqual({
      "sampling/createMessage denied": 1,
    });
    // The request, which the client has not received, and the response.
    expect(countsBy(plugin, "mcp_access_decisions_total", "mcp_access_rule", "mcp_method_name")).toEqual({
      "sampling sampling/createMessage": 2,
    });
    const other = asked(access, "roots/list");
    expect(ask(other, answer(), { headers, response: { status: 202 } }).reply).toBeUndefined();
  });

  test("to an unknown request is denied by a rule that denies any", () => {
    const access = { defaultAction: "ALLOW", rules: [rule("DENY", "sampling/*")] };
    expect(ask(asked(access, "roots/list"), answer("other"), { headers }).reply).toEqual(dropped);
    expect(ask(asked(access, "roots/list"), answer(), { headers: MCP_HEADERS }).reply).toEqual(dropped);
  });

  test.runIf(has("sharedData"))("is neither allowed nor denied by a rule about requests", () => {
    const access = { defaultAction: "ALLOW", rules: [methods("DENY", "all", "*"), rule("DENY", "sampling/*")] };
    const plugin = asked(access, "roots/list");
    expect(ask(plugin, answer(), { headers, response: { status: 202 } }).reply).toBeUndefined();
    expect(ask(plugin, request("ping"), { headers }).reply).toEqual(deniedBy("all"));
  });

  test("is denied if everything is denied to the caller", () => {
    const plugin = asked({ defaultAction: "ALLOW", rules: [{ name: "sampling", action: "DENY" }] }, "roots/list");
    expect(ask(plugin, answer(), { headers }).reply).toEqual(dropped);
  });

  test("in a request that continues a call is denied with the request", () => {
    const params = { name: "echo", inputResponses: { a: { method: "elicitation/create" } }, _meta: meta };
    const headers = modern("tools/call", "echo");
    const going = request("tools/call", params);
    const denying = { defaultAction: "ALLOW", rules: [rule("DENY", "elicitation/*")] };
    expect(ask(startGuarded(denying), going, { headers }).reply).toEqual(deniedBy("sampling"));
    const first = request("tools/call", { name: "echo", _meta: meta });
    expect(ask(startGuarded(denying), first, { headers }).reply).toBeUndefined();
    expect(ask(startGuarded({ defaultAction: "ALLOW" }), going, { headers }).reply).toBeUndefined();
    expect(ask(startGuarded({ rules: [rule("DENY", "a")] }), going, { headers }).reply).toEqual(deniedBy("_default"));
  });
});

describe("headers of 2026-07-28 that differ from the body", () => {
  const call = request("tools/call", { name: "echo", _meta: meta });
  const mismatch = {
    status: 400,
    details: "mcp_access_refused[header_mismatch]",
    body: {
      ...{ jsonrpc: "2.0", id: 1 },
      error: { code: -32020, message: "Mcp-Method or Mcp-Name does not match the body" },
    },
  };

  test("are answered with 400 and -32020", () => {
    const plugin = startGuarded(OPEN);
    expect(ask(plugin, call, { headers: modern("tools/call", "echo") }).reply).toBeUndefined();
    expect(ask(plugin, call, { headers: modern("tools/call", "add") }).reply).toEqual(mismatch);
    expect(ask(plugin, call, { headers: modern("tools/list", "echo") }).reply).toEqual(mismatch);
    // Header lines combined into one (RFC 9110, section 5.3).
    expect(ask(plugin, call, { headers: modern("tools/call, tools/call", "echo,echo") }).reply).toBeUndefined();
    expect(ask(plugin, call, { headers: modern("tools/call", "echo, add") }).reply).toEqual(mismatch);
    expect(ask(plugin, call, { headers: modern("tools/call, tools/list", "echo") }).reply).toEqual(mismatch);
    expect(ask(plugin, call, { headers: modern("tools/call") }).reply).toEqual(mismatch);
    expect(ask(plugin, call, { headers: MCP_HEADERS }).reply).toEqual(mismatch);
    const read = request("resources/read", { uri: "a:b", name: "echo", _meta: meta });
    expect(ask(plugin, read, { headers: modern("resources/read", "a:b") }).reply).toBeUndefined();
    expect(ask(plugin, read, { headers: modern("resources/read", "echo") }).reply).toEqual(mismatch);
  });

  test("are not affected by a member with another purpose", () => {
    const other = request("tools/call", { name: "echo", taskId: "add", uri: "add", _meta: meta });
    expect(ask(startGuarded(OPEN), other, { headers: modern("tools/call", "add") }).reply).toEqual(mismatch);
    expect(ask(startGuarded(OPEN), other, { headers: modern("tools/call", "echo") }).reply).toBeUndefined();
  });

  test("are ignored if the message is denied or of an older revision", () => {
    const plugin = startGuarded(OPEN);
    const rm = request("tools/call", { name: "rm", _meta: meta });
    expect(ask(plugin, rm, { headers: modern("tools/call", "echo") }).reply).toEqual(deniedBy("no-rm"));
    const old = { ...MCP_HEADERS, "mcp-protocol-version": "2025-11-25", "mcp-method": "x", "mcp-name": "y" };
    expect(ask(plugin, toolCall("echo"), { headers: old }).reply).toBeUndefined();
  });
});

test("an event stream of the server passes as it arrives", () => {
  const { reply, actions } = ask(startGuarded(OPEN), toolCall("echo"), {
    response: { headers: SSE_ANSWER, body: [`data: ${result()}\n\n`, ": x\n\n"] },
  });
  expect(reply).toBeUndefined();
  expect(actions.slice(3)).toEqual([0, 0, 0, 0]);
});
