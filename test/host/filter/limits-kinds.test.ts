/** Tests rules with tokens and repeats, shadow mode, and the forms of replies. */
import { describe, expect, test } from "vitest";
import { exchange, type ExchangeRequest, type Plugin } from "../../../scripts/host/index.ts";
import {
  batch,
  countsBy,
  error,
  JSON_ANSWER,
  MCP_HEADERS,
  passSeconds,
  request,
  result,
  startWorkers,
  toolCall,
} from "./filter.ts";
import { admitted, ask, limited, startLimited } from "./limits.ts";
import { GET_HEADERS } from "./open-stream.ts";

/** A result whose text has about this number of tokens. */
const words = (count: number) => result({ content: [{ type: "text", text: "word ".repeat(count) }] });
const answering = (count: number) => ({ response: { headers: JSON_ANSWER, body: words(count) } });

describe("a rule with tokens", () => {
  const BUDGET = { name: "budget", key: [], tokens: { amount: 100, per: "1m" } };

  test("admits while some are left, and delays later calls until the excess has refilled", () => {
    const plugin = startLimited([BUDGET]);
    expect(admitted(plugin, 9, toolCall("a"), answering(0))).toBe(9);
    expect(admitted(plugin, 9, toolCall("a"), answering(60))).toBe(2);
    const { body } = ask(plugin, toolCall("a"), answering(60)).reply!;
    expect(body).toMatchObject({
      error: {
        message: "Limited: at most 100 tokens in 1 minute (rule budget)",
        data: { scope: "tokens", limit: 100 },
      },
    });
    plugin.vm.clock.advance(60_000);
    expect(admitted(plugin, 9, toolCall("a"), answering(60))).toBe(2);
  });

  test("is in debt for one period at most", () => {
    const plugin = startLimited([BUDGET]);
    expect(admitted(plugin, 9, toolCall("a"), answering(5000))).toBe(1);
    plugin.vm.clock.advance(59_000);
    expect(admitted(plugin, 1, toolCall("a"))).toBe(0);
    plugin.vm.clock.advance(3000);
    expect(admitted(plugin, 1, toolCall("a"))).toBe(1);
  });

  test("counts the kinds that it names", () => {
    const plugin = startLimited([{ ...BUDGET, tokens: { amount: 100, per: "1m", kinds: ["arguments"] } }]);
    expect(admitted(plugin, 9, toolCall("a"), answering(5000))).toBe(9);
    const long = request("tools/call", { name: "a", arguments: { text: "word ".repeat(200) } });
    expect(admitted(plugin, 9, long)).toBe(1);
  });

  test("is charged by the worker that reads the response", () => {
    const [one, two] = startWorkers(2, { configuration: limited([BUDGET]) });
    ask(one, toolCall("a"), answering(200));
    expect(admitted(two, 1, toolCall("a"))).toBe(0);
  });

  test("asks servers for uncompressed responses, also on streams, as no other rule does", () => {
    const encoded = { ...MCP_HEADERS, "accept-encoding": "gzip" };
    const removes = (rules: object[], request: ExchangeRequest) => {
      const plugin = startLimited(rules);
      exchange(plugin, { request, response: null });
      return plugin.vm.calls.count("proxy_remove_header_map_value");
    };
    const post = { headers: encoded, body: toolCall("a") };
    const get = { method: "GET", headers: { ...GET_HEADERS, "accept-encoding": "gzip" } };
    expect([removes([BUDGET], post), removes([BUDGET], get)]).toEqual([1, 1]);
    const calls = { name: "calls", key: [], requests: { amount: 9, per: "1m" } };
    expect([removes([calls], post), removes([calls], get)]).toEqual([0, 0]);
  });

  test("charges a third of the bytes of a response that is compressed anyway", () => {
    const plugin = startLimited([BUDGET]);
    const compressed = (size: number) => ({
      response: { headers: { ...JSON_ANSWER, "content-encoding": "gzip" }, body: new Uint8Array(size) },
    });
    expect(admitted(plugin, 9, toolCall("a"), compressed(120))).toBe(3);
    plugin.vm.clock.advance(120_000);
    expect(admitted(plugin, 9, toolCall("a"), compressed(3))).toBe(9);
  });
});

describe("a rule with repeats", () => {
  const LOOPS = { name: "loops", key: ["address"], repeats: { amount: 2, per: "1m" } };
  const call = (name: string, args: object) => request("tools/call", { name, arguments: args });

  test("limits calls of one tool with the same arguments", () => {
    const plugin = startLimited([LOOPS]);
    expect(admitted(plugin, 9, call("a", { x: 1 }))).toBe(2);
    expect(admitted(plugin, 9, call("a", { x: 2 }))).toBe(2);
    expect(admitted(plugin, 9, call("b", { x: 1 }))).toBe(2);
    expect(admitted(plugin, 9, request("tools/list"))).toBe(9);
    expect(admitted(plugin, 9, call("a", { x: 1 }), { properties: { "source.address": "10.0.0.7:1" } })).toBe(2);
  });

  test("recognizes the same arguments in any chunks and order of members", () => {
    const plugin = startLimited([LOOPS]);
    const text = call("a", { text: "x".repeat(100), list: [{ y: [1, 2, "}"] }] });
    for (const size of [1, 13]) {
      expect(ask(plugin, text.match(new RegExp(`.{1,${size}}`, "g"))!).reply).toBeUndefined();
    }
    const { id, params } = JSON.parse(text) as { id: number; params: { name: string; arguments: object } };
    const moved = {
      params: { arguments: params.arguments, name: params.name },
      id,
      method: "tools/call",
      jsonrpc: "2.0",
    };
    expect(ask(plugin, JSON.stringify(moved)).reply?.details).toBe("mcp_limited[loops]");
  });

  test("explains the limit to the model, if configured", () => {
    const plugin = startLimited([{ ...LOOPS, denial: { form: "result" } }]);
    admitted(plugin, 2, call("a", { x: 1 }));
    const text =
      "You have made this same call, with the same arguments, 2 times within 1 minute, and it was not run again: use the " +
      "result that you have, or change the call; wait 30 seconds before you make the same call again.";
    expect(ask(plugin, call("a", { x: 1 })).reply).toEqual({
      status: 200,
      details: "mcp_limited[loops]",
      headers: { "retry-after": "30" },
      body: { jsonrpc: "2.0", id: 1, result: { content: [{ type: "text", text }], isError: true } },
    });
  });
});

describe("the form of a reply", () => {
  const rule = (form: string) => ({
    name: "calls",
    key: [],
    requests: { amount: 1, per: "1m" },
    denial: { form },
  });

  test("result: a call fails as its tool would, and anything else with an error", () => {
    const plugin = startLimited([rule("result")]);
    admitted(plugin, 1, toolCall("a"));
    const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
    const text =
      "This call was not run, since its limit is reached: at most 1 requests in 1 minute (rule calls); " +
      "wait 60 seconds before you try again.";
    const content = [{ type: "text", text }];
    expect(ask(plugin, request("tools/call", { name: "a", _meta })).reply?.body).toMatchObject({
      result: { content, isError: true, resultType: "complete" },
    });
    expect(ask(plugin, request("tools/list")).reply?.body).toMatchObject({ error: { code: 429 } });
  });

  test("status: HTTP 429", () => {
    const plugin = startLimited([rule("status")]);
    admitted(plugin, 1, toolCall("a"));
    expect(ask(plugin, toolCall("a")).reply).toMatchObject({ status: 429, headers: { "retry-after": "60" } });
  });

  test("is an error in a batch whose other messages pass", () => {
    const plugin = startLimited([rule("result")]);
    const answers = batch(result({}, 1), error(-32601, 2));
    const { stream } = ask(plugin, batch(toolCall("a", 1), toolCall("a", 2)), { response: { body: answers } });
    expect(JSON.parse(stream.received.toString())).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: 429, data: { retryAfterSeconds: 60 } } },
    ]);
  });
});

describe("an undecidable request", () => {
  test.each([
    ["duplicate members", '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}', "duplicate_key"],
    [
      "a name in another case",
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","Params":{"name":"a"}}',
      "case_variant_key",
    ],
    ["no JSON", "{", "not_json"],
    ["bytes behind", `${toolCall("a")} {}`, "not_json"],
  ])("is refused: %s", (_what, body, reason) => {
    const plugin = startLimited([{ name: "calls", key: [], requests: { amount: 1, per: "1m" } }]);
    expect(ask(plugin, body).reply).toMatchObject({
      details: `mcp_limits_refused[${reason}]`,
      body: { id: null, error: { code: 403, data: { reason } } },
    });
    expect(admitted(plugin, 2, toolCall("a"))).toBe(1);
  });

  test("passes if all limits are in a dry run", () => {
    const plugin = startLimited([{ name: "calls", key: [], requests: { amount: 1, per: "1m" } }], {
      limits: { mode: "shadow" },
    });
    expect(ask(plugin, "{").reply).toBeUndefined();
    expect(countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision")).toEqual({
      "_refused shadow_limited": 1,
    });
  });
});

describe("in shadow", () => {
  const calls = { name: "calls", key: [], requests: { amount: 2, per: "1m" } };
  const decisions = (plugin: Plugin) =>
    countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision");

  test("all limits: nothing is held, and what would be limited is counted", () => {
    const plugin = startLimited([calls], { limits: { mode: "shadow" } });
    for (let i = 0; i < 5; i++) {
      const { actions, reply } = ask(plugin, toolCall("a"));
      expect([reply, actions.every((action) => action === 0)]).toEqual([undefined, true]);
    }
    expect(decisions(plugin)).toEqual({ "calls admitted": 2, "calls shadow_limited": 3 });
    expect(countsBy(plugin, "mcp_operations_total", "mcp_outcome")).toEqual({ ok: 5 });
  });

  test("one rule among others", () => {
    const plugin = startLimited([
      { ...calls, mode: "shadow" },
      { name: "wide", key: [], requests: { amount: 4, per: "1m" } },
    ]);
    expect(admitted(plugin, 9, toolCall("a"))).toBe(4);
    expect(decisions(plugin)).toEqual({
      "calls admitted": 2,
      "calls shadow_limited": 2,
      "wide admitted": 4,
      "wide limited": 5,
    });
  });

  test("permits and tokens are counted as if they were limited", () => {
    const rules = [
      { name: "one", key: [], concurrency: 1 },
      { name: "budget", key: [], tokens: { amount: 50, per: "1h" } },
    ];
    const plugin = startLimited(rules, { limits: { mode: "shadow" } });
    const spec = { request: { headers: MCP_HEADERS, body: toolCall("a") }, response: null, ended: "open" } as const;
    const { stream } = exchange(plugin, spec);
    ask(plugin, toolCall("a"), answering(100));
    stream.reset("client");
    ask(plugin, toolCall("a"));
    expect(decisions(plugin)).toEqual({
      "one admitted": 2,
      "one shadow_limited": 1,
      "budget admitted": 2,
      "budget shadow_limited": 1,
    });
  });
});

test("limits without rules limit nothing, but hold requests to pass information on", () => {
  const plugin = startLimited([]);
  expect(admitted(plugin, 99, toolCall("a"))).toBe(99);
  expect(ask(plugin, "{").reply?.details).toBe("mcp_limits_refused[not_json]");
});

test("denied requests are not charged", () => {
  const access = {
    defaultAction: "ALLOW",
    rules: [{ name: "no-rm", action: "DENY", to: [{ operation: { tools: ["rm"] } }] }],
  };
  const plugin = startLimited([{ name: "calls", key: [], requests: { amount: 2, per: "1h" } }], { more: { access } });
  for (let i = 0; i < 5; i++) expect(ask(plugin, toolCall("rm")).reply?.details).toBe("mcp_access_denied[no-rm]");
  expect(admitted(plugin, 9, toolCall("a"))).toBe(2);
});

test("allowances survive a reconfiguration, and workers share them", () => {
  const rules = [{ name: "calls", key: [], requests: { amount: 3, per: "1h" } }];
  const [one, two] = startWorkers(2, { configuration: limited(rules) });
  expect(admitted(one, 2, toolCall("a"))).toBe(2);
  one.configure(limited([...rules, { name: "other", key: [], concurrency: 9 }]));
  expect(admitted(one, 1, toolCall("a"))).toBe(1);
  expect(admitted(two, 9, toolCall("a"))).toBe(0);
  passSeconds([one, two], 5);
  expect(admitted(two, 9, toolCall("a"))).toBe(0);
});
