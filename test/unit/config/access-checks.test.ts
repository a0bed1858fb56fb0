/** Rules that never match are errors, and what is likely a mistake is a warning: each with its path. */
import { describe, expect, it } from "vitest";

import { policy } from "./policies.ts";

const RULE = "access.rules[0]";
const OPERATION = `${RULE}.to[0].operation`;
const SOURCE = `${RULE}.from[0].source`;
const NEVER = "so this never matches";

/** The errors and warnings of a policy whose first rule has these fields; another one keeps it from denying everything. */
function check(fields: object, rest: object = {}) {
  const other = { name: "other", action: "ALLOW", from: [{ source: { anonymous: true } }] };
  const { errors, warnings } = policy({ rules: [{ name: "r", action: "ALLOW", ...fields }, other], ...rest });
  return { errors, warnings };
}

const operation = (fields: object, action = "ALLOW") => check({ action, to: [{ operation: fields }] });
const source = (fields: object, action = "ALLOW") => check({ action, from: [{ source: fields }] });
const when = (...conditions: object[]) => check({ when: conditions });
const error = (text: string) => ({ errors: [text], warnings: [] });
const warning = (text: string) => ({ errors: [], warnings: [text] });
const NOTHING = { errors: [], warnings: [] };

describe("methods", () => {
  it.each([
    ["tool/call", "tools/call"],
    ["Tools/Call", "tools/call"],
    ["tools.call", "tools/call"],
    ["tools/calls", "tools/call"],
    [" tools/call", "tools/call"],
    ["resource/read", "resources/read"],
    ["notification/initialized", "notifications/initialized"],
    ["initialise", "initialize"],
    ["tool/*", "tools/*"],
    ["Notifications/*", "notifications/*"],
  ])("%j is an error that names %j, wanted or not", (name, near) => {
    const text = `[0]: "${name}" is not an MCP method, so it never matches; did you mean "${near}"?`;
    expect(operation({ methods: [name] })).toEqual(error(`${OPERATION}.methods${text}`));
    expect(operation({ notMethods: [name, "ping"] })).toEqual(error(`${OPERATION}.notMethods${text}`));
  });

  it.each(["example/do", "tools", "tools/describe", "x/*", "tools/call/*"])("%j is a warning", (name) => {
    const text = `"${name}" is not an MCP method known to this version`;
    expect(operation({ methods: [name] })).toEqual(warning(`${OPERATION}.methods[0]: ${text}`));
  });

  it.each(["tools/*", "*/list", "tools/call", "@handshake", "notifications/tasks/status"])("%j is one", (name) => {
    expect(operation({ methods: [name] })).toEqual(NOTHING);
  });

  it.each<[object, string]>([
    [{ methods: ["tools/list"], tools: ["a"] }, "tools/list"],
    [{ methods: ["@handshake"], tools: ["a"] }, "@handshake"],
    [{ methods: ["prompts/*"], tools: ["a"] }, "prompts/*"],
    [{ methods: ["prompts/get"], notTools: ["a"] }, "prompts/get"],
    [{ methods: ["tools/call"], prompts: ["a"] }, "tools/call"],
    [{ methods: ["resources/list"], resources: ["a"] }, "resources/list"],
  ])("that do not go with the targets are errors: %j", (fields, name) => {
    const text = `"${name}" does not name a target of the operation's kind, so it never matches`;
    expect(operation(fields)).toEqual(error(`${OPERATION}.methods[0]: ${text}`));
  });

  it.each<object>([
    { methods: ["tools/call"], tools: ["a"] },
    { methods: ["tools/*"], tools: ["a"] },
    { methods: ["completion/complete", "prompts/get"], prompts: ["a"] },
    { methods: ["resources/*"], notMethods: ["resources/read"], resources: ["a"] },
  ])("that go with the targets are not: %j", (fields) => {
    expect(operation(fields)).toEqual(NOTHING);
  });

  it("that servers ask need their direction, and only these have it", () => {
    const asked = '"sampling/createMessage" is a request of servers: it needs "direction": "server_to_client"';
    expect(operation({ methods: ["sampling/createMessage"] })).toEqual(warning(`${OPERATION}.methods[0]: ${asked}`));
    const direction = "server_to_client";
    expect(operation({ methods: ["sampling/createMessage", "*", "ping"], direction })).toEqual(NOTHING);
    const nothing = '"tools/call" is not a request of servers to clients, so it never matches';
    expect(operation({ methods: ["tools/call"], direction })).toEqual(error(`${OPERATION}.methods[0]: ${nothing}`));
    const later = '"x/y" is not an MCP method known to this version';
    expect(operation({ methods: ["x/y"], direction })).toEqual(warning(`${OPERATION}.methods[0]: ${later}`));
    const target = `responses of clients name no tool, prompt or resource, ${NEVER}`;
    expect(operation({ tools: ["a"], direction })).toEqual(error(`${OPERATION}: ${target}`));
  });

  it("that are all excluded are an error", () => {
    const text = `notMethods excludes every method that names its targets, ${NEVER}`;
    expect(operation({ notMethods: ["tools/*", "tasks/*"], tools: ["a"] })).toEqual(error(`${OPERATION}: ${text}`));
  });
});

describe("lists that contradict each other", () => {
  const all = `all values are excluded by the corresponding not… list, ${NEVER}`;
  const everything = `"*" excludes everything, ${NEVER}`;

  it.each<[object, string]>([
    [{ tools: ["a"], notTools: ["a"] }, `tools: ${all}`],
    [{ tools: ["get_a", "get_b*"], notTools: ["get_*"] }, `tools: ${all}`],
    [{ tools: ["*"], notTools: ["*"] }, `tools: ${all}`],
    [{ methods: ["tools/list"], notMethods: ["tools/*"] }, `methods: ${all}`],
    [{ notTools: ["*"] }, `notTools: ${everything}`],
    [{ notServers: ["a", "**"] }, `notServers: ${everything}`],
  ])("are an error: %j", (fields, text) => {
    expect(operation(fields)).toEqual(error(`${OPERATION}.${text}`));
  });

  it("in part are a warning", () => {
    const text = '"b" is excluded by the corresponding not… list';
    expect(operation({ tools: ["a*", "b"], notTools: ["b", "ab"] })).toEqual(warning(`${OPERATION}.tools[1]: ${text}`));
  });

  it("about callers are an error where they allow: a DENY applies to callers without a principal", () => {
    expect(source({ notPrincipals: ["*"] })).toEqual(error(`${SOURCE}.notPrincipals: ${everything}`));
    expect(source({ notPrincipals: ["*"] }, "DENY")).toEqual(NOTHING);
    const blocks = `all blocks are excluded by notIpBlocks, ${NEVER}`;
    const fields = { ipBlocks: ["10.1.0.0/16", "10.2.0.1"], notIpBlocks: ["10.0.0.0/8"] };
    expect(source(fields)).toEqual(error(`${SOURCE}.ipBlocks: ${blocks}`));
    expect(source({ ...fields, ipBlocks: ["10.1.0.0/16", "11.0.0.0/8"] })).toEqual(NOTHING);
  });
});

describe("sources that no caller is", () => {
  it.each(["spiffe://cluster.local", "cluster.local/ns/a"])("a trust domain %j", (domain) => {
    const text = `expected a trust domain like "cluster.local", got "${domain}", which never matches`;
    expect(source({ trustDomains: [domain] })).toEqual(error(`${SOURCE}.trustDomains[0]: ${text}`));
  });

  it("principals where nothing tells them", () => {
    const { errors } = check({ from: [{ source: { principals: ["*"] } }] }, { principalSources: [] });
    expect(errors).toEqual([`${SOURCE}: without principalSources no caller has a principal, ${NEVER}`]);
  });
});

describe("conditions", () => {
  const key = "mcp.arguments[a]";

  it("that cannot hold together are an error", () => {
    const text = `${RULE}.when[1]: no value in common with when[0], and all conditions must hold, ${NEVER}`;
    expect(when({ key, values: ["x"] }, { key, values: ["y", "z*"] })).toEqual(error(text));
    expect(when({ key, values: ["x"] }, { key, values: [5] })).toEqual(error(text));
    expect(when({ key, values: ["x*"] }, { key, values: ["xy"] })).toEqual(NOTHING);
    expect(when({ key, values: ["x*"] }, { key, values: ["*y"] })).toEqual(NOTHING);
    expect(when({ key, values: ["x"] }, { key, notValues: ["y"] })).toEqual(NOTHING);
    expect(when({ key, values: ["x"] }, { key: "mcp.arguments[b]", values: ["y"] })).toEqual(NOTHING);
  });

  it("on arguments of what has none are an error", () => {
    const text = `only tools/call or prompts/get have arguments, and no operation of the rule covers them, ${NEVER}`;
    const conditions = { when: [{ key, values: ["x"] }] };
    for (const fields of [
      { methods: ["tools/list"] },
      { resources: ["*"] },
      { notMethods: ["tools/*", "prompts/*"] },
    ]) {
      expect(check({ to: [{ operation: fields }], ...conditions })).toEqual(error(`${RULE}.when[0].key: ${text}`));
    }
    for (const fields of [{ methods: ["tools/*"] }, { prompts: ["*"] }, { servers: ["a"] }]) {
      expect(check({ to: [{ operation: fields }], ...conditions })).toEqual(NOTHING);
    }
    // Messages of a method that MCP does not define may have arguments.
    expect(check({ to: [{ operation: { methods: ["acme/run"] } }], ...conditions }).errors).toEqual([]);
  });

  it("on two arguments that differ in case only are an error, in different rules too", () => {
    const text = (one: string, other: string) => `${one} differs from ${other} only in case: use one of them`;
    expect(when({ key, values: ["x"] }, { key: "mcp.arguments[A]", values: ["x"] })).toEqual(
      error(`${RULE}.when[1].key: ${text("[A]", "[a]")}`),
    );
    const rules = ["mcp.arguments[path][to]", "mcp.arguments[path][To]"].map((key, i) => ({
      ...{ name: `r${i}`, action: "ALLOW", when: [{ key, values: ["x"] }] },
    }));
    expect(policy({ rules }).errors).toEqual([`access.rules[1].when[0].key: ${text("[path][To]", "[path][to]")}`]);
    expect(when({ key: "mcp.arguments[a][x]", values: ["x"] }, { key: "mcp.arguments[b][X]", values: ["x"] })).toEqual(
      NOTHING,
    );
  });

  it("on a revision that is none are a warning", () => {
    const known = "2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28";
    expect(when({ key: "mcp.protocolVersion", values: ["2025-*", "2025-6-18"] })).toEqual(
      warning(`${RULE}.when[0].values[1]: "2025-6-18" is not an MCP revision known to this version: ${known}`),
    );
  });
});

describe("texts that look like a misunderstanding are a warning", () => {
  it.each(["get_.*|list_.*", "^get$", "get_.*", ".*", "get_[ab]", "(a)", "a\\.b", "a.*b", "{name}"])("%j", (text) => {
    const shown = JSON.stringify(text);
    const warning = `${shown} looks like a regular expression: only * is special here, and matches any characters`;
    expect(operation({ tools: [text] }).warnings).toEqual([`${OPERATION}.tools[0]: ${warning}`]);
  });

  it.each(["*", "get_*", "files.*", "a.b", "a-b"])("%j is none", (tool) =>
    expect(operation({ tools: [tool] })).toEqual(NOTHING),
  );

  it("of other kinds may have most characters", () => {
    expect(operation({ servers: ["outbound|80||a.b"] })).toEqual(NOTHING);
    expect(operation({ resources: ["file:///a?b=(c)|$"] })).toEqual(NOTHING);
  });

  it("with a space at an end, or empty", () => {
    const space = '"a " begins or ends with a space, which must be in the message too';
    expect(operation({ tools: ["a "] })).toEqual(warning(`${OPERATION}.tools[0]: ${space}`));
    expect(operation({ notTools: [""] })).toEqual(
      warning(`${OPERATION}.notTools[0]: an empty string matches only an empty string`),
    );
  });
});

describe("rules that have no effect are a warning", () => {
  const all = { name: "all", action: "ALLOW" };
  const tools = (name: string, action: string, ...tools: string[]) => ({
    ...{ name, action, to: [{ operation: { tools } }] },
  });
  const deny = tools("rm", "DENY", "rm");
  const text = (first: string) =>
    `access.rules[1]: has no effect: rules[0] "${first}" already decides everything that this rule covers`;
  const from = (source: object) => ({ from: [{ source }] });

  it.each<[string, object, object]>([
    ["an ALLOW of everything before a DENY", all, deny],
    ["two of everything", all, { name: "none", action: "DENY" }],
    ["all methods before a tool", { ...all, to: [{ operation: { methods: ["*"] } }] }, deny],
    ["calls and tasks before a tool", { ...all, to: [{ operation: { methods: ["tools/*", "tasks/*"] } }] }, deny],
    ["all tools before one", tools("all", "ALLOW", "*"), deny],
    ["a pattern before what it matches", tools("all", "ALLOW", "a", "r*"), tools("rm", "DENY", "rm*", "r_*_x")],
    ["the same twice", tools("all", "DENY", "rm"), deny],
    [
      "a domain before its part",
      { ...all, ...from({ principals: ["spiffe://a/*"] }) },
      { ...deny, ...from({ principals: ["spiffe://a/b"] }) },
    ],
    [
      "a block before its part",
      { ...all, ...from({ ipBlocks: ["10.0.0.0/8"] }) },
      { ...deny, ...from({ ipBlocks: ["10.1.0.0/16"] }) },
    ],
  ])("%s", (_, first, second) => {
    const third = {
      name: "other",
      action: "ALLOW",
      from: [{ source: { ipBlocks: ["::1"] } }],
      to: [{ operation: { methods: ["ping"] } }],
    };
    const warnings = policy({ rules: [first, second, third] }).warnings.filter((text) =>
      text.startsWith("access.rules[1]"),
    );
    expect(warnings).toEqual([text("all")]);
  });

  it.each<[string, object, object]>([
    ["in other order", deny, all],
    ["a caller's before everybody's", { ...all, ...from({ principals: ["*"] }) }, deny],
    ["with a condition", { ...all, when: [{ key: "mcp.clientName", values: ["x"] }] }, deny],
    ["only tried", { ...all, mode: "shadow" }, deny],
    ["tried behind one", all, { ...deny, mode: "shadow" }],
    ["with an exception", { ...all, to: [{ operation: { notTools: ["rm"] } }] }, deny],
    ["another tool", tools("all", "ALLOW", "a*"), tools("rm", "DENY", "ab", "b")],
    ["a narrower pattern", tools("all", "ALLOW", "a*b"), tools("rm", "DENY", "a*")],
    [
      "about what servers ask",
      all,
      {
        name: "roots",
        action: "DENY",
        to: [{ operation: { methods: ["roots/list"], direction: "server_to_client" } }],
      },
    ],
    [
      "an address before its block",
      { ...all, ...from({ ipBlocks: ["10.1.0.0/16"] }) },
      { ...deny, ...from({ ipBlocks: ["10.0.0.0/8"] }) },
    ],
  ])("but not %s", (_, first, second) => {
    expect(policy({ rules: [first, second] }).warnings.filter((text) => text.includes("no effect"))).toEqual([]);
  });

  it("as is a policy that decides everything alike, unless it is only tried", () => {
    const denied = ["access: no rule allows any message: all are denied"];
    const passed = ["access: no rule denies any message: all pass"];
    expect(policy({}).warnings).toEqual(denied);
    expect(policy({ rules: [deny] }).warnings).toEqual(denied);
    expect(policy({ rules: [{ ...all, mode: "shadow" }] }).warnings).toEqual(denied);
    expect(policy({ defaultAction: "ALLOW", rules: [all] }).warnings).toEqual(passed);
    expect(policy({ mode: "shadow" }).warnings).toEqual([]);
    expect(policy({ rules: [all] }).warnings).toEqual([]);
  });
});
