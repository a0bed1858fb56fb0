/** What of `limits` is read, and what is refused. */
import { describe, expect, it } from "vitest";

import { limits } from "./policies.ts";
import { DEFAULTS, read } from "./reader.ts";
import { shown } from "./shown.ts";

const RULE = { name: "r", key: ["principal"], requests: { amount: 60, per: "1m" } };

describe("limits", () => {
  it("have defaults", () => {
    expect(limits({ rules: [RULE] })).toEqual({
      limits: [
        "mode enforce, adaptive shadow, 65536 keys",
        "rule r enforce denies by error",
        "key principal",
        "requests 60 per 60000 ms, at most 60",
      ],
      errors: [],
      warnings: [],
    });
    expect(DEFAULTS.limits).toEqual([]);
  });

  it("are read whole", () => {
    const whole = {
      mode: "shadow",
      adaptive: { mode: "enforce" },
      maxKeys: 1_048_576,
      rules: [
        {
          name: "First.rule_1-a",
          mode: "shadow",
          from: [{ source: { principals: ["spiffe://a/*"], claims: [{ path: ["a", "b"], values: ["x"] }] } }],
          to: [
            { operation: { tools: ["search_*"], notTools: ["search_a"], servers: ["s"] } },
            { operation: { methods: ["tools/call"], direction: "client_to_server" } },
          ],
          key: ["principal", "client", "address", "tool", "server", "method", { claim: ["a", "b"] }],
          requests: { amount: 1, per: "1s", burst: 1_000_000_000 },
          tokens: { amount: 1_000_000_000, per: "720h", burst: 5, kinds: ["arguments", "sampling_result"] },
          concurrency: 100_000,
          repeats: { amount: 5, per: "1.5m" },
          queue: { maxWait: "30s", maxLength: 250 },
          denial: { form: "result" },
        },
        { name: "streams", to: [{ operation: { methods: ["GET", "subscriptions/listen"] } }], key: [], concurrency: 1 },
        { name: "tokens", key: [], tokens: { amount: 7, per: "1h" }, queue: {} },
      ],
    };
    expect(limits(whole)).toEqual({
      limits: [
        "mode shadow, adaptive enforce, 1048576 keys",
        "rule First.rule_1-a shadow denies by result",
        "from principals spiffe://a/* a/b x",
        "to client_to_server tools search_* not search_a servers s",
        "to client_to_server methods tools/call",
        "key principal client address tool server method a/b",
        "requests 1 per 1000 ms, at most 1000000000",
        "tokens 1000000000 per 2592000000 ms, at most 5",
        "kinds 129",
        "concurrency 100000",
        "repeats 5 per 90000 ms, at most 5",
        "queue 30000 ms, 250 requests",
        "rule streams enforce denies by error",
        "to client_to_server methods GET,subscriptions/listen",
        "key ",
        "concurrency 1",
        "rule tokens enforce denies by error",
        "key ",
        "tokens 7 per 3600000 ms, at most 7",
        "kinds 58",
        "queue 2000 ms, 100 requests",
      ],
      errors: [],
      warnings: [
        "limits.rules[0].key[1]: clients choose their names, and each name has its own allowance: no rule without it limits the " +
          "same callers and operations",
      ],
    });
  });

  it("require paths: without them, a client could bypass them by changing headers", () => {
    const error = "limits: match.paths is required: without it, a client could bypass the limits by changing headers";
    for (const rest of [{}, { match: {} }, { match: { paths: [] } }]) {
      expect(read(JSON.stringify({ limits: { rules: [RULE] }, ...rest })).errors).toEqual([error]);
    }
  });
});

/** What is wrong with limits whose one rule is good but for these fields. */
function rule(fields: object): string[] {
  return limits({ rules: [{ ...RULE, ...fields }] }).errors;
}

describe("what is wrong with limits is an error with its path and the value", () => {
  const at = "limits.rules[0]";
  const name = `${at}.name: expected 1 to 63 letters, digits, -, _ and ., beginning with a letter or digit`;
  const rules = (count: number, fields: object) =>
    Array.from({ length: count }, (_, i) => ({ ...RULE, name: `r${i}`, ...fields }));
  const tokens = { amount: 1, per: "1m" };

  it.each<[unknown, ...string[]]>([
    [null, "limits: expected an object, got null"],
    [[], "limits: expected an object, got an array"],
    [{ mode: "Enforce" }, 'limits.mode: expected enforce or shadow, got "Enforce"; did you mean "enforce"?'],
    [{ maxKeys: 63 }, "limits.maxKeys: expected an integer from 64 to 1048576, got 63"],
    [{ maxKeys: 1_048_577 }, "limits.maxKeys: expected an integer from 64 to 1048576, got 1048577"],
    [{ maxKeys: "64" }, 'limits.maxKeys: expected an integer from 64 to 1048576, got "64"'],
    [{ maxkeys: 64 }, 'limits.maxkeys: unknown field; did you mean "maxKeys"?'],
    [{ adaptive: "enforce" }, 'limits.adaptive: expected an object, got "enforce"'],
    [{ adaptive: { mode: "on" } }, 'limits.adaptive.mode: expected enforce or shadow, got "on"'],
    [{ adaptive: { limit: 5 } }, "limits.adaptive.limit: unknown field, expected mode"],
    [{ adaptive: { modes: "shadow" } }, 'limits.adaptive.modes: unknown field; did you mean "mode"?'],
    [{ adaptiv: {} }, 'limits.adaptiv: unknown field; did you mean "adaptive"?'],
    [{ defaultAction: "DENY" }, "limits.defaultAction: unknown field, expected mode, rules, adaptive or maxKeys"],
    [{ rules: {} }, "limits.rules: expected an array of rules, got an object"],
    [{ rules: ["x"] }, `${at}: expected an object, got "x"`],
    [{ rules: [RULE, RULE] }, 'limits.rules[1].name: "r" is used by rules[0] too'],
    [{ rules: rules(65, {}) }, "limits.rules: expected at most 64 rules, got 65"],
    [{ rules: rules(17, { tokens }) }, "limits.rules: expected at most 16 limits on tokens and concurrency, got 17"],
    [
      { rules: rules(9, { tokens, concurrency: 1 }) },
      "limits.rules: expected at most 16 limits on tokens and concurrency, got 18",
    ],
    [{ rules: rules(17, { key: [{ claim: ["sub"] }] }) }, "limits.rules: expected at most 16 claims in keys, got 17"],
  ])("%j", (fields, ...errors) => {
    expect(limits(fields)).toMatchObject({ errors, warnings: [] });
  });

  it("but not of as many as there may be", () => {
    expect(limits({ rules: rules(64, {}) }).errors).toEqual([]);
    expect(limits({ rules: rules(8, { tokens, concurrency: 1 }) }).errors).toEqual([]);
    expect(limits({ maxKeys: 64, rules: [RULE] }).errors).toEqual([]);
  });

  const fields = "name, mode, from, to, key, requests, tokens, concurrency, repeats, queue or denial";
  it.each<[object, ...string[]]>([
    ...["", "_a", "a b", "a".repeat(64)].map((wrong): [object, string] => [
      { name: wrong },
      `${name}, got ${shown(wrong)}`,
    ]),
    [{ mode: "off" }, `${at}.mode: expected enforce or shadow, got "off"`],
    [{ from: [] }, `${at}.from: expected at least one source`],
    [{ from: [{ source: {} }] }, `${at}.from[0].source: expected at least one field`],
    [{ to: [] }, `${at}.to: expected at least one operation`],
    [{ denial: "error" }, `${at}.denial: expected an object, got "error"`],
    [
      { denial: { form: "results" } },
      `${at}.denial.form: expected error, result or status, got "results"; did you mean "result"?`,
    ],
    [{ denial: { status: 429 } }, `${at}.denial.status: unknown field, expected form`],
    [{ queu: {} }, `${at}.queu: unknown field; did you mean "queue"?`],
    [{ action: "DENY" }, `${at}.action: unknown field, expected ${fields}`],
    [{ request: {} }, `${at}.request: unknown field; did you mean "requests"?`],
    ...[0, 100_001, 1.5, "8", null].map((concurrency): [object, string] => [
      { concurrency },
      `${at}.concurrency: expected an integer from 1 to 100000, got ${JSON.stringify(concurrency)}`,
    ]),
  ])("a rule with %j", (wrong, ...errors) => {
    expect(rule(wrong)).toEqual(errors);
  });

  it("a rule without a name, a key or a limit", () => {
    expect(limits({ rules: [{}] }).errors).toEqual([
      name,
      `${at}.key: expected an array of parts, [] for one allowance that all share`,
      `${at}: expected requests, tokens, concurrency or repeats`,
    ]);
  });

  const amount = "expected an integer from 1 to 1000000000";
  const per = 'expected a duration from 1s to 720h, like "1m"';
  it.each<[unknown, ...string[]]>([
    [5, ": expected an object, got 5"],
    [{}, `.amount: ${amount}`, `.per: ${per}`],
    [{ amount: 1 }, `.per: ${per}`],
    [{ per: "1m" }, `.amount: ${amount}`],
    ...[0, -1, 1_000_000_001, 1.5, "60", null].map((wrong): [unknown, string] => [
      { amount: wrong, per: "1m" },
      `.amount: ${amount}, got ${JSON.stringify(wrong)}`,
    ]),
    ...["", "1", "1d", "999ms", "720.01h", "721h", 60, null].map((wrong): [unknown, string] => [
      { amount: 1, per: wrong },
      `.per: ${per}, got ${JSON.stringify(wrong)}`,
    ]),
    [{ amount: 1, per: "1m", perr: "1m" }, '.perr: unknown field; did you mean "per"?'],
  ])("a rate of %j", (rate, ...errors) => {
    for (const kind of ["requests", "tokens", "repeats"]) {
      expect(rule({ [kind]: rate })).toEqual(errors.map((error) => `${at}.${kind}${error}`));
    }
  });

  it("a burst of nothing or of repeats", () => {
    for (const burst of [0, 1_000_000_001, "1"]) {
      for (const kind of ["requests", "tokens"]) {
        const error = `${at}.${kind}.burst: ${amount}, got ${JSON.stringify(burst)}`;
        expect(rule({ [kind]: { amount: 1, per: "1m", burst } })).toEqual([error]);
      }
    }
    const unknown = `${at}.repeats.burst: unknown field, expected amount or per`;
    expect(rule({ repeats: { amount: 1, per: "1m", burst: 1 } })).toEqual([unknown]);
    const kinds = `${at}.requests.kinds: unknown field, expected amount, per or burst`;
    expect(rule({ requests: { amount: 1, per: "1m", kinds: ["result"] } })).toEqual([kinds]);
  });

  const wait = 'expected a duration from 10ms to 30s, like "2s"';
  it.each<[unknown, string]>([
    [5, ": expected an object, got 5"],
    [null, ": expected an object, got null"],
    ...["", "2", "9ms", "9.99ms", "30.01s", "31s", "0.51m", "1m", "1h", 2, null].map((wrong): [unknown, string] => [
      { maxWait: wrong },
      `.maxWait: ${wait}, got ${JSON.stringify(wrong)}`,
    ]),
    ...[0, -1, 10_001, 1.5, "100", null].map((wrong): [unknown, string] => [
      { maxLength: wrong },
      `.maxLength: expected an integer from 1 to 10000, got ${JSON.stringify(wrong)}`,
    ]),
    [{ maxWaits: "2s" }, '.maxWaits: unknown field; did you mean "maxWait"?'],
    [{ order: "fifo" }, ".order: unknown field, expected maxWait or maxLength"],
  ])("a queue of %j", (queue, error) => {
    expect(rule({ queue })).toEqual([`${at}.queue${error}`]);
  });

  it.each(["10ms", "0.01s", "0.5m", "30s", "30000.99ms"])("but not a queue of %s", (maxWait) => {
    expect(rule({ queue: { maxWait, maxLength: 1 } })).toEqual([]);
  });

  const kinds =
    "expected arguments, result, structured, definitions, prompt, resource, sampling_request or sampling_result";
  it.each<[unknown, string]>([
    ["result", ': expected an array of kinds, got "result"'],
    [[], ": expected at least one kind"],
    [["result", "results"], `[1]: ${kinds}, got "results"; did you mean "result"?`],
    [[1], `[0]: ${kinds}, got 1`],
  ])("tokens of the kinds %j", (wrong, error) => {
    expect(rule({ tokens: { amount: 1, per: "1m", kinds: wrong } })).toEqual([`${at}.tokens.kinds${error}`]);
  });

  const part = 'expected principal, client, session, address, tool, server, method or {"claim": […]}';
  const path = "expected 1 to 4 names of visible ASCII without *, the path to the claim";
  it.each<[unknown, ...string[]]>([
    ["principal", ': expected an array of parts, got "principal"'],
    [null, ": expected an array of parts, got null"],
    [["principals"], `[0]: ${part}, got "principals"; did you mean "principal"?`],
    [["principal", "user"], `[1]: ${part}, got "user"`],
    [[1], `[0]: ${part}, got 1`],
    [["tool", "principal", "tool"], "[2]: duplicate of key[0]"],
    [[{ claim: ["a", "b"] }, { claim: ["a"] }, { claim: ["a", "b"] }], "[2]: duplicate of key[0]"],
    [[{}], `[0].claim: ${path}`],
    [[{ claim: [] }], "[0].claim: expected at least one string", `[0].claim: ${path}`],
    [[{ claim: "a" }], '[0].claim: expected an array of strings, got "a"', `[0].claim: ${path}`],
    [[{ claim: ["a*"] }], `[0].claim: ${path}, got "a*"`],
    [[{ claim: ["a", "b", "c", "d", "e"] }], `[0].claim: ${path}, got "a", "b", "c", "d", "e"`],
    [[{ claims: ["a"] }], '[0].claims: unknown field; did you mean "claim"?', `[0].claim: ${path}`],
    [
      ["principal", "address", "tool", "server", "method", ...["a", "b", "c", "d"].map((name) => ({ claim: [name] }))],
      ": expected at most 8 parts, got 9",
    ],
  ])("a key of %j", (key, ...errors) => {
    expect(rule({ key })).toEqual(errors.map((error) => `${at}.key${error}`));
  });

  it("a duplicate field", () => {
    const json = '{"match":{"paths":["/mcp"]},"limits":{"mode":"shadow","mode":"shadow"}}';
    expect(read(json).errors).toEqual(["limits.mode: duplicate field"]);
  });
});
