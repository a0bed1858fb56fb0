/** The caller's principal from each source that a policy can name, as set by Envoy's own filters. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { endsAfterAll } from "../envoy/cleanup.ts";
import * as mcp from "../envoy/mcp-messages.ts";
import { exchange } from "../envoy/raw-http.ts";
import { peerPrincipal } from "./peer-principal.ts";
import { type Config, type GuardedEnvoy, startGuarded } from "./proxy.ts";
import { type Recorder, startRecorder } from "./recorder.ts";

const ISSUER = "https://issuer.example";
const SPIFFE = "spiffe://mesh.example/ns/a/sa/reader";

/**
 * An access policy in which each tool is for one kind of caller, by the tool's name, and none for suspended callers.
 */
function policyOf(callers: Record<string, object>, more: object = {}): object {
  const allowed = Object.entries(callers).map(([tool, source]) => ({
    name: `for-${tool}`,
    action: "ALLOW",
    from: [{ source }],
    to: [{ operation: { tools: [tool] } }],
  }));
  const suspended = { name: "suspended", action: "DENY", from: [{ source: SUSPENDED }] };
  return { ...more, rules: [suspended, ...allowed] };
}

const claim = (path: string[], match: object) => ({ claims: [{ path, ...match }] });

const SUSPENDED = claim(["suspended"], { values: ["true"] });

const BY_JWT = policyOf(
  {
    alice: { principals: [`${ISSUER}/alice`] },
    admins: claim(["groups"], { values: ["admin"] }),
    "no-guests": claim(["groups"], { notValues: ["guest"] }),
    weather: claim(["department"], { values: ["weather*"] }),
    deep: claim(["realm_access", "roles"], { values: ["editor"] }),
    dotted: claim(["https://issuer.example/team"], { values: ["blue"] }),
    nobody: { anonymous: true },
    anybody: { principals: ["*"] },
  },
  { principalSources: ["jwt"], audit: { perSecond: 1000 } },
);

const BY_PRINCIPAL = {
  reader: { principals: [SPIFFE] },
  mesh: { trustDomains: ["mesh.example"] },
  "not-other": { notPrincipals: ["spiffe://other.example/*"] },
  nobody: { anonymous: true },
  anybody: { principals: ["*"] },
};

const FORWARDS = { forward_client_cert_details: "ALWAYS_FORWARD_ONLY" };

const keep = endsAfterAll();
let recorder: Recorder;
let envoy: GuardedEnvoy;
let sign: (claims: JWTPayload) => Promise<string>;
let forge: typeof sign;

beforeAll(async () => {
  recorder = keep(await startRecorder());
  const [own, other] = [await generateKeyPair("ES256"), await generateKeyPair("ES256")];
  const signer = (key: CryptoKey) => (claims: JWTPayload) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: "ES256", kid: "1" })
      .setIssuer(ISSUER)
      .setExpirationTime("1h")
      .sign(key);
  [sign, forge] = [signer(own.privateKey), signer(other.privateKey)];
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(own.publicKey)), alg: "ES256", kid: "1" }] });
  const access = policyOf(BY_PRINCIPAL);
  envoy = keep(
    await startGuarded(
      {
        jwt: { access: BY_JWT, filtersBefore: [jwtAuthn(jwks)] },
        state: { access, filtersBefore: [peerPrincipal("x-test-peer")] },
        forwarded: {
          access: policyOf(BY_PRINCIPAL, { principalSources: ["x-forwarded-client-cert"] }),
          manager: FORWARDS,
        },
        unasked: { access, manager: FORWARDS },
        both: {
          access: policyOf(BY_PRINCIPAL, { principalSources: ["filter_state", "x-forwarded-client-cert"] }),
          filtersBefore: [peerPrincipal("x-test-peer")],
          manager: FORWARDS,
        },
      },
      { upstream: recorder, concurrency: 1 },
    ),
  );
});

/** The tools that a caller may use, of those in the policy. */
async function toolsOf(listener: string, tools: string[], headers: Record<string, string>): Promise<string[]> {
  const allowed: string[] = [];
  for (const tool of tools) {
    const sent = { headers: { ...mcp.LEGACY, ...headers }, body: [mcp.toolCall(1, tool)] };
    const { status, body } = await exchange(`${envoy.urlOf(listener)}/mcp`, sent);
    expect(status).toBe(200);
    if (String(body) === mcp.result(1)) allowed.push(tool);
  }
  return allowed;
}

describe("a JWT that jwt_authn has verified", () => {
  const TOOLS = [...["alice", "admins", "no-guests", "weather", "deep", "dotted", "nobody", "anybody"]];

  it.each<[what: string, claims: JWTPayload, tools: string[]]>([
    ["a subject", { sub: "alice" }, ["alice", "anybody"]],
    ["another subject", { sub: "alice2" }, ["anybody"]],
    ["a list", { sub: "b", groups: ["staff", "admin"] }, ["admins", "no-guests", "anybody"]],
    ["a list with what must not be there", { sub: "b", groups: ["admin", "guest"] }, ["admins", "anybody"]],
    ["a string where a list may be", { sub: "b", groups: "admin" }, ["admins", "no-guests", "anybody"]],
    ["an empty text before what must not be there", { sub: "b", groups: ["", "guest"] }, ["anybody"]],
    [
      "an empty text before what must be there",
      { sub: "b", groups: ["", "admin"] },
      ["admins", "no-guests", "anybody"],
    ],
    ["a number before what must not be there", { sub: "b", groups: [0, "guest"] }, ["anybody"]],
    ["a list before what must not be there", { sub: "b", groups: [[], "guest"] }, ["anybody"]],
    ["null before what must not be there", { sub: "b", groups: [null, "guest"] }, ["anybody"]],
    ["false before what must not be there", { sub: "b", groups: [false, "guest"] }, ["anybody"]],
    ["a list in a list", { sub: "b", groups: [["guest"]] }, ["anybody"]],
    ["an object", { sub: "b", groups: { guest: "guest" } }, ["anybody"]],
    ["what a rule denies", { sub: "alice", suspended: "true" }, []],
    ["what a rule denies, in a list", { sub: "alice", suspended: ["", "true"] }, []],
    ["what a rule does not deny", { sub: "alice", suspended: "false" }, ["alice", "anybody"]],
    ["a boolean, which cannot be told", { sub: "alice", suspended: true }, []],
    ["a number, which cannot be told", { sub: "alice", suspended: 1 }, []],
    ["null", { sub: "b", groups: null }, ["anybody"]],
    ["an empty list", { sub: "b", groups: [] }, ["anybody"]],
    ["a part of a value", { sub: "b", groups: ["administrator"] }, ["no-guests", "anybody"]],
    ["a string", { sub: "b", department: "weather-north" }, ["weather", "anybody"]],
    ["a claim within a claim", { sub: "b", realm_access: { roles: ["editor"] } }, ["deep", "anybody"]],
    ["a name with dots", { sub: "b", "https://issuer.example/team": "blue" }, ["dotted", "anybody"]],
    ["names that make the same path", { sub: "b", "realm_access.roles": ["editor"] }, ["anybody"]],
    ["no subject", { groups: ["admin"] }, ["admins", "no-guests", "nobody"]],
  ])("%s", async (_what, claims, tools) => {
    const authorization = `Bearer ${await sign(claims)}`;
    expect(await toolsOf("jwt", TOOLS, { authorization })).toEqual(tools);
  });

  it("none: an anonymous caller, which no pattern matches", async () => {
    expect(await toolsOf("jwt", TOOLS, {})).toEqual(["nobody"]);
  });

  it("the audit matches its claims once more, after the request's headers have gone", async () => {
    const claims = { sub: "b", groups: ["staff", "admin"] };
    await toolsOf("jwt", ["unlisted"], { authorization: `Bearer ${await sign(claims)}` });
    const written = () => /\{"event":"mcp_access_denied".*"target":"unlisted".*\}$/m.exec(envoy.log())?.[0];
    await expect.poll(written).toBeDefined();
    expect(JSON.parse(written()!)).toMatchObject({
      principal: `${ISSUER}/b`,
      nearest: { rule: "for-admins", failed: "to[0].operation.tools" },
    });
  });

  it("jwt_authn rejects a forged one", async () => {
    const headers = { ...mcp.LEGACY, authorization: `Bearer ${await forge({ sub: "alice" })}` };
    const answer = await exchange(`${envoy.urlOf("jwt")}/mcp`, { headers, body: [mcp.toolCall(1, "alice")] });
    expect(answer.status).toBe(401);
  });
});

describe("a principal", () => {
  const TOOLS = Object.keys(BY_PRINCIPAL);
  const MESH = ["reader", "mesh", "not-other", "anybody"];
  const NOBODY = ["nobody"];
  const peer = (uri: string) => ({ "x-test-peer": uri });
  const cert = (value: string) => ({ "x-forwarded-client-cert": value });
  const OTHER = "spiffe://other.example/ns/a/sa/reader";

  it.each<[what: string, listener: string, headers: Record<string, string>, tools: string[]]>([
    ["Istio's filter state", "state", peer(SPIFFE), MESH],
    ["Istio's filter state, another", "state", peer(OTHER), ["anybody"]],
    ["Istio's filter state, empty", "state", {}, NOBODY],
    ["no SPIFFE ID", "state", peer("mesh.example"), ["not-other", "anybody"]],
    ["a name that begins like a trust domain", "state", peer("spiffe://mesh.example.evil/x"), ["not-other", "anybody"]],
    ["a forwarded certificate", "forwarded", cert(`Hash=ab;URI=${SPIFFE}`), MESH],
    ["a forwarded certificate in quotes", "forwarded", cert(`By=x;Subject="CN=a;URI=${OTHER}";URI="${SPIFFE}"`), MESH],
    ["of several, the nearest", "forwarded", cert(`URI=${SPIFFE},URI=${OTHER}`), ["anybody"]],
    ["a header that is cut", "forwarded", cert(`Subject="CN=a;URI=${SPIFFE}`), NOBODY],
    ["a header that nobody asked for", "unasked", cert(`URI=${SPIFFE}`), NOBODY],
    ["the first source that tells", "both", { ...peer(OTHER), ...cert(`URI=${SPIFFE}`) }, ["anybody"]],
    ["the second, where the first is silent", "both", cert(`URI=${SPIFFE}`), MESH],
  ])("%s", async (_what, listener, headers, tools) => {
    expect(await toolsOf(listener, TOOLS, headers)).toEqual(tools);
  });
});

/** A filter that verifies tokens, and passes requests without one. */
function jwtAuthn(jwks: string): Config {
  return {
    name: "envoy.filters.http.jwt_authn",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
      providers: { test: { issuer: ISSUER, local_jwks: { inline_string: jwks }, payload_in_metadata: "payload" } },
      rules: [
        {
          match: { prefix: "/" },
          requires: { requires_any: { requirements: [{ provider_name: "test" }, { allow_missing: {} }] } },
        },
      ],
    },
  };
}
