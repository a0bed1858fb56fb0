import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  clear: () => void;
  add: (at: number, length: number) => void;
  names: (at: number, length: number) => number;
  mayName: (at: number, length: number) => number;
}

const module: TestModule<Exports> = new TestModule("paths");
const { exports } = module;

function take(...patterns: string[]): void {
  exports.clear();
  for (const pattern of patterns) module.lend(Buffer.from(pattern), exports.add);
}

const names = (path: string) => module.lend(Buffer.from(path), exports.names) !== 0;
const mayName = (path: string) => module.lend(Buffer.from(path), exports.mayName) !== 0;

/** The path as a lenient server may read it, without a slash at its end; as bytes, a character each. */
function normalized(path: string): string {
  const decoded = Buffer.from(path)
    .toString("latin1")
    .replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)))
    .replaceAll("\\", "/")
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const segments: string[] = [];
  for (const segment of decoded.split("/").map((each) => each.replace(/;.*/s, ""))) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return segments.map((segment) => `/${segment}`).join("");
}

/** Whether a pattern, in small letters and without anything to undo, names the path as it is read, or what it is below. */
function oracle(pattern: string, path: string): boolean {
  const read = normalized(path);
  if (pattern.endsWith("*") && read.startsWith(pattern.slice(0, -1))) return true;
  return `${read}/`.startsWith(`${pattern.replace(/\/*\*?$/, "")}/`);
}

const PIECES = [
  ...["/mcp", "/MCP", "/mcp", "/", "//", "/.", "/..", "/x", "%2f", "%2F", "\\", ";a=b", "%6D", "m", "cp", "%2e", "."],
  ...["%", "%2", "%zz", "%5c", "%3b", "/a", "b", "tenants", "é", "%c3%a9"],
];
const paths = fc.array(fc.constantFrom(...PIECES), { maxLength: 7 }).map((pieces) => `/${pieces.join("")}`);
const patterns = fc.constantFrom("/mcp", "/mcp/", "/a/mcp", "/*", "/mcp*", "/mcp/*", "/a/*", "/tenants/*");

describe("a path that a server may read as one that is named", () => {
  itHolds(
    "is what is left once its segments are resolved and its escapes undone, or below it",
    10_000,
    fc.property(patterns, paths, (pattern, path) => {
      take(pattern);
      if (oracle(pattern, path)) assert.ok(mayName(path), `${path} by ${pattern}`);
    }),
  );

  itHolds(
    "is each that is named as it stands",
    3000,
    fc.property(patterns, paths, (pattern, path) => {
      take(pattern);
      if (names(path) && !/[%\\;]|\/\.|\/\//.test(path)) assert.ok(mayName(path), `${path} by ${pattern}`);
    }),
  );

  it.each([
    ...["/mcp", "/mcp/", "//mcp", "/MCP", "/%6dcp", "/x/../mcp", "/./mcp", "/mcp;v=1", "/%2e%2e/mcp", "/x%2f..%2fmcp"],
    ...["\\mcp", "/mcp/.", "/mcp/x/..", "/../mcp", "/mcp//", "/x%2/../mcp", "/mcp/x"],
  ])("%s may be /mcp", (path) => {
    take("/other", "/mcp");
    expect(mayName(path)).toBe(true);
  });

  it.each(["/", "/mc", "/mcpx", "/x", "/mcp%zz", "/%256dcp", "/xmcp", "/x/mcp", "/mcp.", "/api?/mcp"])(
    "%s is not /mcp",
    (path) => {
      take("/mcp");
      expect(mayName(path)).toBe(false);
    },
  );

  it("is the root alone, not what is below it", () => {
    take("/");
    expect(["/", "//", "/./", "/token", "/mcp/"].map(mayName)).toEqual([true, true, true, false, false]);
    take("/*");
    expect(["/", "/token"].map(mayName)).toEqual([true, true]);
  });

  it("is each that is too long to be looked at", () => {
    take("/mcp");
    expect(mayName(`/${"x".repeat(2047)}`)).toBe(false);
    expect(mayName(`/${"x".repeat(2048)}`)).toBe(true);
  });

  it("is one of several", () => {
    take();
    expect(mayName("/mcp")).toBe(false);
    take("/a", "/b/*");
    expect(["/a", "/b", "/b/c", "/c", "/A/", "/bc"].map(mayName)).toEqual([true, true, true, false, true, false]);
  });
});
