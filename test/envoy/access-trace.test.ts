/** What Envoy writes at level trace: how each rule of the access policy matches. */
import { expect, it } from "vitest";
import * as mcp from "./mcp-messages.ts";
import { post, TOOL, useScenarios } from "./outcomes.ts";

const rules = [
  { name: "handshake", action: "ALLOW", to: [{ operation: { methods: ["@handshake"] } }] },
  { name: "local", action: "ALLOW", from: [{ source: { ipBlocks: ["127.0.0.0/8"], principals: ["spiffe://a/*"] } }] },
];
const scenarios = useScenarios({
  pluginConfig: JSON.stringify({ log: "trace", match: { paths: ["/mcp"] }, access: { rules } }),
});

/** The lines of this event that Envoy wrote. */
function lines(event: string): Record<string, unknown>[] {
  const found = scenarios.envoy.log().matchAll(new RegExp(`\\{"event":"${event}".*\\}$`, "gm"));
  return [...found].map(([json]) => JSON.parse(json) as Record<string, unknown>);
}

it("has a line for each rule once Envoy logs its plugins at trace, and none before", async () => {
  const { adminUrl, proxyUrl } = scenarios.envoy;
  const url = `${proxyUrl}/mcp`;
  await post(url, 200, mcp.toolCall(1, TOOL));
  await expect.poll(() => lines("mcp_access_denied")).toHaveLength(1);
  expect(lines("mcp_access_rule")).toEqual([]);
  await fetch(`${adminUrl}/logging?wasm=trace`, { method: "POST" });
  await post(url, 200, mcp.toolCall(1, TOOL));
  await expect.poll(() => lines("mcp_access_denied")).toHaveLength(2);
  expect(lines("mcp_access_rule").map(({ rule, applies, parts }) => ({ rule, applies, parts }))).toEqual([
    { rule: "handshake", applies: false, parts: { "to[0].operation.methods": "no" } },
    {
      rule: "local",
      applies: false,
      parts: { "from[0].source.principals": "no", "from[0].source.ipBlocks": "yes" },
    },
  ]);
  const ids = lines("mcp_access_rule").map(({ request_id }) => request_id);
  const { request_id, nearest } = lines("mcp_access_denied")[1];
  expect(ids).toEqual([request_id, request_id]);
  expect(nearest).toEqual({ rule: "local", failed: "from[0].source.principals" });
});
