/** What is wrong with the rules of `access`. */
import { describe, expect, it } from "vitest";

import { policy, rule } from "./policies.ts";
import { read } from "./reader.ts";
import { shown } from "./shown.ts";

const source = (fields: unknown) => rule({ from: [{ source: fields }] });
const operation = (fields: unknown) => rule({ to: [{ operation: fields }] });
const condition = (fields: unknown) => rule({ when: [fields] });

describe("what is wrong with a rule is an error with its path and the value", () => {
  const text = "a string of at most 256 bytes";
  const name = "access.rules[0].name: expected 1 to 63 letters, digits, -, _ and ., beginning with a letter or digit";
  const from = "access.rules[0].from";
  const to = "access.rules[0].to";
  const when = "access.rules[0].when";
  const key = `${when}[0].key: expected mcp.protocolVersion, mcp.clientName or mcp.arguments[name], with at most 4 names of visible ASCII without *`;
  const uri = 'expected a principal like "spiffe://cluster.local/ns/*"';
  const scalar = "a string of at most 256 bytes, an integer from 0 to 2147483647, true or false";

  it.each<[object, ...string[]]>([
    ...["", "-a", "_default", ".x", "a b", "é", "a/b", 'a"', "a".repeat(64)].map((wrong): [object, string] => [
      { name: wrong },
      `${name}, got ${shown(wrong)}`,
    ]),
    [{ name: 5 }, `${name}, got 5`],
    [{ action: "deny" }, 'access.rules[0].action: expected ALLOW or DENY, got "deny"; did you mean "DENY"?'],
    [{ action: "PERMIT" }, 'access.rules[0].action: expected ALLOW or DENY, got "PERMIT"'],
    [{ mode: "off" }, 'access.rules[0].mode: expected enforce or shadow, got "off"'],
    [{ From: [] }, 'access.rules[0].From: unknown field; did you mean "from"?'],
    [{ source: [] }, "access.rules[0].source: unknown field, expected name, action, mode, hint, from, to or when"],
    [{ from: {} }, `${from}: expected an array of sources, got an object`],
    [{ from: [] }, `${from}: expected at least one source`],
    [{ from: [null] }, `${from}[0]: expected an object, got null`],
    [{ from: [{}] }, `${from}[0]: expected an object with only the field "source", got none`],
    [{ from: [{ sources: {} }] }, `${from}[0]: expected an object with only the field "source", got "sources"`],
    [
      { from: [{ source: {}, x: 1 }] },
      `${from}[0]: expected an object with only the field "source", got "source", "x"`,
    ],
    [{ from: [{ source: [] }] }, `${from}[0].source: expected an object, got an array`],
    [{ from: [{ source: {} }] }, `${from}[0].source: expected at least one field`],
    [{ to: "x" }, `${to}: expected an array of operations, got "x"`],
    [{ to: [] }, `${to}: expected at least one operation`],
    [{ to: [{ operations: {} }] }, `${to}[0]: expected an object with only the field "operation", got "operations"`],
    [{ to: [{ operation: {} }] }, `${to}[0].operation: expected at least one field`],
    [{ when: {} }, `${when}: expected an array of conditions, got an object`],
    [{ when: [] }, `${when}: expected at least one condition`],
    [{ when: ["x"] }, `${when}[0]: expected an object, got "x"`],
    [
      { when: Array(17).fill({ key: "mcp.clientName", values: ["a"] }) },
      `${when}: expected at most 16 conditions, got 17`,
    ],
  ])("a rule with %j", (fields, ...errors) => {
    expect(rule(fields)).toEqual(errors);
  });

  it("a rule without a name or an action", () => {
    expect(policy({ rules: [{}] }).errors).toEqual([name, "access.rules[0].action: expected ALLOW or DENY"]);
  });

  it.each<[object, ...string[]]>([
    [{ principal: ["a"] }, `${from}[0].source.principal: unknown field; did you mean "principals"?`],
    [{ principals: [] }, `${from}[0].source.principals: expected at least one string`],
    [{ principals: "a" }, `${from}[0].source.principals: expected an array of strings, got "a"`],
    [{ notTrustDomains: [1] }, `${from}[0].source.notTrustDomains[0]: expected ${text}, got 1`],
    [
      { principals: ["spiffe://a/*", "cluster.local/ns/a"], notPrincipals: ["b"] },
      `${from}[0].source.principals[1]: ${uri}, got "cluster.local/ns/a", which never matches`,
      `${from}[0].source.notPrincipals[0]: ${uri}, got "b", which never matches`,
    ],
    [
      { trustDomains: ["a".repeat(257)] },
      `${from}[0].source.trustDomains[0]: expected ${text}, got ${shown("a".repeat(257))}`,
    ],
    ...["10.0.0.0/33", "10.0.0", "::/129", "x", "", "10.0.0.0/", "10.0.0.0/08x", "1.2.3.4/-1"].map(
      (block): [object, string] => [
        { ipBlocks: ["::1", block] },
        `${from}[0].source.ipBlocks[1]: expected an IP address or block like "10.0.0.0/8", got ${shown(block)}`,
      ],
    ),
    [{ anonymous: "yes" }, `${from}[0].source.anonymous: expected true, got "yes"`],
    [{ anonymous: false }, `${from}[0].source.anonymous: expected true, got false`],
    [
      { anonymous: true, principals: ["*"] },
      `${from}[0].source: anonymous callers have no principals: use two sources`,
    ],
    [
      { anonymous: true, notTrustDomains: ["a"] },
      `${from}[0].source: anonymous callers have no principals: use two sources`,
    ],
    [{ claims: {} }, `${from}[0].source.claims: expected an array of claims, got an object`],
    [{ claims: [] }, `${from}[0].source.claims: expected at least one claim`],
    [{ claims: [1] }, `${from}[0].source.claims[0]: expected an object, got 1`],
    [
      { claims: [{ values: ["a"] }] },
      `${from}[0].source.claims[0].path: expected 1 to 4 names of visible ASCII without *, the path to the claim`,
    ],
    [{ claims: [{ path: ["a"] }] }, `${from}[0].source.claims[0]: expected values or notValues`],
    [
      { claims: [{ path: "a", values: ["x"] }] },
      `${from}[0].source.claims[0].path: expected an array of strings, got "a"`,
      `${from}[0].source.claims[0].path: expected 1 to 4 names of visible ASCII without *, the path to the claim`,
    ],
    [
      { claims: [{ path: ["a"], values: ["x"], name: "a" }] },
      `${from}[0].source.claims[0].name: unknown field, expected path, values or notValues`,
    ],
  ])("a source with %j", (fields, ...errors) => {
    expect(source(fields)).toEqual(errors);
  });

  const kinds = `${to}[0].operation: a message names either a tool, a prompt or a resource: use a separate operation for each`;
  it.each<[object, ...string[]]>([
    [{ tool: ["a"] }, `${to}[0].operation.tool: unknown field; did you mean "tools"?`],
    [{ tools: [] }, `${to}[0].operation.tools: expected at least one string`],
    [{ methods: ["@all"] }, `${to}[0].operation.methods[0]: expected a method or @handshake, got "@all"`],
    [{ notMethods: ["a", "@"] }, `${to}[0].operation.notMethods[1]: expected a method or @handshake, got "@"`],
    [{ tools: ["a"], prompts: ["b"] }, kinds],
    [{ notTools: ["a"], resources: ["b"] }, kinds],
    [{ tools: ["a"], notPrompts: ["b"], notResources: ["c"] }, kinds],
    [{ direction: "both" }, `${to}[0].operation.direction: expected client_to_server or server_to_client, got "both"`],
  ])("an operation with %j", (fields, ...errors) => {
    expect(operation(fields)).toEqual(errors);
  });

  it.each([
    ...["", "mcp", "mcp.arguments", "mcp.arguments[]", "mcp.arguments[a", "mcp.arguments[a][]", "mcp.arguments[a]x"],
    ...["mcp.arguments[a][b][c][d][e]", "mcp.arguments[é]", "mcp.arguments[a b]", `mcp.arguments[${"a".repeat(65)}]`],
    ...["mcp.ClientName", "request.headers[x]", "mcp.arguments[a\u0000]", "mcp.arguments[a]]"],
    ...["mcp.arguments[[a]"],
  ])("a condition on %j", (wrong) => {
    expect(condition({ key: wrong, values: ["x"] })).toEqual([`${key}, got ${shown(wrong)}`]);
  });

  it.each<[object, ...string[]]>([
    [{ values: ["x"] }, key],
    [{ key: "mcp.clientName" }, `${when}[0]: expected values or notValues`],
    [{ key: "mcp.clientName", values: ["x", 5] }, `${when}[0].values[1]: expected a string, got 5`],
    [
      { key: "mcp.protocolVersion", values: ["2025-*"], notValues: [true] },
      `${when}[0].notValues[0]: expected a string, got true`,
    ],
    [
      { key: "mcp.clientName", value: "x" },
      `${when}[0].value: unknown field; did you mean "values"?`,
      `${when}[0]: expected values or notValues`,
    ],
    [
      { key: "mcp.clientName", values: "x" },
      `${when}[0].values: expected an array of strings, integers and booleans, got "x"`,
      `${when}[0]: expected values or notValues`,
    ],
    ...[1.5, -1, 2147483648].map((number): [object, string] => [
      { key: "mcp.arguments[a]", values: ["x", number] },
      `${when}[0].values[1]: expected ${scalar}, got ${number}`,
    ]),
    [{ key: "mcp.arguments[a]", values: [null] }, `${when}[0].values[0]: expected ${scalar}, got null`],
    [{ key: "mcp.arguments[a]", values: [], notValues: ["x"] }, `${when}[0].values: expected at least one value`],
    [{ key: "mcp.arguments[a]", notValues: [["x"]] }, `${when}[0].notValues[0]: expected ${scalar}, got an array`],
  ])("a condition %j", (fields, ...errors) => {
    expect(condition(fields)).toEqual(errors);
  });

  it.each([
    ['"mode":"enforce","mode":"shadow"', "access.mode: duplicate field"],
    ['"rules":[{"name":"a","action":"DENY","action":"ALLOW"}]', "access.rules[0].action: duplicate field"],
    ['"mode":"shadow"},"access":{"mode":"shadow"', "access: duplicate field"],
    ['"rules":[],"rules":[]', "access.rules: duplicate field"],
    ['"audit":{"perSecond":1,"perSecond":1}', "access.audit.perSecond: duplicate field"],
  ])("a duplicate field: %s", (fields, error) => {
    expect(read(`{"match":{"paths":["/mcp"]},"access":{${fields}}}`).errors).toEqual([error]);
  });

  it("too many arguments, or conditions on names, in all rules together", () => {
    const rules = (count: number, keyOf: (i: number) => string) => ({
      rules: Array.from({ length: count }, (_, i) => ({
        name: `r${i}`,
        action: "DENY",
        when: [{ key: keyOf(i), values: ["x"] }],
      })),
    });
    expect(policy(rules(40, (i) => `mcp.arguments[a${i}]`)).errors).toEqual([]);
    expect(policy(rules(120, (i) => `mcp.arguments[a${i % 40}]`)).errors).toEqual([]);
    const tooMany = ["access.rules: expected at most 40 different arguments, got 41"];
    expect(policy(rules(41, (i) => `mcp.arguments[a${i}]`)).errors).toEqual(tooMany);
    // The object that contains an argument is an argument too.
    expect(policy(rules(39, (i) => `mcp.arguments[a][a${i}]`)).errors).toEqual([]);
    expect(policy(rules(40, (i) => `mcp.arguments[a][a${i}]`)).errors).toEqual(tooMany);
    expect(policy(rules(31, () => "mcp.clientName")).errors).toEqual([]);
    expect(policy(rules(32, () => "mcp.clientName")).errors).toEqual([
      "access.rules: expected at most 31 conditions on mcp.clientName, got 32",
    ]);
  });
});
