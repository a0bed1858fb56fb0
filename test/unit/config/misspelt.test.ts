/** No field of a configuration can be misspelt unseen: one more letter in any name is an error of the filter and the schema. */
import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";

import { misspell } from "../../mesh/misspell.ts";
import { read } from "./reader.ts";

const isValid = new Ajv2020().compile(JSON.parse(readFileSync("envoy/plugin-config.schema.json", "utf8")) as object);

const SOURCE = {
  ...{ principals: ["spiffe://a/*"], notPrincipals: ["spiffe://a/b"], trustDomains: ["a"], notTrustDomains: ["b"] },
  ...{ ipBlocks: ["10.0.0.0/8"], notIpBlocks: ["::1"], claims: [{ path: ["a"], values: ["b"], notValues: ["c"] }] },
};
const OPERATIONS = [
  { methods: ["tools/call"], tools: ["a"], servers: ["s"], direction: "client_to_server" },
  { notMethods: ["ping"], notTools: ["b"], notServers: ["t"] },
  { prompts: ["a"], notPrompts: ["b"] },
  { resources: ["a"], notResources: ["b"] },
];
const MATCH = {
  from: [{ source: SOURCE }, { source: { anonymous: true } }],
  to: OPERATIONS.map((operation) => ({ operation })),
};
const RATE = { amount: 60, per: "1m" };

/** Every field that there is, but for those of `access` that have moved. */
const WHOLE = {
  ...{ instance: "a", role: "server", server: "s", match: { paths: ["/mcp"] }, log: "warn" },
  ...{ logFields: true, responseHeaders: true },
  sessions: { idleTimeout: "15m", max: 5, callerKey: ["x"] },
  tokens: { estimate: true, scale: 1, maxBytes: "1KiB" },
  labels: { maxTools: 5, maxServers: 5, tools: ["a"], caller: "address" },
  identity: { principalSources: ["jwt"], jwtPayloadKey: "payload" },
  hold: { headers: true, maxBodyBytes: "1MiB", maxStreams: 10, maxBytes: "64MiB" },
  access: {
    ...{ mode: "enforce", defaultAction: "DENY", lists: "filter", audit: { perSecond: 1, arguments: false } },
    denial: { form: "status", status: 403, cors: ["*"] },
    pins: [{ servers: ["s"], mode: "observe", tools: { a: "0123456789abcdef".repeat(4) } }],
    rules: [
      {
        name: "a",
        action: "ALLOW",
        mode: "shadow",
        ...MATCH,
        when: [{ key: "mcp.clientName", values: ["a"], notValues: ["b"] }],
      },
      { name: "b", action: "DENY", hint: "ask ops", from: [{ source: { anonymous: true } }] },
      { name: "c", action: "ALLOW" },
    ],
  },
  limits: {
    ...{ mode: "enforce", adaptive: { mode: "shadow" }, maxKeys: 64 },
    rules: [
      {
        ...{ name: "a", mode: "enforce", ...MATCH, key: ["principal", { claim: ["a"] }], concurrency: 5 },
        ...{ requests: { ...RATE, burst: 5 }, tokens: { ...RATE, burst: 5, kinds: ["result"] }, repeats: RATE },
        queue: { maxWait: "2s", maxLength: 2 },
        denial: { form: "result" },
      },
    ],
  },
  trace: {
    ...{ cluster: "otel", path: "/v1/traces", authority: "otel:4318", headers: {}, encoding: "json", parent: "meta" },
    sample: { parent: true, ratio: 0.5, errors: true, slowerThan: "5s" },
    ...{ sessions: true, sessionKey: "0123456789abcdef", setTraceparent: true, resource: {} },
  },
};

describe("a configuration of every field", () => {
  it("has every field of the schema that is not deprecated", () => {
    const { properties } = JSON.parse(readFileSync("envoy/plugin-config.schema.json", "utf8")) as Schema;
    for (const [name, section] of Object.entries(properties!)) {
      const present = Object.entries(section.properties ?? {}).filter(([, { deprecated }]) => !deprecated);
      expect(WHOLE).toHaveProperty(name);
      for (const [field] of present) expect(WHOLE).toHaveProperty([name, field]);
    }
  });

  it("is accepted", () => {
    expect(read(JSON.stringify(WHOLE))).toMatchObject({ errors: [], warnings: [] });
    expect(isValid(WHOLE), JSON.stringify(isValid.errors)).toBe(true);
  });

  const misspelt = misspell(WHOLE).map(({ place, document }) => [place, document] as const);
  it.each(misspelt)("is refused with a letter more in %s", (place, document) => {
    const name = place.split(".").at(-1);
    const { errors } = read(JSON.stringify(document));
    // What has one field only says which.
    const isNamed = errors.some((error) => error.includes(`${name}x`) && error.includes(`"${name}"`));
    expect([errors.join("\n"), isNamed]).toEqual([expect.any(String), true]);
    expect(isValid(document)).toBe(false);
  });
});

interface Schema {
  readonly properties?: Record<string, Schema>;
  readonly deprecated?: boolean;
}
