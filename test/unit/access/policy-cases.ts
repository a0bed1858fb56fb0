/** Policies and requests for property tests: of few texts, so that they match often. */
import fc from "fast-check";

import type { Asked } from "./policy.ts";
import type { Condition, Operation, Rule, Scalar, Source } from "./policy-oracle.ts";

const PRINCIPALS = ["spiffe://a/ns/x", "spiffe://a/ns/y", "spiffe://b/x", "https://issuer/x", ""];
const BLOCKS = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "0.0.0.0/0", "::/0"];
const METHODS = [
  ...["initialize", "ping", "tools/list", "tools/call", "prompts/get", "resources/read", "resources/subscribe"],
  ...["completion/complete", "notifications/cancelled", "sampling/createMessage"],
];
const NAMES = ["a", "ab", "b"];
const VERSIONS = ["2025-06-18", "2025-11-25", "2026-07-28"];

/** Some of these: one at least. */
const some = <T>(...of: T[]) => fc.subarray(of, { minLength: 1, maxLength: Math.min(3, of.length) });
/** An object with some of these fields. */
const fields = <T>(shape: { [Key in keyof T]: fc.Arbitrary<T[Key]> }) =>
  fc.record(shape, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
const hasField = (value: object) => Object.keys(value).length > 0;

const principals = some("*", "spiffe://a/*", "*/x", "spiffe://b/x", "https://*");
const domains = some("a", "b", "*", "");
const claim = fc
  .record(
    { path: fc.constant<string[]>(["groups"]), values: some("dev", "op*", "*"), notValues: some("dev", "ops", "x") },
    { requiredKeys: ["path"] },
  )
  .filter((claim) => "values" in claim || "notValues" in claim);

const source: fc.Arbitrary<Source> = fields<Source>({
  principals,
  notPrincipals: principals,
  trustDomains: domains,
  notTrustDomains: domains,
  ipBlocks: some(...BLOCKS),
  notIpBlocks: some(...BLOCKS),
  claims: fc.array(claim, { minLength: 1, maxLength: 2 }),
}).filter(hasField);
const anonymous: fc.Arbitrary<Source> = fc.record(
  { anonymous: fc.constant(true), ipBlocks: some(...BLOCKS) },
  {
    requiredKeys: ["anonymous"],
  },
);

const names = some("a", "a*", "*b", "b", "*", "a:x");
const methods = some(...METHODS, "tools/*", "*", "@handshake");
const servers = some("s", "t*", "*");
const targets = (kind: string) =>
  fields<Record<string, string[]>>({ [kind]: names, [`not${kind[0].toUpperCase()}${kind.slice(1)}`]: names });
const operation: fc.Arbitrary<Operation> = fc
  .tuple(
    fields<Operation>({
      methods,
      notMethods: methods,
      servers,
      notServers: servers,
      direction: fc.constantFrom("client_to_server", "client_to_server", "server_to_client"),
    }),
    fc.constantFrom("tools", "prompts", "resources").chain(targets),
  )
  .map(([rest, target]): Operation => ({ ...rest, ...target }))
  .filter(hasField);

const scalars = some<Scalar>("a", "a*", 5, 0, true, "*", "2025-*", "false");
const conditionOn = (values: fc.Arbitrary<Scalar[]>, ...keys: string[]) =>
  fc
    .record({ key: fc.constantFrom(...keys), values, notValues: values }, { requiredKeys: ["key"] })
    .filter((condition) => "values" in condition || "notValues" in condition);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  conditionOn(some<Scalar>("a", "a*", "*", "2025-*"), "mcp.protocolVersion", "mcp.clientName"),
  conditionOn(scalars, "mcp.arguments[p]", "mcp.arguments[q][r]"),
);

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
/** Rules of every kind, some of which are tried out. */
export const rules = fc
  .array(
    fc.record({
      action: fc.constantFrom("ALLOW" as const, "DENY" as const),
      mode: fc.constantFrom(undefined, "enforce" as const, "shadow" as const),
      from: maybe(
        fc.array(
          fc.oneof(source, source, anonymous).map((source) => ({ source })),
          { minLength: 1, maxLength: 2 },
        ),
      ),
      to: maybe(
        fc.array(
          operation.map((operation) => ({ operation })),
          { minLength: 1, maxLength: 2 },
        ),
      ),
      when: maybe(fc.array(condition, { minLength: 1, maxLength: 2 })),
    }),
    { maxLength: 4 },
  )
  .map((rules): Rule[] => rules.map((rule, i) => ({ name: `r${i}`, ...rule })));

const value = fc.constantFrom<unknown>("a", "b", 5, 0, 1.5, -3, true, false, null, [], {}, { r: "a" }, { r: 5 }, [1]);
const name = fc.constantFrom<unknown>(...NAMES, 5, null, ["a"]);
/** Of a URI that a URL parser would write in another way, policies cannot tell: these are none. */
const uri = fc.constantFrom<unknown>("a:x", "a:b", 5, null);
const params = fields({
  name,
  uri,
  ref: fc.oneof(
    fields({ type: fc.constantFrom<unknown>("ref/prompt", "ref/resource", 5), name, uri: name }),
    fc.constant("a"),
  ),
  arguments: fc.oneof(fields({ p: value, q: value }), value),
  clientInfo: fields({ name }),
  protocolVersion: fc.constantFrom<unknown>(...VERSIONS, 1),
  _meta: fc.oneof(
    fields({
      "io.modelcontextprotocol/protocolVersion": fc.constantFrom<unknown>(...VERSIONS, null),
      "io.modelcontextprotocol/clientInfo": fc.oneof(fields({ name }), name),
    }),
    fc.constantFrom<unknown>(null, []),
  ),
});
const request = fc.record(
  { id: fc.constant(1), method: fc.constantFrom(...METHODS), params },
  { requiredKeys: ["method"] },
);
const answer = fc.constantFrom<object>({ id: 1, result: {} }, { id: "x", error: { code: 1 } });

/** Requests that these rules are about. */
export const asked: fc.Arbitrary<Asked> = fc
  .record({
    principal: fc.constantFrom(...PRINCIPALS),
    address: fc.constantFrom(undefined, "10.1.2.3:1", "10.9.9.9:1", "192.0.2.1:80", "[2001:db8::1]:443", "[::1]:1"),
    groups: fc.constantFrom<string | string[] | undefined>(
      undefined,
      "dev",
      "opera",
      ["dev"],
      ["x", "ops"],
      ["qa", "dev"],
    ),
    server: fc.constantFrom(undefined, "s", "tt"),
    revision: fc.constantFrom(undefined, ...VERSIONS),
    client: fc.constantFrom(undefined, "a", "b"),
    answers: fc.constantFrom(undefined, "sampling/createMessage", "ping"),
    message: fc.oneof({ weight: 5, arbitrary: request }, { weight: 1, arbitrary: answer }),
  })
  .map(({ groups, ...rest }): Asked => ({ ...rest, claims: groups === undefined ? {} : { groups } }));
