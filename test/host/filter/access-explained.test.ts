/** Tests the explanations of denials: what the audit and the trace say about the rules. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { batch, MCP_HEADERS, request, result, toolCall } from "./filter.ts";
import { ask, type Asking, auditOf, deniedBy, methods, principals, startGuarded, tools } from "./access.ts";
import { inSession } from "./open-stream.ts";
import { has } from "./matrix.ts";

const JWT = "metadata.filter_metadata.envoy.filters.http.jwt_authn.payload";
const as = (principal: string) => ({ properties: { "connection.uri_san_peer_certificate": principal } });
const HANDSHAKE = methods("ALLOW", "handshake", "@handshake");

/** The only line of the audit after one message. */
function lineOf(access: object, body: string, asking: Asking = {}): Record<string, unknown> {
  const plugin = startGuarded(access);
  ask(plugin, body, asking);
  const lines = auditOf(plugin);
  expect(lines).toHaveLength(1);
  return lines[0];
}

const nearestOf = (access: object, body: string, asking: Asking = {}) => lineOf(access, body, asking).nearest;

describe("if no rule applies, the explanation names the nearest ALLOW rule and the part that failed", () => {
  const agents = {
    name: "agents-read",
    action: "ALLOW",
    from: [{ source: { principals: ["spiffe://a/agents/*"] } }],
    to: [
      { operation: { methods: ["*/list"] } },
      { operation: { resources: ["*"] } },
      { operation: { tools: ["get_*"] } },
    ],
  };
  const policy = { rules: [HANDSHAKE, agents] };
  const rule = "agents-read";

  test.runIf(has("principals"))("the principal", () => {
    const failed = "from[0].source.principals";
    expect(nearestOf(policy, toolCall("get_x"), as("spiffe://a/ops/x"))).toEqual({ rule, failed });
    expect(nearestOf(policy, toolCall("get_x"))).toEqual({ rule, failed });
    expect(nearestOf(policy, toolCall("delete_x"))).toEqual({ rule, failed });
  });

  test.runIf(has("principals"))("the tool, from the operation about tools among several", () => {
    const nearest = { rule, failed: "to[2].operation.tools" };
    expect(nearestOf(policy, toolCall("delete_x"), as("spiffe://a/agents/x"))).toEqual(nearest);
  });

  test.runIf(has("principals"))("the method of a message that no rule names", () => {
    const nearest = { rule, failed: "to[0].operation.methods" };
    expect(nearestOf(policy, request("logging/setLevel"), as("spiffe://a/agents/x"))).toEqual(nearest);
  });

  const source = (fields: object) => ({ from: [{ source: fields }] });
  const operation = (fields: object) => ({ to: [{ operation: fields }] });
  const when = (key: string, fields: object) => ({ when: [{ key, ...fields }] });
  const read = request("resources/read", { uri: "a:b" });
  const get = request("prompts/get", { name: "a" });
  const call = request("tools/call", { name: "a", arguments: { n: "x" } });
  const odd = request("tools/call", { name: "a", arguments: { n: null } });
  const caller = as("spiffe://a/x");
  const claim = { properties: { [`${JWT}.groups.0`]: "dev", [`${JWT}.groups.1`]: "ops" } };
  const number = { properties: { [`${JWT}.groups`]: "\u0000\u0000" } };
  const unix = { properties: { "source.address": "/x" } };
  const claims = (fields: object) =>
    source({
      claims: [
        { path: ["sub"], notValues: ["y"] },
        { path: ["groups"], ...fields },
      ],
    });
  const sub = (asking: { properties: object }) =>
    ({ properties: { ...asking.properties, [`${JWT}.sub`]: "x" } }) as Asking;

  const CASES: [failed: string, isUnknown: boolean, rule: object, body: string, asking?: Asking][] = [
    ["from[0].source.principals", false, source({ principals: ["spiffe://b"] }), call, caller],
    ["from[0].source.notPrincipals", false, source({ principals: ["*"], notPrincipals: ["*x"] }), call, caller],
    ["from[0].source.notPrincipals", true, source({ notPrincipals: ["*x"] }), call],
    ["from[0].source.anonymous", false, source({ anonymous: true }), call, caller],
    ["from[0].source.trustDomains", false, source({ trustDomains: ["b"] }), call, caller],
    ["from[0].source.notTrustDomains", false, source({ notTrustDomains: ["a"] }), call, caller],
    ["from[0].source.notTrustDomains", true, source({ notTrustDomains: ["a"] }), call, as("https://a/x")],
    ["from[0].source.ipBlocks", false, source({ ipBlocks: ["10.0.0.0/8"] }), call],
    ["from[0].source.ipBlocks", true, source({ ipBlocks: ["10.0.0.0/8"] }), call, unix],
    ["from[0].source.notIpBlocks", false, source({ notIpBlocks: ["192.0.2.0/24"] }), call],
    ["from[0].source.claims[1]", false, claims({ values: ["admin"] }), call, sub(claim)],
    ["from[0].source.claims[1]", false, claims({ notValues: ["ops"] }), call, sub(claim)],
    ["from[0].source.claims[1]", true, claims({ values: ["admin"] }), call, sub(number)],
    ["to[0].operation.methods", false, operation({ methods: ["ping"] }), call],
    ["to[0].operation.notMethods", false, operation({ methods: ["*"], notMethods: ["tools/*"] }), call],
    ["to[0].operation.tools", false, operation({ tools: ["b"] }), call],
    ["to[0].operation.tools", true, operation({ tools: ["b"] }), request("tools/call", { name: 5 })],
    ["to[0].operation.notTools", false, operation({ notTools: ["a"] }), call],
    ["to[0].operation.prompts", false, operation({ prompts: ["b"] }), get],
    ["to[0].operation.notPrompts", false, operation({ notPrompts: ["a"] }), get],
    ["to[0].operation.resources", false, operation({ resources: ["b:*"] }), read],
    ["to[0].operation.resources", true, operation({ resources: ["*"] }), request("resources/read", { uri: "a:/../b" })],
    ["to[0].operation.notResources", false, operation({ notResources: ["a:*"] }), read],
    ["to[0].operation.servers", false, operation({ servers: ["b"] }), call],
    ["to[0].operation.servers", true, operation({ servers: ["b"] }), call, { properties: { "xds.cluster_name": "" } }],
    ["to[0].operation.notServers", false, operation({ notServers: ["tools"] }), call],
    ["to[0].operation.direction", false, operation({ direction: "server_to_client" }), call],
    ["when[0]", false, when("mcp.arguments[n]", { values: ["y"] }), call],
    ["when[0]", true, when("mcp.arguments[n]", { values: ["y"] }), odd],
    ["when[0]", true, when("mcp.clientName", { values: ["y"] }), call],
    ["when[0]", false, when("mcp.protocolVersion", { values: ["2026-07-28"] }), call],
    ["when[1]", false, { when: ["*", "y"].map((value) => ({ key: "mcp.arguments[n]", values: [value] })) }, call],
  ];
  const possible = CASES.filter(([, , , , asking]) => asking?.properties === undefined || has("principals"));
  test.each(possible)("%s, unknown: %s", (failed, isUnknown, fields, body, asking) => {
    const nearest = { rule: "it", failed, ...(isUnknown && { unknown: true }) };
    expect(nearestOf({ rules: [{ name: "it", action: "ALLOW", ...fields }] }, body, asking)).toEqual(nearest);
  });

  test.runIf(has("principals"))("a part that does not match has priority over one that is unknown", () => {
    const it = {
      name: "it",
      action: "ALLOW",
      ...source({ notPrincipals: ["spiffe://x"] }),
      ...operation({ tools: ["b"] }),
    };
    expect(nearestOf({ rules: [it] }, call)).toEqual({ rule: "it", failed: "to[0].operation.tools" });
  });

  test.runIf(has("principals"))("the nearest of several sources", () => {
    const from = [
      { source: { principals: ["spiffe://b"] } },
      { source: { trustDomains: ["a"], ipBlocks: ["10.0.0.0/8"] } },
    ];
    const nearest = { rule: "it", failed: "from[1].source.ipBlocks" };
    expect(nearestOf({ rules: [{ name: "it", action: "ALLOW", from }] }, call, caller)).toEqual(nearest);
  });

  test.runIf(has("principals"))(
    "the rule with most matching parts, then with fewest failing parts, then the first",
    () => {
      const rule = (name: string, ...parts: object[]) =>
        ({ name, action: "ALLOW", ...Object.assign({}, ...parts) }) as object;
      const [mine, others] = [source({ principals: ["*"] }), source({ principals: ["spiffe://b"] })];
      const [tool, other] = [operation({ tools: ["a"] }), operation({ tools: ["b"] })];
      const no = when("mcp.arguments[n]", { values: ["y"] });
      const nearest = (...rules: object[]) => nearestOf({ rules }, call, caller);
      const failed = "to[0].operation.tools";
      expect(nearest(rule("r0", others, other), rule("r1", mine, other))).toEqual({ rule: "r1", failed });
      expect(nearest(rule("r0", mine, other, no), rule("r1", mine, other))).toEqual({ rule: "r1", failed });
      expect(nearest(rule("r0", mine, other), rule("r1", mine, other))).toEqual({ rule: "r0", failed });
      expect(nearest(rule("r0", mine, tool, no), rule("r1", mine, other))).toEqual({ rule: "r0", failed: "when[0]" });
    },
  );

  test.runIf(has("principals"))("a principal longer than logs show is compared completely", () => {
    const long = `spiffe://a/${"x".repeat(300)}`;
    const it = { ...principals("ALLOW", "it", "spiffe://*y"), ...operation({ tools: ["b"] }) };
    expect(nearestOf({ rules: [it] }, call, as(`${long}y`))).toEqual({ rule: "it", failed: "to[0].operation.tools" });
    expect(nearestOf({ rules: [it] }, call, as(`${long}z`))).toEqual({
      rule: "it",
      failed: "from[0].source.principals",
    });
  });

  test("a principal of a header that is no longer available", () => {
    const it = { ...principals("ALLOW", "it", "spiffe://a/x"), ...operation({ tools: ["b"] }) };
    const headers = { ...MCP_HEADERS, "x-forwarded-client-cert": "URI=spiffe://a/x" };
    const access = { principalSources: ["x-forwarded-client-cert"], rules: [it] };
    expect(nearestOf(access, call, { headers })).toEqual({ rule: "it", failed: "to[0].operation.tools" });
  });

  test("no rule if none allows anything, or only dry-run rules do", () => {
    expect(lineOf({}, call)).not.toHaveProperty("nearest");
    expect(lineOf({ rules: [tools("DENY", "no", "b")] }, call)).not.toHaveProperty("nearest");
    expect(lineOf({ rules: [{ ...tools("ALLOW", "try", "b"), mode: "shadow" }] }, call)).not.toHaveProperty("nearest");
  });

  test("one for each message of a batch", () => {
    const plugin = startGuarded({ rules: [tools("ALLOW", "tools", "a"), methods("ALLOW", "lists", "*/list")] });
    ask(plugin, batch(toolCall("b", 1), request("ping", {}, 2), toolCall("a", 3)));
    expect(auditOf(plugin).map(({ nearest }) => nearest)).toEqual([
      { rule: "tools", failed: "to[0].operation.tools" },
      { rule: "tools", failed: "to[0].operation.tools" },
    ]);
  });

  test.runIf(has("principals"))("in a dry run of the whole policy", () => {
    expect(lineOf({ ...policy, mode: "shadow" }, toolCall("get_x"))).toMatchObject({
      mode: "shadow",
      rule: "_default",
      nearest: { rule, failed: "from[0].source.principals" },
    });
  });
});

describe("if a DENY rule applies", () => {
  const condition = (value: string) => ({ when: [{ key: "mcp.arguments[n]", values: [value] }] });
  const call = (n: unknown) => request("tools/call", { name: "rm", arguments: { n } });
  const rules = [{ ...tools("DENY", "no-rm", "rm"), ...condition("x") }, tools("ALLOW", "rest", "*")];

  test.runIf(has("principals"))(
    "the explanation says whether it applies only because something could not be determined",
    () => {
      expect(lineOf({ rules }, call("x"))).not.toHaveProperty("undetermined");
      expect(lineOf({ rules }, call(null))).toMatchObject({ rule: "no-rm", undetermined: "when[0]" });
      const from = [{ source: { principals: ["spiffe://b"] } }, { source: { notPrincipals: ["spiffe://a"] } }];
      const unknown = { rules: [{ name: "no", action: "DENY", from }] };
      expect(lineOf(unknown, call("x"))).toMatchObject({ rule: "no", undetermined: "from[1].source.notPrincipals" });
    },
  );

  test("the nearest rule precedes it", () => {
    const allow = tools("ALLOW", "say", "echo");
    expect(lineOf({ rules: [...rules, allow] }, call("x"))).not.toHaveProperty("nearest");
    expect(lineOf({ rules: [allow, ...rules] }, call("x")).nearest).toEqual({
      rule: "say",
      failed: "to[0].operation.tools",
    });
  });

  test("in a dry run, its line does not mention earlier rules, which may allow the message", () => {
    const shadow = { ...rules[0], mode: "shadow" };
    const plugin = startGuarded({ rules: [tools("ALLOW", "say", "echo"), tools("ALLOW", "all", "*"), shadow] });
    ask(plugin, call(null));
    expect(auditOf(plugin)).toMatchObject([{ mode: "shadow", rule: "no-rm", undetermined: "when[0]" }]);
    expect(auditOf(plugin)[0]).not.toHaveProperty("nearest");
  });

  test.runIf(has("principals"))(
    "for responses to a server, ALLOW rules about requests fail by their direction, or since they have no `to`",
    () => {
      const deny = { name: "no", action: "DENY", to: [{ operation: { direction: "server_to_client" } }] };
      const answer = { headers: inSession("s") };
      const withTo = { rules: [tools("ALLOW", "say", "echo"), deny] };
      expect(lineOf(withTo, result({}, 9), answer).nearest).toEqual({
        rule: "say",
        failed: "to[0].operation.direction",
      });
      const without = { rules: [principals("ALLOW", "me", "*"), deny] };
      const asking = { ...answer, ...as("spiffe://a/x") };
      expect(lineOf(without, result({}, 9), asking).nearest).toEqual({ rule: "me", failed: "to" });
    },
  );
});

test.runIf(has("hostCalls"))("a denial whose line is omitted is not explained: it reads no further attribute", () => {
  const claims = [{ path: ["groups"], values: ["dev"] }];
  const rules = [{ ...tools("ALLOW", "devs", "b"), from: [{ source: { claims } }] }];
  const plugin = startGuarded({ rules, audit: { perSecond: 1 } });
  const cost = () => {
    plugin.vm.calls.reset();
    ask(plugin, toolCall("a"), { properties: { [`${JWT}.groups`]: "dev" } });
    return plugin.vm.calls.count("proxy_get_property");
  };
  cost();
  plugin.vm.clock.advance(1000);
  const [written, left] = [cost(), cost()];
  expect(auditOf(plugin)).toHaveLength(2);
  // The elements of the claim, the claim, the address, the server.
  expect(written - left).toBe(4);
});

test.runIf(has("principals"))("replies to clients name only the rule", () => {
  const policy = { rules: [principals("ALLOW", "agents", "spiffe://a/*")] };
  expect(ask(startGuarded(policy), toolCall("echo")).reply).toEqual(deniedBy("_default"));
});

test("an explanation contains neither arguments nor other values of the request", () => {
  const secret = "s3cret";
  const rules = [
    { name: "a", action: "ALLOW", when: [{ key: "mcp.arguments[n]", values: ["x"] }] },
    { name: "b", action: "DENY", when: [{ key: "mcp.arguments[m]", notValues: ["x"] }] },
  ];
  const plugin = startGuarded({ rules }, { more: { log: "trace" } });
  const args = { n: secret, m: [secret], [secret]: secret };
  const properties = { [`${JWT}.sub`]: secret };
  ask(plugin, request("tools/call", { name: "x", arguments: args }), { properties, headers: inSession(secret) });
  expect(auditOf(plugin)).toHaveLength(1);
  expect(traceOf(plugin)).toHaveLength(2);
  expect(JSON.stringify(plugin.vm.logs)).not.toContain(secret);
});

/** The log lines of level trace, parsed as JSON. */
function traceOf(plugin: Plugin): Record<string, unknown>[] {
  const lines = plugin.vm.logs.filter(({ level }) => level === "trace");
  return lines.map(({ message }) => JSON.parse(message) as Record<string, unknown>);
}

describe("at log level trace, each rule has a line for each message", () => {
  const rules = [
    HANDSHAKE,
    {
      ...tools("ALLOW", "mine", "echo", "add"),
      from: [
        { source: { principals: ["spiffe://b"] } },
        { source: { trustDomains: ["a"], notIpBlocks: ["10.0.0.0/8"] } },
      ],
      when: [
        { key: "mcp.clientName", notValues: ["x"] },
        { key: "mcp.arguments[text]", values: ["hello"] },
      ],
    },
    { ...tools("DENY", "try", "echo"), mode: "shadow" },
    { name: "rest", action: "DENY" },
  ];
  const line = {
    event: "mcp_access_rule",
    mode: "enforce",
    decides: false,
    applies: false,
    request_id: "00000000-0000-4000-8000-000000000000",
    method: "tools/call",
  };
  const traced = (access: object, body: string, asking: Asking = {}) => {
    const plugin = startGuarded(access, { more: { log: "trace" } });
    const { reply } = ask(plugin, body, asking);
    return { lines: traceOf(plugin), reply };
  };

  test.runIf(has("principals"))("that says which of its parts match, do not match, or could not be determined", () => {
    const { lines, reply } = traced({ rules }, toolCall("echo"), as("spiffe://a/x"));
    expect(reply).toEqual(deniedBy("rest"));
    expect(lines).toEqual([
      { ...line, rule: "handshake", action: "ALLOW", parts: { "to[0].operation.methods": "no" } },
      {
        ...line,
        rule: "mine",
        action: "ALLOW",
        parts: {
          "from[0].source.principals": "no",
          "from[1].source.trustDomains": "yes",
          "from[1].source.notIpBlocks": "yes",
          "to[0].operation.tools": "yes",
          "when[0]": "unknown",
          "when[1]": "yes",
        },
      },
      {
        ...line,
        rule: "try",
        action: "DENY",
        mode: "shadow",
        applies: true,
        parts: { "to[0].operation.tools": "yes" },
      },
      { ...line, rule: "rest", action: "DENY", applies: true, decides: true, parts: {} },
    ]);
  });

  test.runIf(has("principals"))("also for allowed messages, held or not", () => {
    const all = traced({ defaultAction: "ALLOW", rules: [principals("DENY", "b", "spiffe://b")] }, toolCall("echo"));
    const parts = { "from[0].source.principals": "no" };
    expect(all.lines).toEqual([{ ...line, rule: "b", action: "DENY", parts }]);
    const held = traced({ rules: [tools("ALLOW", "say", "echo")] }, toolCall("echo"));
    expect(held.reply).toBeUndefined();
    expect(held.lines).toMatchObject([{ rule: "say", applies: true, decides: true }]);
  });

  test("for each message of a batch", () => {
    const { lines } = traced({ rules: [tools("ALLOW", "say", "echo")] }, batch(toolCall("echo", 1), request("ping")));
    expect(lines.map(({ method, applies }) => [method, applies])).toEqual([
      ["tools/call", true],
      ["ping", false],
    ]);
  });

  test("for responses to a server: rules without operations", () => {
    const deny = { name: "no", action: "DENY", to: [{ operation: { direction: "server_to_client" } }] };
    const { lines } = traced(
      { rules: [principals("ALLOW", "me", "*"), tools("ALLOW", "say", "x"), deny] },
      result({}, 9),
    );
    expect(lines.map(({ parts }) => parts)).toEqual([
      { "from[0].source.principals": "no", to: "no" },
      { "to[0].operation.direction": "no" },
      {},
    ]);
  });

  test("but not at another level", () => {
    const plugin = startGuarded({ rules }, { more: { log: "debug" } });
    ask(plugin, toolCall("echo"));
    expect(traceOf(plugin)).toEqual([]);
  });

  test.runIf(has("principals"))("without more memory for each of many messages", () => {
    const from = [{ source: { trustDomains: ["a"], notIpBlocks: ["10.0.0.0/8"] } }];
    const many = Array.from({ length: 120 }, (_, i) => ({ ...tools("ALLOW", `r${i}`, "a"), from }));
    const plugin = startGuarded({ rules: many }, { more: { log: "trace" } });
    const body = batch(...Array.from({ length: 128 }, (_, i) => toolCall("x", i)));
    const run = () => {
      ask(plugin, body);
      expect(traceOf(plugin)).toHaveLength(120 * 128);
      plugin.vm.logs.length = 0;
    };
    run();
    const pages = plugin.vm.memoryPages();
    for (let i = 0; i < 3; i++) run();
    expect(plugin.vm.memoryPages()).toBe(pages);
  });
});
