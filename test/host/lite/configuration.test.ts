/** What the build for plain hosts rejects in a configuration, which other builds accept. */
import { describe, expect, test } from "vitest";
import { type Plugin } from "../../../scripts/host/index.ts";
import { methods, tools } from "../filter/access.ts";
import { startFilter } from "../filter/filter.ts";
import { shippedConfiguration, startLite } from "./lite.ts";

const ALLOW = { name: "all", action: "ALLOW" };
const problemsOf = ({ vm }: Plugin) =>
  vm.logs.filter(({ level }) => level === "warn" || level === "error").map(({ message }) => message);

/** A policy with a rule about some callers, or with a condition. */
const from = (source: object) => ({ access: { rules: [{ ...ALLOW, from: [{ source }] }] } });
const when = (key: string, value = "x") => ({ access: { rules: [{ ...ALLOW, when: [{ key, values: [value] }] }] } });
const CASES: [path: string, configuration: object][] = [
  ["hold.headers", { hold: { headers: true }, access: { rules: [ALLOW] } }],
  ["hold.maxBodyBytes", { hold: { maxBodyBytes: "9KiB" }, access: { rules: [ALLOW] } }],
  ["hold.maxStreams", { hold: { maxStreams: 1001 }, access: { rules: [ALLOW] } }],
  ["hold.maxBytes", { hold: { maxBytes: "9MiB" }, access: { rules: [ALLOW] } }],
  ["access.pins", { access: { rules: [ALLOW], pins: [{ tools: { echo: `sha256:${"0".repeat(64)}` } }] } }],
  ["access.rules[0].when[0].key", when("mcp.clientName")],
  ["access.rules[0].from[0].source.ipBlocks", from({ ipBlocks: ["10.0.0.0/8"] })],
  ["access.rules[0].from[0].source.claims", from({ claims: [{ path: ["sub"], values: ["x"] }] })],
  ["access.rules[0].from[0].source", from({ principals: ["spiffe://mesh.example/*"] })],
];

describe("a part of a policy that the host cannot serve", () => {
  test.each(CASES)("%s is an error with its path", (path, configuration) => {
    const problems = problemsOf(startLite(configuration));
    expect(problems.join("\n")).toContain(`${path}: `);
    const envoy = startFilter({ configuration: { match: { paths: ["/mcp"] }, ...configuration } });
    expect(problemsOf(envoy).join("\n")).not.toContain(`${path}: `);
  });
});

test.each([
  ["arguments", when("mcp.arguments[text]")],
  ["the revision", when("mcp.protocolVersion", "2025-11-25")],
  ["methods and tools", { access: { rules: [tools("ALLOW", "a", "get_*"), methods("ALLOW", "b", "*/list")] } }],
  [
    "principals of the header",
    {
      identity: { principalSources: ["x-forwarded-client-cert"] },
      ...from({ principals: ["spiffe://mesh.example/*"] }),
    },
  ],
  [
    "what the build can hold",
    { hold: { maxBodyBytes: "8KiB", maxStreams: 1000, maxBytes: "8MiB" }, access: { rules: [ALLOW] } },
  ],
])("rules about %s have no problems", (_name, configuration) => {
  expect(problemsOf(startLite(configuration))).toEqual([]);
});

test.each(["statistics.json", "access.json"])("envoy/google/%s has no problems", (file) => {
  expect(problemsOf(startLite(shippedConfiguration(file)))).toEqual([]);
});
