/** The headers that `responseHeaders` adds to responses in the build for plain hosts. */
import { expect, test } from "vitest";
import { exchange, type HttpStream, type Plugin } from "../../../scripts/host/index.ts";
import { tools } from "../filter/access.ts";
import { JSON_ANSWER, MCP_HEADERS, request, result, toolCall } from "../filter/filter.ts";
import { linesOf, startLite } from "./lite.ts";

const SESSION = { ...MCP_HEADERS, "mcp-session-id": "s-1", "mcp-protocol-version": "2025-11-25" };
const POLICY = { access: { rules: [tools("DENY", "no-rm", "rm*"), { name: "rest", action: "ALLOW" }] } };

function send(plugin: Plugin, body: string, headers: object = {}): HttpStream {
  return exchange(plugin, {
    request: { headers: SESSION, body },
    response: { headers: { ...JSON_ANSWER, ...headers }, body: result() },
  }).stream;
}

/** The headers of a response besides status and type. */
function shown(stream: HttpStream): Record<string, string> {
  const others = stream.responseHead.filter(([name]) => ![":status", "content-type"].includes(name));
  return Object.fromEntries(others);
}

test.each([true, false])("a response has the fields of its line; logFields: %s", (logFields) => {
  const plugin = startLite({ responseHeaders: true, logFields, ...POLICY });
  const headers = shown(send(plugin, toolCall("echo"), { "x-mcp-outcome": "forged", "x-mcp-target": "forged" }));
  expect(headers).toEqual({
    "x-mcp-method": "tools/call",
    "x-mcp-target": "echo",
    "x-mcp-era": "legacy",
    "x-mcp-session": expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    "x-mcp-rule": "rest",
  });
  const [line] = linesOf(plugin);
  if (logFields) expect(headers).toMatchObject({ "x-mcp-session": line.session, "x-mcp-rule": line.rule });
  else expect(line).toBeUndefined();
});

test("by default, responses do not change", () => {
  const plugin = startLite(POLICY);
  expect(shown(send(plugin, toolCall("echo"), { "x-mcp-target": "the server's" }))).toEqual({
    "x-mcp-target": "the server's",
  });
});

test.each([true, false])("the reply to a denied request has its outcome and rule; logFields: %s", (logFields) => {
  const { reply } = send(startLite({ responseHeaders: true, logFields, ...POLICY }), toolCall("rm"));
  expect(reply?.headers).toEqual([
    ["content-type", "application/json"],
    ["x-mcp-outcome", "denied"],
    ["x-mcp-rule", "no-rm"],
  ]);
});

test("a longest name stays within the limit", () => {
  const plugin = startLite({ responseHeaders: true });
  const headers = shown(send(plugin, request("prompts/get", { name: "\u{1f600}".repeat(32) })));
  expect(headers["x-mcp-target"]).toBe("%F0%9F%98%80".repeat(10));
});
