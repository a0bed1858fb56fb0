/** Which unusable configurations indicate that they were to restrict access. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { itHolds } from "../property.ts";
import { indicatesAccess, namesAccess } from "./near-miss.ts";

const POLICY = JSON.stringify({
  match: { paths: ["/mcp"] },
  access: { rules: [{ name: "a", action: "ALLOW", to: [{ operation: { tools: ["x"] } }] }] },
});
const OBSERVING = JSON.stringify({
  instance: "payments",
  role: "server",
  server: "billing",
  match: { paths: ["/mcp", "/tools/*"] },
  sessions: { idleTimeout: "15m", max: 20000, callerKey: ["baggage.userId", "accept-encoding"] },
  labels: { tools: ["charge_card", "search"], caller: true, maxTools: 5, maxServers: 1 },
  tokens: { estimate: true, scale: 1.5, maxBytes: "1MiB" },
  log: "info",
  logFields: true,
  responseHeaders: true,
});
/** Traces, with a header for the collector that is about access to it. */
const TRACING = JSON.stringify({
  trace: {
    ...{ cluster: "otel", path: "/v1/traces", authority: "otel", encoding: "json", parent: "meta", sessions: true },
    headers: { "lightstep-access-token": "t", "X-Access-Token": "t", authorization: "Bearer t" },
    sample: { parent: true, ratio: 0.5, errors: true, slowerThan: "5s" },
    ...{ sessionKey: "0123456789abcdef", setTraceparent: true, resource: { "service.name": "orders" } },
  },
});
/** Limits, and what they share with policies: callers, held requests, rules and their words. */
const LIMITING = JSON.stringify({
  match: { paths: ["/mcp"] },
  identity: { principalSources: ["jwt"], jwtPayloadKey: "payload" },
  hold: { headers: true, maxBodyBytes: "1MiB", maxStreams: 10, maxBytes: "64MiB" },
  limits: {
    mode: "enforce",
    adaptive: { mode: "shadow" },
    maxKeys: 64,
    rules: [
      {
        name: "a",
        mode: "shadow",
        from: [
          {
            source: {
              ...{ principals: ["spiffe://a/*"], notPrincipals: ["spiffe://b"], trustDomains: ["a"] },
              ...{ notTrustDomains: ["b"], ipBlocks: ["10.0.0.0/8"], notIpBlocks: ["::1"] },
            },
          },
        ],
        to: [{ operation: { tools: ["x"], notTools: ["y"], notMethods: ["ping"], notServers: ["s"] } }],
        key: ["principal"],
        requests: { amount: 1, per: "1m" },
        queue: { maxWait: "2s", maxLength: 100 },
        denial: { form: "result" },
      },
    ],
  },
});
const utf16 = (text: string) => Buffer.from(text, "utf16le");
const swapped = (text: string) => utf16(text).swap16();

describe("a configuration indicates access", () => {
  it.each([
    POLICY,
    '{"access":{}}',
    '{"Access":{}} x',
    '{"acess":{}}',
    '{"accesss":{',
    '{"aces":{}}',
    '{"ac\\u0063ess":{}}',
    '{"\\u0061cces":{',
    '{"\\u0430ccess":{}}',
    '{"\u0430ccess":1}',
    '{"acc\u200bess":',
    "access:\n  rules: []",
    "{'access':{}}",
    '{"access" {}}',
    '{"match":{},"acc',
    '{"match":{},"aces',
    '{"accessPolicy":{}}',
    '{"mcp_acess":{}}',
    '{"acessPolicy":{}}',
    '{"config":{"access":{}}}',
    JSON.stringify(POLICY),
    JSON.stringify({ configuration: POLICY }),
    JSON.stringify({ configuration: JSON.stringify(JSON.parse(POLICY), undefined, 2) }),
    JSON.stringify({ server: 5, rules: [] }),
    '{"acl":{"rules":[]}}',
    '{"x":[{"action":"DENY"',
    '"principals":["spiffe://a/*"]',
    "\u0006access\u0012",
    "x,access=y",
    '{"defaultAction":1}',
    '{"DefaultAction":1}',
    // Limits explain what they have too, and nothing else; nor do other sections.
    LIMITING.replace('"limits"', '"limits":{},"access"'),
    LIMITING.replace('"limits"', '"limits":{},"acess"'),
    LIMITING.replace('"limits"', '"lists"'),
    LIMITING.replace('"limits"', '"acl"'),
    LIMITING.replace('"identity"', '"id"'),
    LIMITING.replace('"hold"', '"body"'),
    LIMITING.replace('"key"', '"action":"ALLOW","key"'),
    LIMITING.replace('"mode"', '"defaultAction":"DENY","mode"'),
    LIMITING.replace('"headers"', '"holdHeaders"'),
    // Neither do names that are no fields.
    '{"labels":{"tools":["limits"]},"acl":{"rules":[]}}',
    `${LIMITING} ALLOW`,
    TRACING.replace('"authorization"', '"access"'),
    TRACING.replace('"trace"', '"access-policy":{},"trace"'),
    TRACING.slice(0, -1),
  ])("%j", (configuration) => {
    expect(indicatesAccess(configuration)).toBe(true);
  });

  it("in UTF-16, in either order, with and without a mark of it", () => {
    for (const text of ['{"access":{}}', '{"acess":{}}', '\ufeff{"access":{}}', '{"match":{},"acc']) {
      expect([indicatesAccess(utf16(text)), indicatesAccess(swapped(text))]).toEqual([true, true]);
    }
    expect([indicatesAccess(utf16(OBSERVING)), indicatesAccess(swapped(OBSERVING))]).toEqual([false, false]);
  });

  it("wherever a policy is cut behind the word's second letter", () => {
    const from = POLICY.indexOf("access") + 2;
    for (let end = from; end <= POLICY.length; end++) expect(indicatesAccess(POLICY.slice(0, end))).toBe(true);
  });

  itHolds(
    "with any edit of one character, in whatever text it is cut from",
    500,
    fc.property(
      fc.nat(6),
      fc.constantFrom("", "x", "Q", "7", "é"),
      fc.boolean(),
      fc.nat(20),
      (at, letter, isReplaced, cut) => {
        const word = "access".slice(0, at) + letter + "access".slice(at + (isReplaced ? 1 : 0));
        const text = `{"match":{"paths":["/mcp"]},"${word}":{"mode":"enforce"}}`;
        expect(indicatesAccess(text)).toBe(true);
        expect(indicatesAccess(text.slice(0, text.length - cut))).toBe(true);
      },
    ),
  );
});

describe("a configuration does not indicate access", () => {
  it.each([
    "",
    "{",
    "{}",
    "[]",
    '"x"',
    "\\",
    '"\\u00',
    "a",
    OBSERVING,
    OBSERVING.slice(0, -1),
    `${OBSERVING}}`,
    OBSERVING.replaceAll('"', "'"),
    // What limits, callers and held requests have too, in sections that are well named, nearly so, and after a slip.
    TRACING,
    TRACING.replace('"json"', '"xml"'),
    TRACING.replace('"sample"', '"smaple"'),
    LIMITING,
    ...["limit", "limts", "Limits", "lim_its"].map((name) => LIMITING.replace("limits", name)),
    ...["identiy", "Identity", "ident-ity"].map((name) => LIMITING.replace("identity", name)),
    LIMITING.replace("hold", "Hold"),
    LIMITING.replace("maxKeys", "maxKey"),
    `${LIMITING}}`,
    LIMITING.slice(0, -1),
    LIMITING.replaceAll('"', "'"),
    LIMITING.replace(':{"mode"', '{"mode"'),
    JSON.stringify({ configuration: LIMITING }),
    "limits:\n  rules:\n    - mode: shadow",
    // In JSON, names of tools and other values are no fields.
    '{"server":5,"labels":{"tools":["grant_access","deny","allow","rules"]}}',
    '{"server":5,"labels":{"tools":["a","access"]}}',
    '{"stripAcceptEncoding":true,"identity":{},"hold":{},"trace":{},"server":5}',
    '{"address":1,"process":2,"server":5}',
  ])("%j", (configuration) => {
    expect(indicatesAccess(configuration)).toBe(false);
  });

  it("wherever one with limits is cut, unless it then ends like a field of rules", () => {
    for (let end = 0; end <= LIMITING.length; end++) {
      const cut = LIMITING.slice(0, end);
      expect([cut, indicatesAccess(cut)]).toEqual([cut, cut.endsWith('"identity":{"principalS')]);
    }
  });

  it("wherever an observing one is cut, unless it then ends like the word", () => {
    for (let end = 0; end <= OBSERVING.length; end++) {
      const cut = OBSERVING.slice(0, end);
      expect([cut, indicatesAccess(cut)]).toEqual([cut, /\bac(c|ce|cep|cept-?)?$/.test(cut)]);
    }
  });

  itHolds(
    "and any bytes are read without a trap",
    500,
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(typeof indicatesAccess(bytes)).toBe("boolean");
    }),
  );
});

describe("a name means access", () => {
  it.each(["Access", "acess", "ACCESS", "access_", "accessControl", "mcpAccess", "mcp-acess", "accessLog", "accesses"])(
    "%s",
    (name) => {
      expect(namesAccess(name)).toBe(true);
    },
  );

  it.each(["", "log", "stripAcceptEncoding", "acceptEncoding", "trace", "identity", "limits", "hold", "a", "address"])(
    "not %s",
    (name) => {
      expect(namesAccess(name)).toBe(false);
    },
  );
});
