/** Limits that never apply or that limit nobody are errors, and what is likely a mistake is a warning: each with its path. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { limits } from "./policies.ts";
import { read } from "./reader.ts";

const RULE = "limits.rules[0]";
const OPERATION = `${RULE}.to[0].operation`;
const RATE = { amount: 60, per: "1m" };
const NOTHING = { errors: [], warnings: [] };
const error = (text: string) => ({ errors: [text], warnings: [] });
const warning = (text: string) => ({ errors: [], warnings: [text] });

/** The errors and warnings of limits whose first rule has these fields. */
function check(fields: object, ...others: object[]) {
  const rules = [{ name: "r", key: ["principal"], requests: RATE, ...fields }, ...others];
  const { errors, warnings } = limits({ rules });
  return { errors, warnings };
}

const operation = (fields: object) => check({ to: [{ operation: fields }] });

describe("operations", () => {
  it.each(["notifications/initialized", "notifications/*", "notifications/tasks/status"])(
    "%j, which are never limited, are an error",
    (name) => {
      const text = `"${name}" is a notification, which limits never cover, so it never matches`;
      expect(operation({ methods: ["tools/call", name] })).toEqual(error(`${OPERATION}.methods[1]: ${text}`));
    },
  );

  it.each(["sampling/createMessage", "elicitation/create", "roots/list"])(
    "%j, which servers ask, are an error",
    (name) => {
      const text = `"${name}" is a request of servers, and limits cover only requests of clients, so it never matches`;
      expect(operation({ methods: [name] })).toEqual(error(`${OPERATION}.methods[0]: ${text}`));
    },
  );

  it("from servers to clients are an error: answers are never limited", () => {
    const text = `${OPERATION}.direction: limits cover only requests of clients: responses are never limited`;
    expect(operation({ direction: "server_to_client" })).toEqual(error(text));
    expect(operation({ methods: ["ping"], direction: "server_to_client" })).toEqual(error(text));
    expect(operation({ methods: ["ping"], direction: "client_to_server" })).toEqual(NOTHING);
  });

  it.each(["@handshake", "GET", "subscriptions/listen", "ping", "initialize", "*", "tools/*"])("may be %j", (name) => {
    expect(operation({ methods: [name] })).toEqual(NOTHING);
  });

  it("may be GET, the streams that clients open, nowhere but here", () => {
    const near = `${OPERATION}.methods[0]: "get" is not an MCP method, so it never matches; did you mean "GET"?`;
    expect(operation({ methods: ["get"] })).toEqual(error(near));
    const target = `"GET" does not name a target of the operation's kind, so it never matches`;
    expect(operation({ methods: ["GET"], tools: ["a"] })).toEqual(error(`${OPERATION}.methods[0]: ${target}`));
    const access = { rules: [{ name: "r", action: "ALLOW", to: [{ operation: { methods: ["GET"] } }] }] };
    expect(read(JSON.stringify({ match: { paths: ["/mcp"] }, access })).warnings).toEqual([
      'access.rules[0].to[0].operation.methods[0]: "GET" is not an MCP method known to this version',
    ]);
  });

  it("are checked as those of policies are", () => {
    const never = "so it never matches";
    const method = `"tool/call" is not an MCP method, ${never}; did you mean "tools/call"?`;
    expect(operation({ methods: ["tool/call"] })).toEqual(error(`${OPERATION}.methods[0]: ${method}`));
    const excluded = "all values are excluded by the corresponding not… list, so this never matches";
    expect(operation({ tools: ["a"], notTools: ["*"] })).toEqual(error(`${OPERATION}.tools: ${excluded}`));
    const expression = '"^get" looks like a regular expression: only * is special here, and matches any characters';
    expect(operation({ tools: ["^get"] })).toEqual(warning(`${OPERATION}.tools[0]: ${expression}`));
  });
});

describe("callers", () => {
  const SOURCE = `${RULE}.from[0].source`;
  const source = (fields: object) => check({ from: [{ source: fields }] });

  it("are checked as those of policies are", () => {
    const uri = 'expected a principal like "spiffe://cluster.local/ns/*", got "a/b", which never matches';
    expect(source({ principals: ["a/b"] })).toEqual(error(`${SOURCE}.principals[0]: ${uri}`));
    const domain = 'expected a trust domain like "cluster.local", got "a/b", which never matches';
    expect(source({ trustDomains: ["a/b"] })).toEqual(error(`${SOURCE}.trustDomains[0]: ${domain}`));
  });

  it("without a principal are limited by what is about all that have none of some", () => {
    expect(source({ notPrincipals: ["*"] })).toEqual(NOTHING);
  });

  it("have no principals without a source of them", () => {
    const rules = [
      { name: "r", key: ["tool", "principal"], from: [{ source: { principals: ["*"] } }], requests: RATE },
    ];
    const json = { match: { paths: ["/mcp"] }, identity: { principalSources: [] }, limits: { rules } };
    expect(read(JSON.stringify(json)).errors).toEqual([
      `${SOURCE}: without principalSources no caller has a principal, so this never matches`,
      `${RULE}.key[1]: without principalSources no caller has a principal, so all share one allowance`,
    ]);
  });
});

describe("calls of tools", () => {
  const reason = "applies only to tools/call, and no operation of the rule covers it";
  const others = [{ methods: ["tools/list"] }, { resources: ["*"] }, { prompts: ["a"] }, { notMethods: ["tools/*"] }];
  const calls = [{ methods: ["tools/*"] }, { tools: ["a"] }, { servers: ["s"] }, { methods: ["*"] }];

  it("are what repeats can be of", () => {
    const repeats = RATE;
    for (const fields of others) {
      const text = `${RULE}.repeats: it ${reason}, so this never matches`;
      expect(check({ repeats, to: [{ operation: fields }] })).toEqual(error(text));
    }
    for (const fields of calls) expect(check({ repeats, to: [{ operation: fields }] })).toEqual(NOTHING);
    expect(check({ repeats })).toEqual(NOTHING);
    expect(check({ repeats, to: [{ operation: others[0] }, { operation: calls[0] }] })).toEqual(NOTHING);
  });

  it("are what results can answer", () => {
    const denial = { form: "result" };
    for (const fields of others) {
      const text = `${RULE}.denial.form: "result" ${reason}: the answer is an error`;
      expect(check({ denial, to: [{ operation: fields }] })).toEqual(warning(text));
    }
    for (const fields of calls) expect(check({ denial, to: [{ operation: fields }] })).toEqual(NOTHING);
  });
});

it("tokens that are not estimated cannot be limited", () => {
  const rules = [{ name: "r", key: [], tokens: RATE }];
  const json = { match: { paths: ["/mcp"] }, tokens: { estimate: false }, limits: { rules } };
  const text = `${RULE}.tokens: tokens.estimate is false, so tokens cannot be limited`;
  expect(read(JSON.stringify(json)).errors).toEqual([text]);
});

it("limits without a rule are a warning", () => {
  const text = "limits: no rule limits any request: all pass";
  expect(limits({})).toMatchObject(warning(text));
  expect(limits({ rules: [] })).toMatchObject(warning(text));
  expect(limits({ adaptive: { mode: "shadow" } })).toMatchObject(warning(text));
  expect(limits({ adaptive: { mode: "enforce" } })).toMatchObject(NOTHING);
});

describe("a queue", () => {
  const queue = (rest: object, hold: object = {}) => {
    const rules = [{ name: "r", key: ["principal"], requests: RATE, ...rest }];
    const { errors, warnings } = read(JSON.stringify({ match: { paths: ["/mcp"] }, hold, limits: { rules } }));
    return { errors, warnings };
  };
  const caller = (held: number) => `${held} requests of one caller, a quarter of hold.maxStreams`;
  const long = (held: string) =>
    warning(`${RULE}.queue.maxLength: a worker holds at most ${held}, so no more can wait`);

  it("of a rule in shadow mode is as good as any", () => {
    expect(queue({ mode: "shadow", queue: {} })).toEqual(NOTHING);
  });

  it("longer than what is held of one caller is a warning", () => {
    expect(queue({ queue: { maxLength: 250 } })).toEqual(NOTHING);
    expect(queue({ queue: { maxLength: 251 } })).toEqual(long(caller(250)));
    expect(queue({ queue: {} }, { maxStreams: 399 })).toEqual(long(caller(99)));
    expect(queue({ queue: {} }, { maxStreams: 400 })).toEqual(NOTHING);
    expect(queue({ queue: { maxLength: 2 } }, { maxStreams: 3 })).toEqual(long(caller(1)));
    expect(queue({ key: ["address", "principal"], queue: { maxLength: 251 } })).toEqual(long(caller(250)));
  });

  it("longer than what is held of all is a warning where a key is of many callers", () => {
    for (const key of [[], ["tool"], [{ claim: ["team"] }]]) {
      expect(queue({ key, queue: { maxLength: 1000 } })).toEqual(NOTHING);
      expect(queue({ key, queue: { maxLength: 1001 } })).toEqual(long("1000 requests, by hold.maxStreams"));
    }
  });

  it("of nothing but streams that a GET opens is a warning", () => {
    const to = (...methods: string[]) => ({ to: methods.map((method) => ({ operation: { methods: [method] } })) });
    const text = `${RULE}.queue: has no effect: the rule covers only streams opened by GET, which do not wait`;
    expect(queue({ ...to("GET"), queue: {} })).toEqual(warning(text));
    expect(queue({ ...to("GET", "GET"), queue: {} })).toEqual(warning(text));
    expect(queue({ ...to("GET", "tools/call"), queue: {} })).toEqual(NOTHING);
    expect(queue({ to: [{ operation: { methods: ["GET", "ping"] } }], queue: {} })).toEqual(NOTHING);
    expect(queue({ to: [{ operation: { methods: ["GET"] } }] })).toEqual(NOTHING);
  });
});

describe("a key whose value callers can choose", () => {
  it.each<[string[], string]>([
    [["client"], "but clients choose their names, and each name has its own allowance"],
    [["tool", "client", "method"], "but clients choose their names, and each name has its own allowance"],
    [
      ["server", "address"],
      "but clients can choose it if the proxy reads it from x-forwarded-for (as Envoy does without use_remote_address)",
    ],
  ])("%j is a warning", (key, text) => {
    const part = key.includes("client") ? "client" : "address";
    expect(check({ key })).toEqual(warning(`${RULE}.key: only "${part}" identifies a caller, ${text}`));
  });

  it("a name that clients choose beside what identifies them is a warning, unless another rule goes without it", () => {
    const key = ["principal", "client"];
    const why = "clients choose their names, and each name has its own allowance";
    const text = `${why}: no rule without it limits the same callers and operations`;
    expect(check({ key })).toEqual(warning(`${RULE}.key[1]: ${text}`));
    expect(check({ key }, { name: "all", key: ["principal"], requests: { amount: 9, per: "1m" } })).toEqual(NOTHING);
  });

  it.each([[], ["tool"], ["address", { claim: ["sub"] }], [{ claim: ["sub"] }]].map((key) => [key]))(
    "%j is none",
    (key) => {
      expect(check({ key })).toEqual(NOTHING);
    },
  );
});

describe("a key with a session, of which a caller may open as many as it likes", () => {
  const to = (...operations: object[]) => ({ to: operations.map((operation) => ({ operation })) });
  const from = (...sources: object[]) => ({ from: sources.map((source) => ({ source })) });
  const other = (fields: object) => ({ name: "other", key: ["principal"], requests: RATE, ...fields });
  const missing = (kinds: string, index = 0) => {
    const text = `each new session has its own allowance: another rule without session in its key must limit the ${kinds}`;
    return error(`${RULE}.key[${index}]: ${text} of the same callers and operations`);
  };

  it.each<[string, object, ...object[]]>([
    ["no other rule", {}],
    ["one of other callers", {}, other(from({ anonymous: true }))],
    ["one of fewer callers", from({ principals: ["spiffe://a/*"] }), other(from({ principals: ["spiffe://a/b"] }))],
    ["one of other tools", to({ tools: ["a*"] }), other(to({ tools: ["ab"] }))],
    ["one with an exception", {}, other(to({ notTools: ["a"] }))],
    ["one that is only tried", {}, other({ mode: "shadow" })],
    ["one of all but what must be named", to({ methods: ["initialize"] }), other({})],
    ["one of all but cancellations", to({ methods: ["tasks/cancel"] }), other({})],
    ["one of all but streams", to({ methods: ["GET"] }), other({})],
    [
      "one of all but subscriptions",
      to({ methods: ["tools/call", "subscriptions/listen"] }),
      other(to({ methods: ["*"] })),
    ],
    ["one that limits something else", {}, other({ requests: undefined, concurrency: 5 })],
  ])("is an error with %s", (_, fields, ...others) => {
    expect(check({ key: ["session"], ...fields }, ...others)).toEqual(missing("requests"));
  });

  it.each<[string, object, ...object[]]>([
    ["everything", {}, other({})],
    ["everything, by nobody", {}, other({ key: [] })],
    ["everything, among others", {}, { ...other({ name: "first", ...to({ tools: ["a"] }) }) }, other({})],
    ["all tools", to({ tools: ["a*"] }), other(to({ methods: ["tools/call"] }))],
    [
      "the same with exceptions",
      to({ notTools: ["a"], servers: ["s"] }),
      other(to({ notTools: ["a"], servers: ["s"] })),
    ],
    [
      "the same callers",
      from({ claims: [{ path: ["a"], values: ["b"] }] }),
      other(from({ claims: [{ path: ["a"], values: ["b"] }] })),
    ],
    ["more callers", from({ principals: ["spiffe://a/b"] }), other(from({ principals: ["spiffe://a/*"] }))],
    ["streams too", to({ methods: ["GET"] }), other(to({ methods: ["GET"] }, { methods: ["*"] }))],
    ["it only as a trial, as this one is", { mode: "shadow" }, other({ mode: "shadow" })],
    ["requests, which repeats are too", { requests: undefined, repeats: RATE }, other({})],
  ])("is none where another rule limits %s", (_, fields, ...others) => {
    expect(check({ key: ["tool", "session"], ...fields }, ...others)).toEqual(NOTHING);
  });

  it("is an error with another one with sessions, as that one is", () => {
    const [first] = missing("requests").errors;
    const errors = [first, first.replace("rules[0]", "rules[1]")];
    expect(check({ key: ["session"] }, other({ key: ["session", "principal"] }))).toEqual({ errors, warnings: [] });
  });

  it("names each kind of limit that is missing", () => {
    const all = { tokens: RATE, concurrency: 1, repeats: RATE, key: ["tool", "session"] };
    expect(check(all)).toEqual(missing("requests, tokens, concurrency, repeats", 1));
    expect(check(all, other({}))).toEqual(missing("tokens, concurrency", 1));
    expect(check(all, other({ concurrency: 9 }), { name: "t", key: [], tokens: RATE })).toEqual(NOTHING);
  });
});

describe("limits of any fields", () => {
  const optional = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
  const source = fc.constantFrom(
    ...[{ principals: ["spiffe://a/*"] }, { principals: ["spiffe://a/b"], notPrincipals: ["*"] }, { anonymous: true }],
    ...[{ ipBlocks: ["10.0.0.0/8"], notIpBlocks: ["::1"] }, { claims: [{ path: ["a"], values: ["b"] }] }, {}],
  );
  const operation = fc.constantFrom(
    ...[
      { tools: ["a*"] },
      { notTools: ["*"] },
      { methods: ["GET"] },
      { methods: ["@handshake", "*"] },
      { prompts: ["a"] },
    ],
    ...[{ notMethods: ["tools/*"] }, { methods: ["notifications/*"] }, { servers: ["s"] }, { resources: [""] }],
    ...[{ direction: "server_to_client" }, { methods: ["*"], notMethods: ["*"] }, {}],
  );
  const parts = fc.constantFrom<unknown>(
    ...["principal", "client", "session", "address", "tool", "server", "method"],
    ...[{ claim: ["a"] }, { claim: [] }, { claim: ["*"] }, {}, null, "x", 5],
  );
  const rate = optional<unknown>(RATE, { ...RATE, burst: 1 }, { amount: 0 }, {}, null);
  const rule = fc.record(
    {
      ...{ name: fc.constantFrom("a", "b", "c", "_"), mode: optional("enforce", "shadow"), key: fc.array(parts) },
      from: fc.array(
        source.map((fields) => ({ source: fields })),
        { maxLength: 3 },
      ),
      to: fc.array(
        operation.map((fields) => ({ operation: fields })),
        { maxLength: 3 },
      ),
      ...{ requests: rate, tokens: rate, repeats: rate, concurrency: optional(0, 1, 100_001) },
      queue: optional<unknown>({}, { maxWait: "1s", maxLength: 10_000 }, { maxLength: 0 }, null),
      denial: optional({ form: "result" }, { form: "x" }, {}),
    },
    { requiredKeys: [] },
  );

  itHolds(
    "are read and checked without a trap",
    500,
    fc.property(fc.array(rule, { maxLength: 4 }), fc.boolean(), fc.boolean(), (rules, estimate, hasSources) => {
      const identity = hasSources ? {} : { principalSources: [] };
      const json = { match: { paths: ["/mcp"] }, tokens: { estimate }, identity, limits: { rules } };
      const { errors } = read(JSON.stringify(json));
      expect(errors.filter((text) => !text.startsWith("limits"))).toEqual([]);
    }),
  );
});
