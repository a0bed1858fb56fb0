/** Tests which pages may read a denial: `access.denial.cors`. */
import { describe, expect, test } from "vitest";
import type { Plugin } from "../../../scripts/host/index.ts";
import { startGuarded, tools } from "./access.ts";
import { exchange } from "../../../scripts/host/index.ts";
import { MCP_HEADERS, notification, result, startFilter, toolCall } from "./filter.ts";

const EXPOSED = ["access-control-expose-headers", "mcp-session-id, mcp-protocol-version"];
const JSON_TYPE = ["content-type", "application/json"];
const forOrigin = (origin: string) => [["access-control-allow-origin", origin], EXPOSED, ["vary", "origin"]];

/** The headers of the filter's reply; undefined if the request passes. */
function headersOf(plugin: Plugin, body: string, headers: Record<string, string>, more = {}): unknown {
  const request = { headers: { ...MCP_HEADERS, ...headers }, body, ...more };
  return exchange(plugin, { request, response: { body: result() } }).stream.reply?.headers;
}

const start = (...cors: string[]) => startGuarded({ rules: [tools("ALLOW", "echo", "echo")], denial: { cors } });

describe("a denial", () => {
  test("names the origin of a listed page, and of no other", () => {
    const plugin = start("https://app.example", "http://localhost:6274");
    for (const origin of ["https://app.example", "http://localhost:6274"]) {
      expect(headersOf(plugin, toolCall("add"), { origin })).toEqual([JSON_TYPE, ...forOrigin(origin)]);
    }
    const others = ["https://app.example.evil", "https://app.exampl", "https://APP.example", "null", "", "*"];
    for (const origin of others) expect(headersOf(plugin, toolCall("add"), { origin })).toEqual([JSON_TYPE]);
    expect(headersOf(plugin, toolCall("add"), {})).toEqual([JSON_TYPE]);
  });

  test("names all origins with *, except listed ones, which it names themselves", () => {
    const plugin = start("https://app.example", "*");
    const any = [JSON_TYPE, ["access-control-allow-origin", "*"], EXPOSED];
    expect(headersOf(plugin, toolCall("add"), { origin: "https://other.example" })).toEqual(any);
    expect(headersOf(plugin, toolCall("add"), { origin: "null" })).toEqual(any);
    expect(headersOf(plugin, toolCall("add"), { origin: "https://app.example" })).toEqual([
      JSON_TYPE,
      ...forOrigin("https://app.example"),
    ]);
    expect(headersOf(plugin, toolCall("add"), {})).toEqual([JSON_TYPE]);
  });

  test("names no origin without the option", () => {
    const plugin = startGuarded({ rules: [] });
    expect(headersOf(plugin, toolCall("add"), { origin: "https://app.example" })).toEqual([JSON_TYPE]);
  });

  test.each([
    ["of a notification, without a body", notification("notifications/x"), {}, []],
    ["that is a refusal", "{", {}, [JSON_TYPE]],
    ["of a compressed body", toolCall("add"), { "content-encoding": "gzip" }, [JSON_TYPE]],
    [
      "of headers that disagree",
      toolCall("echo"),
      { "mcp-protocol-version": "2026-07-28", "mcp-method": "ping" },
      [JSON_TYPE],
    ],
  ])("%s has them, too", (_, body, headers, expected) => {
    const origin = "https://app.example";
    expect(headersOf(start(origin), body, { ...headers, origin })).toEqual([...expected, ...forOrigin(origin)]);
  });

  test("does not have the origin of the previous request", () => {
    const plugin = start("https://app.example");
    expect(headersOf(plugin, toolCall("add"), { origin: "https://app.example" })).toHaveLength(4);
    expect(headersOf(plugin, toolCall("add"), {})).toEqual([JSON_TYPE]);
  });
});

test("passing requests and preflights are not changed", () => {
  const plugin = start("https://app.example");
  const origin = "https://app.example";
  expect(headersOf(plugin, toolCall("echo"), { origin })).toBeUndefined();
  expect(headersOf(plugin, "", { origin }, { method: "OPTIONS", body: undefined })).toBeUndefined();
});

test("the origin does not affect decisions", () => {
  const plugin = startFilter({ configuration: { match: { paths: ["/mcp"] }, access: { rules: [] } } });
  expect(headersOf(plugin, toolCall("echo"), { origin: "https://app.example" })).toEqual([JSON_TYPE]);
});
