import { describe, expect, test } from "vitest";
import { tokensOf } from "../../../estimator.ts";
import type { Plugin } from "../../../../scripts/host/index.ts";
import { JSON_ANSWER, MCP_HEADERS, passSeconds, post, request, result, startWorkers, toolCall } from "../filter.ts";
import { text } from "./contents.ts";
import { modelTokens, start, tokenCounts } from "./tokens.ts";

const FAMILIES = ["mcp_tokens_total", "mcp_session_tokens", "mcp_definition_tokens"];
const SENTENCE = "Sunny with some clouds in the afternoon, 21 degrees. ";

/** Passes a session that lists tools, calls one and ends. */
function runSession(tokens: object): Plugin {
  const [worker] = startWorkers(1, { configuration: { tokens } });
  const headers = { ...MCP_HEADERS, "mcp-session-id": "s", "mcp-protocol-version": "2025-11-25" };
  const begun = { headers: { ...JSON_ANSWER, "mcp-session-id": "s" }, body: result({ protocolVersion: "2025-11-25" }) };
  post(worker, request("initialize", {}), begun);
  const tools = [{ name: "echo", description: "Says it again", inputSchema: { type: "object" } }];
  post(worker, request("tools/list", {}), result({ tools }), { headers });
  const answer = result({ content: [text(SENTENCE.repeat(20))], structuredContent: { sky: "sunny" } });
  post(worker, toolCall("echo"), answer, { headers });
  post(worker, toolCall("echo"), { status: 404 }, { headers });
  passSeconds([worker], 13);
  return worker;
}

/** All recorded metrics, by series. */
function everything({ vm: { metrics } }: Plugin): Record<string, unknown> {
  return { ...metrics.counters(), ...metrics.gauges(), ...metrics.histograms() };
}

describe("tokens.estimate", () => {
  test("false: none of the three families, and no other metric changes", () => {
    const other = Object.entries(everything(runSession({}))).filter(([name]) => !FAMILIES.includes(familyOf(name)));
    expect(everything(runSession({ estimate: false }))).toEqual(Object.fromEntries(other));
  });

  test("true, and by default: all three", () => {
    const families = Object.keys(everything(runSession({ estimate: true }))).map(familyOf);
    expect(families).toEqual(expect.arrayContaining(FAMILIES));
    expect(everything(runSession({ estimate: true }))).toEqual(everything(runSession({})));
  });

  function familyOf(series: string): string {
    return series.split("{")[0];
  }
});

describe("tokens.scale", () => {
  test("2: twice the tokens, of each kind, of the session and of its definitions", () => {
    const once = runSession({ scale: 1 });
    const twice = runSession({ scale: 2.0 });
    const counts = tokenCounts(once);
    expect(Object.keys(tokenCounts(twice))).toEqual(Object.keys(counts));
    // Each message's tokens of a kind are rounded. Those of the call's arguments are rounded twice.
    for (const [key, tokens] of Object.entries(tokenCounts(twice))) {
      expect(Math.abs(tokens - 2 * counts[key])).toBeLessThanOrEqual(key.startsWith("arguments") ? 2 : 1);
    }
    for (const plugin of [once, twice]) {
      expect(plugin.vm.metrics.histogram("mcp_session_tokens").values).toEqual([modelTokens(plugin)]);
      const definitions = plugin.vm.metrics.counter("mcp_tokens_total", { mcp_token_kind: "definitions" });
      expect(plugin.vm.metrics.gauge("mcp_definition_tokens")).toBe(definitions);
    }
  });

  test.each([0.01, 0.5, 1.37, 100])("%d: the product is rounded", (scale) => {
    const plugin = start({ scale });
    post(plugin, toolCall("echo"), result({ content: [text(SENTENCE), text(SENTENCE)] }));
    expect(tokenCounts(plugin)["result echo"] ?? 0).toBe(tokensOf([SENTENCE, SENTENCE], scale));
    expect(tokenCounts(plugin)["arguments echo"] ?? 0).toBe(tokensOf([{ text: "hello" }], scale));
  });
});

describe("tokens.maxBytes", () => {
  const long = SENTENCE.repeat(40_000);
  const exact = tokensOf([long], 1, long.length);
  const estimated = (maxBytes: string, ...texts: string[]) => {
    const plugin = start({ maxBytes });
    post(plugin, toolCall("echo"), result({ content: texts.map(text) }));
    return tokenCounts(plugin)["result echo"];
  };

  test("up to this size, everything is read", () => {
    expect(estimated("3MiB", long)).toBe(exact);
    expect(estimated(`${long.length}B`, long)).toBe(exact);
  });

  test.each(["0B", "1KiB", "256KiB"])("%s: beyond this size, the rest is estimated", (maxBytes) => {
    const tokens = estimated(maxBytes, long);
    expect(tokens).not.toBe(exact);
    expect(Math.abs(tokens - exact) / exact).toBeLessThan(0.01);
  });

  test("limits a message, not each of its texts", () => {
    const half = long.slice(0, long.length / 2);
    expect(estimated(`${half.length}B`, half)).toBe(tokensOf([half], 1, half.length));
    expect(estimated(`${half.length}B`, half, half)).not.toBe(tokensOf([half, half], 1, 2 * half.length));
  });

  test("an invalid size is an error that names its path", () => {
    const plugin = start({ maxBytes: "lots", scale: 0, estimate: "yes" });
    expect(plugin.vm.logs.map(({ message }) => message).join("\n")).toMatch(
      /tokens\.maxBytes: expected a size[^]*tokens\.scale: expected a number[^]*tokens\.estimate: expected a boolean/,
    );
  });
});
