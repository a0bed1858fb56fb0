/** Tests what limits show: audit lines, the access log, and the bounds of held requests. */
import { describe, expect, test } from "vitest";
import { type Plugin, type Properties } from "../../../scripts/host/index.ts";
import { countsBy, MCP_HEADERS, passSeconds, startWorkers, toolCall } from "./filter.ts";
import { admitted, ask, limited, replyOf, startLimited } from "./limits.ts";

const CALLS = { name: "calls", key: ["principal"], requests: { amount: 2, per: "1m" } };
const as = (name: string): { properties: Properties } => ({
  properties: {
    "connection.uri_san_peer_certificate": `spiffe://a/${name}`,
    "source.address": "10.0.0.1:123",
    "xds.cluster_name": "tools",
  },
});

/** The audit lines of a plugin's VM, parsed, without their times. */
function audit(...plugins: Plugin[]): Record<string, unknown>[] {
  return plugins
    .flatMap(({ vm }) => vm.logs)
    .filter(({ message }) => message.startsWith('{"event":"mcp_limit_'))
    .map(({ message }) => {
      const { time, ...line } = JSON.parse(message) as Record<string, unknown>;
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      return line;
    });
}

describe("the audit", () => {
  test("has a line when limiting of a caller starts and one when it ends, not one for each call", () => {
    const workers = startWorkers(2, { configuration: limited([CALLS]) });
    const headers = { ...MCP_HEADERS, "x-request-id": "r-1" };
    expect(admitted(workers[0], 20, toolCall("a"), { headers, ...as("x") })).toBe(2);
    expect(admitted(workers[1], 20, toolCall("a"), { headers, ...as("x") })).toBe(0);
    const started = {
      event: "mcp_limit_started",
      mode: "enforce",
      rule: "calls",
      scope: "requests",
      request_id: "r-1",
      principal: "spiffe://a/x",
      address: "10.0.0.1",
    };
    expect(audit(...workers)).toEqual([started]);
    passSeconds(workers, 5);
    admitted(workers[1], 1, toolCall("a"), { headers, ...as("x") });
    passSeconds(workers, 9);
    expect(audit(...workers)).toEqual([started]);
    passSeconds(workers, 5);
    const { duration_ms, ...stopped } = audit(...workers)[1];
    expect(stopped).toEqual({
      event: "mcp_limit_stopped",
      mode: "enforce",
      rule: "calls",
      principal: "spiffe://a/x",
      address: "10.0.0.1",
    });
    expect(duration_ms).toBe(5000);
    expect(admitted(workers[0], 9, toolCall("a"), as("x"))).toBeLessThan(3);
    expect(audit(...workers).map(({ event }) => event)).toEqual([
      "mcp_limit_started",
      "mcp_limit_stopped",
      "mcp_limit_started",
    ]);
  });

  test("has at most ten lines per second, and reports how many were omitted", () => {
    const plugin = startLimited([{ ...CALLS, requests: { amount: 1, per: "1h" } }]);
    for (let i = 0; i < 30; i++) admitted(plugin, 2, toolCall("a"), as(`x${i}`));
    expect(audit(plugin)).toHaveLength(10);
    plugin.vm.clock.advance(1000);
    admitted(plugin, 2, toolCall("a"), as("last"));
    expect(audit(plugin)[10]).toMatchObject({ principal: "spiffe://a/last", dropped: 20 });
  });

  test("shows the mode of a rule", () => {
    const plugin = startLimited([{ ...CALLS, mode: "shadow" }]);
    admitted(plugin, 3, toolCall("a"), as("x"));
    expect(audit(plugin)).toMatchObject([{ event: "mcp_limit_started", mode: "shadow" }]);
  });

  test("has a line for an undecidable request, without its bytes", () => {
    const plugin = startLimited([CALLS]);
    ask(plugin, '{"jsonrpc":"2.0","id":1,"method":"tools/call","id":"s3cret"}', as("x"));
    expect(audit(plugin)).toEqual([
      {
        event: "mcp_limit_refused",
        mode: "enforce",
        rule: "_refused",
        reason: "duplicate_key",
        member: "id",
        request_id: expect.any(String),
        principal: "spiffe://a/x",
        address: "10.0.0.1",
      },
    ]);
    expect(JSON.stringify(plugin.vm.logs)).not.toContain("s3cret");
  });
});

describe("the access log", () => {
  test("names the rule that limited the request, also in shadow mode", () => {
    for (const mode of ["enforce", "shadow"]) {
      const plugin = startLimited([{ ...CALLS, mode }]);
      expect(ask(plugin, toolCall("a"), as("x")).stream.state.get("mcp.limit")).toBeUndefined();
      ask(plugin, toolCall("a"), as("x"));
      const { stream } = ask(plugin, toolCall("a"), as("x"));
      expect(String(stream.state.get("mcp.limit"))).toBe("calls");
      expect(String(stream.state.get("mcp.outcome"))).toBe(mode === "shadow" ? "ok" : "limited");
    }
  });
});

describe("the held requests", () => {
  /** Starts requests with this number of bytes whose bodies do not end. */
  function begin(plugin: Plugin, count: number, name: string, size = 10) {
    return Array.from({ length: count }, () => {
      const stream = plugin.stream(as(name).properties);
      const head: [string, string][] = [
        [":method", "POST"],
        [":path", "/mcp"],
        [":authority", "x"],
        ...Object.entries(MCP_HEADERS),
      ];
      stream.requestHeaders(head, false);
      if (stream.reply === undefined) stream.requestBody(Buffer.from("{".padEnd(size)), false);
      return stream;
    });
  }

  test("of one caller are at most a quarter of the limit, and of all callers at most the limit", () => {
    const plugin = startLimited([CALLS], { more: { hold: { maxStreams: 8 } } });
    const mine = begin(plugin, 3, "x");
    expect(mine.map((stream) => replyOf(stream)?.details)).toEqual([undefined, undefined, "mcp_limited[_held]"]);
    expect(replyOf(mine[2])).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
    expect(begin(plugin, 9, "y").filter((stream) => stream.reply === undefined)).toHaveLength(2);
    expect(begin(plugin, 9, "z").filter((stream) => stream.reply === undefined)).toHaveLength(2);
    expect(begin(plugin, 9, "w").filter((stream) => stream.reply === undefined)).toHaveLength(2);
    expect(begin(plugin, 9, "v").filter((stream) => stream.reply === undefined)).toHaveLength(0);
    mine[0].reset("client");
    expect(begin(plugin, 9, "v").filter((stream) => stream.reply === undefined)).toHaveLength(1);
    expect(countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision")).toEqual({
      "_held limited": 1 + 7 + 7 + 7 + 9 + 8,
    });
  });

  test("of one caller have at most a quarter of the bytes", () => {
    const hold = { maxBytes: "4MiB", maxBodyBytes: "512KiB" };
    const plugin = startLimited([CALLS], { more: { hold } });
    const size = 400 * 1024;
    expect(begin(plugin, 9, "x", size).filter((stream) => stream.reply === undefined)).toHaveLength(2);
    expect(begin(plugin, 9, "y", size).filter((stream) => stream.reply === undefined)).toHaveLength(2);
  });

  test("no longer count when they are decided", () => {
    const plugin = startLimited([CALLS], { more: { hold: { maxStreams: 4 } } });
    for (let i = 0; i < 20; i++) ask(plugin, toolCall("a"), as("x"));
    expect(countsBy(plugin, "mcp_limit_decisions_total", "mcp_limit_rule", "mcp_limit_decision")).toEqual({
      "calls admitted": 2,
      "calls limited": 18,
    });
  });

  test("of the access policy are bounded, too: further ones are rejected", () => {
    const access = { rules: [{ name: "all", action: "ALLOW", to: [{ operation: { tools: ["a"] } }] }] };
    const configuration = { match: { paths: ["/mcp"] }, access, hold: { maxStreams: 8 } };
    const [plugin] = startWorkers(1, { configuration });
    const streams = begin(plugin, 3, "x");
    expect(streams[1].reply).toBeUndefined();
    expect(replyOf(streams[2])).toMatchObject({ status: 503, details: "mcp_access_refused[too_many_held]" });
  });
});
