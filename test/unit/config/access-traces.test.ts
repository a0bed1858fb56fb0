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
    // In JSON, names of tools and other values are no fields.
    '{"server":5,"labels":{"tools":["grant_access","deny","allow","rules"]}}',
    '{"server":5,"labels":{"tools":["a","access"]}}',
    '{"stripAcceptEncoding":true,"identity":{},"hold":{},"trace":{},"server":5}',
    '{"address":1,"process":2,"server":5}',
  ])("%j", (configuration) => {
    expect(indicatesAccess(configuration)).toBe(false);
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
