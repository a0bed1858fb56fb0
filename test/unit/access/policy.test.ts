import { describe, expect, it } from "vitest";

import { type Asked, decide, takePolicy } from "./policy.ts";

const call = (name: unknown, args?: unknown) => ({ id: 1, method: "tools/call", params: { name, arguments: args } });

/** Whether a message is denied where one rule denies, and the default allows, or the other way round. */
function isDenied(action: "ALLOW" | "DENY", rule: object, asked: Asked): boolean {
  takePolicy({ defaultAction: action === "ALLOW" ? "DENY" : "ALLOW", rules: [{ name: "r", action, ...rule }] });
  return decide(asked).isDenied;
}

describe("what cannot be told never allows and always denies", () => {
  const condition = (values: unknown) => ({ when: [{ key: "mcp.arguments[n]", ...(values as object) }] });

  it.each<[string, object, string]>([
    ["an argument that is not there, for what it must not be", condition({ notValues: ["x"] }), "{}"],
    ["a list", condition({ values: ["x"] }), '{"n":["x"]}'],
    ["an object", condition({ values: ["x"] }), '{"n":{"x":1}}'],
    ["null, which may stand for a value that is missing", condition({ values: ["*"] }), '{"n":null}'],
    ["a text for a number", condition({ values: [1] }), '{"n":"1"}'],
    ["a number for a text", condition({ values: ["x", "1"] }), '{"n":1}'],
    ["a text for a boolean, which it must not be", condition({ notValues: [true] }), '{"n":"x"}'],
    ["a fraction", condition({ values: [1] }), '{"n":1.5}'],
    ["an integer of too many digits", condition({ values: [1] }), '{"n":1111111111111111}'],
    ["arguments that are a list", condition({ values: ["x"] }), '["x"]'],
    ["a text that is cut", condition({ values: [`*${"x".repeat(200)}`] }), `{"n":"${"x".repeat(300)}"}`],
  ])("%s", (_, rule, args) => {
    const message = call("a", JSON.parse(args));
    expect(isDenied("ALLOW", rule, { message })).toBe(true);
    expect(isDenied("DENY", rule, { message })).toBe(true);
  });

  it.each<[string, object]>([
    ["a target that is no text", { to: [{ operation: { tools: ["a"] } }] }],
    ["a server that is unknown", { to: [{ operation: { servers: ["a"] } }] }],
    ["a caller without an address", { from: [{ source: { ipBlocks: ["10.0.0.0/8"] } }] }],
    ["nobody, for whom it must not be", { from: [{ source: { notPrincipals: ["a://b"] } }] }],
    ["a revision that is unknown", { when: [{ key: "mcp.protocolVersion", values: ["2025-*"] }] }],
    ["a client whose name is unknown", { when: [{ key: "mcp.clientName", notValues: ["a"] }] }],
  ])("%s", (_, rule) => {
    expect(isDenied("ALLOW", rule, { message: call(5) })).toBe(true);
    expect(isDenied("DENY", rule, { message: call(5) })).toBe(true);
  });

  it("nobody is a principal that no pattern stands for", () => {
    const everybody = { from: [{ source: { principals: ["*"] } }] };
    const nobody = { from: [{ source: { anonymous: true } }] };
    const message = call("a");
    expect(isDenied("ALLOW", everybody, { message })).toBe(true);
    expect(isDenied("DENY", everybody, { message })).toBe(false);
    expect(isDenied("ALLOW", nobody, { message })).toBe(false);
    expect(isDenied("ALLOW", nobody, { message, principal: "spiffe://a/b" })).toBe(true);
  });

  it("minus nought, which is nought to every parser", () => {
    const message = call("a", { n: 0 });
    const json = JSON.stringify(message).replace('"n":0', '"n":-0');
    expect(isDenied("DENY", condition({ values: [0] }), { message })).toBe(true);
    expect(isDenied("DENY", condition({ values: [0] }), { message, json })).toBe(true);
    expect(isDenied("ALLOW", condition({ notValues: [0] }), { message, json })).toBe(true);
  });
});

describe("an argument", () => {
  it.each<[unknown, unknown, boolean]>([
    ["/tmp/*", "/tmp/a", true],
    ["/tmp/*", "/etc", false],
    ["/tmp/*", `/tmp/${"x".repeat(1000)}`, true],
    [5, 5, true],
    ["5", "5", true],
    [5, 50, false],
    [true, true, true],
    [true, false, false],
    ["", "", true],
    ["*", "", true],
    ["*", undefined, false],
  ])("that must be %j and is %j: allowed %j", (value, argument, isAllowed) => {
    for (const [key, args] of [
      ["mcp.arguments[n]", { n: argument, m: 1 }],
      ["mcp.arguments[a][b.c][n]", { a: { "b.c": { n: argument }, n: "other" }, n: "other" }],
    ] as const) {
      const rule = { when: [{ key, values: [value] }] };
      expect(isDenied("ALLOW", rule, { message: call("a", args) })).toBe(!isAllowed);
      expect(isDenied("DENY", rule, { message: call("a", args) })).toBe(isAllowed);
    }
  });

  it("of several kinds is compared with its own, and otherwise cannot be told", () => {
    const rule = { when: [{ key: "mcp.arguments[n]", values: [5, "a*"] }] };
    for (const [value, isAllowed, isDeniedToo] of [
      [5, true, true],
      ["ab", true, true],
      ["b", false, true],
      [6, false, true],
    ] as const) {
      expect(isDenied("ALLOW", rule, { message: call("a", { n: value }) }), `${value}`).toBe(!isAllowed);
      expect(isDenied("DENY", rule, { message: call("a", { n: value }) }), `${value}`).toBe(isDeniedToo);
    }
  });

  it("is one of those that stand in the right place", () => {
    const rule = { when: [{ key: "mcp.arguments[n]", values: ["x"] }] };
    expect(isDenied("ALLOW", rule, { message: { ...call("a"), n: "x" } })).toBe(true);
    expect(isDenied("ALLOW", rule, { message: call("a", { a: { n: "x" } }) })).toBe(true);
    expect(isDenied("ALLOW", rule, { message: { id: 1, method: "tools/call", params: { n: "x" } } })).toBe(true);
  });
});

describe("what a completion is about", () => {
  const completion = (ref: object) => ({ id: 1, method: "completion/complete", params: { ref } });
  const prompts = { to: [{ operation: { prompts: ["a"] } }] };
  const resources = { to: [{ operation: { resources: ["a"] } }] };

  it("is said by the type of its reference", () => {
    const prompt = completion({ type: "ref/prompt", name: "a" });
    const resource = completion({ type: "ref/resource", uri: "a" });
    expect(isDenied("ALLOW", prompts, { message: prompt })).toBe(false);
    expect(isDenied("ALLOW", resources, { message: prompt })).toBe(true);
    expect(isDenied("ALLOW", resources, { message: resource })).toBe(false);
    expect(isDenied("ALLOW", prompts, { message: resource })).toBe(true);
  });

  it("whatever else is in it", () => {
    const prompt = completion({ type: "ref/prompt", name: "a", uri: "b" });
    const resource = completion({ type: "ref/resource", name: "b", uri: "a" });
    expect(isDenied("DENY", prompts, { message: prompt })).toBe(true);
    expect(isDenied("DENY", resources, { message: resource })).toBe(true);
    for (const message of [prompt, resource, completion({ type: "ref/prompt", name: "b", uri: "a" })]) {
      expect(isDenied("ALLOW", resources, { message })).toBe(true);
      expect(isDenied("ALLOW", prompts, { message })).toBe(true);
    }
  });

  it.each([{}, { type: "ref/else", name: "a", uri: "a" }, { name: "a" }, { type: 5, uri: "a" }])(
    "cannot be told of %j",
    (ref) => {
      for (const rule of [prompts, resources]) {
        expect(isDenied("ALLOW", rule, { message: completion(ref) })).toBe(true);
        expect(isDenied("DENY", rule, { message: completion(ref) })).toBe(true);
      }
    },
  );
});

describe("claims", () => {
  const claims = (fields: object) => ({ from: [{ source: { claims: [{ path: ["groups"], ...fields }] } }] });
  const message = call("a");
  const asked = (...groups: string[]): Asked => ({ message, claims: { groups } });

  it("of a list: one element, and none that must not be", () => {
    const rule = claims({ values: ["dev", "ops-*"], notValues: ["banned"] });
    expect(isDenied("ALLOW", rule, asked("x", "ops-1"))).toBe(false);
    expect(isDenied("ALLOW", rule, asked("x"))).toBe(true);
    expect(isDenied("ALLOW", rule, asked("dev", "banned"))).toBe(true);
    expect(isDenied("ALLOW", rule, { message, claims: { groups: "dev" } })).toBe(false);
    expect(isDenied("ALLOW", rule, { message })).toBe(true);
  });

  it("of a list of more than 64: the others cannot be told", () => {
    const many = Array.from({ length: 64 }, (_, i) => `g${i}`);
    const banned = claims({ notValues: ["banned"] });
    expect(isDenied("ALLOW", banned, asked(...many.slice(1)))).toBe(false);
    expect(isDenied("ALLOW", banned, asked(...many, "banned"))).toBe(true);
    expect(isDenied("DENY", claims({ values: ["g99"] }), asked(...many, "g99"))).toBe(true);
    expect(isDenied("ALLOW", claims({ values: ["g5"] }), asked(...many))).toBe(false);
  });

  it("of a list with an empty element: what is behind it counts", () => {
    expect(isDenied("ALLOW", claims({ notValues: ["banned"] }), asked("x", "", "banned"))).toBe(true);
    expect(isDenied("ALLOW", claims({ notValues: ["banned"] }), asked("", "banned"))).toBe(true);
    expect(isDenied("DENY", claims({ values: ["banned"] }), asked("x", "", "banned"))).toBe(true);
  });

  it("further in", () => {
    const rule = { from: [{ source: { claims: [{ path: ["realm_access", "ro.les"], values: ["a"] }] } }] };
    const path = "metadata/filter_metadata/envoy.filters.http.jwt_authn/payload/realm_access/ro.les";
    expect(isDenied("ALLOW", rule, { message, properties: { [`${path}/0`]: "b", [`${path}/1`]: "a" } })).toBe(false);
    expect(isDenied("ALLOW", rule, { message, properties: { [path]: "a" } })).toBe(false);
  });
});

describe("who calls", () => {
  const JWT = "metadata/filter_metadata/envoy.filters.http.jwt_authn/payload";
  const all: Omit<Asked, "message"> = {
    properties: {
      "connection/uri_san_peer_certificate": "spiffe://peer/x",
      "filter_state/io.istio.peer_principal": "spiffe://state/x",
      [`${JWT}/iss`]: "https://issuer",
      [`${JWT}/sub`]: "me",
    },
    forwarded: "By=spiffe://proxy/x;URI=spiffe://forwarded/x",
  };
  const names = ["spiffe://peer/x", "spiffe://state/x", "https://issuer/me", "spiffe://forwarded/x"];

  /** The principals of whom the policy with these sources sees one. */
  function seen(principalSources: string[] | undefined, asked: Omit<Asked, "message">): string[] {
    return names.filter((principal) => {
      const rules = [{ name: "r", action: "ALLOW", from: [{ source: { principals: [principal] } }] }];
      takePolicy({ principalSources, rules });
      return !decide({ message: call("a"), ...asked }).isDenied;
    });
  }

  it("comes from the first source that has one", () => {
    expect(seen(undefined, all)).toEqual([names[0]]);
    const sources = ["jwt", "x-forwarded-client-cert", "filter_state", "peer_certificate"];
    expect(seen(sources, all)).toEqual([names[2]]);
    expect(seen(sources, { ...all, properties: { [`${JWT}/iss`]: "https://issuer" } })).toEqual([names[3]]);
    expect(seen(["filter_state", "jwt"], { properties: {} })).toEqual([]);
    expect(seen(["filter_state", "jwt"], all)).toEqual([names[1]]);
  });

  it("is not told by a source that is not asked", () => {
    const { properties, ...forwarded } = all;
    expect(seen(undefined, forwarded)).toEqual([]);
    expect(seen(["x-forwarded-client-cert"], { properties })).toEqual([]);
    expect(seen([], all)).toEqual([]);
  });

  it("is known by a trust domain only as a SPIFFE ID", () => {
    const domain = (trustDomain: string) => ({ from: [{ source: { trustDomains: [trustDomain] } }] });
    const message = call("a");
    expect(isDenied("ALLOW", domain("a"), { message, principal: "spiffe://a/ns/x" })).toBe(false);
    expect(isDenied("ALLOW", domain("a"), { message, principal: "spiffe://a" })).toBe(false);
    for (const principal of ["spiffe://ab/x", "spiffe://x/spiffe://a/", "https://a/x", "a", "", "SPIFFE://a/x"]) {
      expect(isDenied("ALLOW", domain("a"), { message, principal }), principal).toBe(true);
    }
  });
});

describe("rules", () => {
  const rule = (name: string, action: "ALLOW" | "DENY", tool: string) => ({
    ...{ name, action },
    to: [{ operation: { tools: [tool] } }],
  });

  it("are asked in their order: the first that applies decides", () => {
    takePolicy({ rules: [rule("r0", "ALLOW", "a"), rule("r1", "DENY", "a*"), rule("r2", "ALLOW", "*")] });
    const decidedBy = (name: string) => decide({ message: call(name) }).rule;
    expect(["a", "ab", "b"].map(decidedBy)).toEqual([0, 1, 2]);
    expect(decide({ message: { id: 1, method: "tools/list" } })).toMatchObject({ rule: -1, isDenied: true });
  });

  it("that are tried out decide nothing", () => {
    takePolicy({ rules: [{ ...rule("r0", "DENY", "a"), mode: "shadow" }, rule("r1", "ALLOW", "*")] });
    expect(decide({ message: call("a") })).toMatchObject({ rule: 1, isDenied: false, applying: [0, 1] });
  });

  it("of whom nothing asks for the body, let it pass at once", () => {
    const from = [{ source: { principals: ["spiffe://a/*"] } }];
    takePolicy({ rules: [{ name: "r", action: "ALLOW", from }, rule("s", "DENY", "a")] });
    const isAllowedBefore = (principal: string) => decide({ message: call("b"), principal }).isAllowedBefore;
    expect(isAllowedBefore("spiffe://a/b")).toBe(true);
    expect(isAllowedBefore("spiffe://b/b")).toBe(false);
  });
});
