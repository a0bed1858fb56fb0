/** What of `access` is read, and what is refused. */
import { describe, expect, it } from "vitest";

import { policy, rule } from "./policies.ts";
import { DEFAULTS, read } from "./reader.ts";
import { shown } from "./shown.ts";

const source = (fields: unknown) => rule({ from: [{ source: fields }] });
const operation = (fields: unknown) => rule({ to: [{ operation: fields }] });
const condition = (fields: unknown) => rule({ when: [fields] });

describe("a policy", () => {
  it("has defaults: everything is denied", () => {
    expect(policy({})).toEqual({
      access: ["mode enforce, else DENY", "denies by error 403", "audits 10"],
      errors: [],
      warnings: ["access: no rule allows any message: all are denied"],
    });
  });

  it("is read whole", () => {
    const whole = {
      mode: "shadow",
      defaultAction: "ALLOW",
      principalSources: ["jwt", "x-forwarded-client-cert", "filter_state", "peer_certificate"],
      jwtPayloadKey: "token",
      holdHeaders: true,
      maxBodyBytes: "2MiB",
      denial: { form: "status", status: 429, cors: ["https://app.example:8443", "*"] },
      audit: { perSecond: 1000, arguments: true },
      rules: [
        {
          name: "First.rule_1-a",
          action: "DENY",
          mode: "shadow",
          from: [
            {
              source: {
                ...{ principals: ["spiffe://a/*"], notPrincipals: ["spiffe://a/b"] },
                ...{ trustDomains: ["a"], notTrustDomains: ["b"], ipBlocks: ["10.0.0.0/8"], notIpBlocks: ["::1"] },
                claims: [{ path: ["realm", "roles"], values: ["x", "y"], notValues: ["z"] }],
              },
            },
            { source: { anonymous: true } },
          ],
          to: [
            { operation: { methods: ["@handshake", "tools/*"], notMethods: ["tools/list"] } },
            { operation: { methods: ["tools/call"], tools: ["a"] } },
            { operation: { prompts: ["p"], notPrompts: ["q"], servers: ["s"], notServers: ["t"] } },
            { operation: { resources: ["r"], notResources: ["u"] } },
            { operation: { methods: ["roots/list"], servers: ["v"], direction: "server_to_client" } },
          ],
          when: [
            { key: "mcp.protocolVersion", values: ["2025-*"] },
            { key: "mcp.clientName", notValues: ["x"] },
            { key: "mcp.arguments[a.b][c]", values: ["/tmp/*", 5, 2147483647, true, false], notValues: [0] },
          ],
        },
        { name: "0", action: "ALLOW" },
      ],
    };
    expect(policy(whole)).toEqual({
      access: [
        "mode shadow, else ALLOW",
        "denies by status 429",
        "denials for pages of https://app.example:8443 *",
        "audits 1000 with arguments",
        "rule First.rule_1-a DENY shadow",
        "from principals spiffe://a/* not spiffe://a/b domains a not b ips 10.0.0.0/8 not ::1 realm/roles x,y not z",
        "from nobody",
        "to client_to_server methods initialize,notifications/initialized,ping,server/discover,tools/* not tools/list",
        "to client_to_server methods tools/call tools a",
        "to client_to_server prompts p not q servers s not t",
        "to client_to_server resources r not u",
        "to server_to_client methods roots/list servers v",
        "when version like 2025-*",
        "when client like  not x",
        "when argument a.b/c like /tmp/* integers 5,2147483647 not 0 booleans true,false",
        "rule 0 ALLOW enforce",
      ],
      errors: [],
      warnings: [],
    });
    expect(read(JSON.stringify({ match: { paths: ["/mcp"] }, access: whole }))).toMatchObject({
      identity: "principals jwt x-forwarded-client-cert filter_state peer_certificate, payload token",
      hold: "headers, bodies of 2097152 bytes, 1000 streams, 67108864 bytes",
    });
  });

  it("requires paths: without them, a client could bypass it by changing headers", () => {
    const error = "access: match.paths is required: without it, a client could bypass the policy by changing headers";
    for (const rest of [{}, { match: {} }, { match: { paths: [] } }]) {
      expect(read(JSON.stringify({ access: {}, ...rest })).errors).toEqual([error]);
    }
    expect(read('{"access":{},"match":{"paths":["/mcp"]}}').errors).toEqual([]);
    expect(DEFAULTS.access).toEqual([]);
  });

  it("may name principals that are no URIs, where JWTs bring them", () => {
    const rules = [{ name: "r", action: "ALLOW", from: [{ source: { principals: ["issuer/me"] } }] }];
    expect(policy({ rules, principalSources: ["peer_certificate", "jwt"] }).errors).toEqual([]);
    expect(policy({ rules, principalSources: ["x-forwarded-client-cert"] }).errors).toHaveLength(1);
  });

  it("may have texts of 256 bytes", () => {
    const text = "é".repeat(128);
    expect(source({ principals: [`*${text.slice(1)}`] })).toEqual([]);
    expect(operation({ tools: [text], servers: [text] })).toEqual([]);
    expect(condition({ key: "mcp.clientName", values: [text] })).toEqual([]);
  });
});

describe("what is wrong with a policy is an error with its path and the value", () => {
  const text = "a string of at most 256 bytes";
  const fields =
    "mode, defaultAction, lists, rules, principalSources, jwtPayloadKey, holdHeaders, maxBodyBytes, denial, audit or pins";
  const size = 'access.maxBodyBytes: expected a size from 1KiB to 64MiB, like "512KiB"';

  it.each<[unknown, ...string[]]>([
    [null, "access: expected an object, got null"],
    [[], "access: expected an object, got an array"],
    [true, "access: expected an object, got true"],
    [{ mode: "Enforce" }, 'access.mode: expected enforce or shadow, got "Enforce"; did you mean "enforce"?'],
    [{ mode: null }, "access.mode: expected enforce or shadow, got null"],
    [{ defaultAction: "allow" }, 'access.defaultAction: expected ALLOW or DENY, got "allow"; did you mean "ALLOW"?'],
    [{ rules: {} }, "access.rules: expected an array of rules, got an object"],
    [{ principalSources: "jwt" }, 'access.principalSources: expected an array of strings, got "jwt"'],
    [
      { principalSources: ["jwt", "x"] },
      'access.principalSources[1]: expected peer_certificate, filter_state, jwt or x-forwarded-client-cert, got "x"',
    ],
    [{ jwtPayloadKey: 1 }, `access.jwtPayloadKey: expected ${text}, got 1`],
    [{ holdHeaders: "true" }, 'access.holdHeaders: expected a boolean, got "true"'],
    [{ maxBodyBytes: 1024 }, `${size}, got 1024`],
    ...["1023B", "0KiB", "65MiB", "67108865B", "1GiB", "64", "x", ""].map((maxBodyBytes): [unknown, string] => [
      { maxBodyBytes },
      `${size}, got ${shown(maxBodyBytes)}`,
    ]),
    [{ denial: "error" }, 'access.denial: expected an object, got "error"'],
    [
      { denial: { form: "errors" } },
      'access.denial.form: expected error, result or status, got "errors"; did you mean "error"?',
    ],
    [{ denial: { status: 399 } }, "access.denial.status: expected an integer from 400 to 599, got 399"],
    [{ denial: { status: 600 } }, "access.denial.status: expected an integer from 400 to 599, got 600"],
    [
      { denial: { cors: ["https://app.example/"] } },
      'access.denial.cors[0]: expected an origin like "https://app.example:8443", or "*", got "https://app.example/"',
    ],
    [{ denial: { code: 403 } }, "access.denial.code: unknown field, expected form, status or cors"],
    [{ audit: [] }, "access.audit: expected an object, got an array"],
    [{ audit: { perSecond: -1 } }, "access.audit.perSecond: expected an integer from 0 to 1000, got -1"],
    [{ audit: { perSecond: 1001 } }, "access.audit.perSecond: expected an integer from 0 to 1000, got 1001"],
    [{ audit: { arguments: 1 } }, "access.audit.arguments: expected a boolean, got 1"],
    [{ audit: { args: true } }, "access.audit.args: unknown field, expected perSecond or arguments"],
    [{ Rules: [] }, 'access.Rules: unknown field; did you mean "rules"?'],
    [
      { enabled: true, rules: 1 },
      `access.enabled: unknown field, expected ${fields}`,
      "access.rules: expected an array of rules, got 1",
    ],
    [{ rules: ["x"] }, 'access.rules[0]: expected an object, got "x"'],
    [
      {
        rules: [
          { name: "a", action: "DENY" },
          { name: "a", action: "ALLOW" },
        ],
      },
      'access.rules[1].name: "a" is used by rules[0] too',
    ],
    [
      { rules: Array.from({ length: 121 }, (_, i) => ({ name: `r${i}`, action: "ALLOW" })) },
      "access.rules: expected at most 120 rules, got 121",
    ],
  ])("%j", (access, ...errors) => {
    expect(policy(access)).toMatchObject({ errors, warnings: [] });
  });
});
