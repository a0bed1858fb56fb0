import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut } from "../chunks.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  begin(path: number, pathLength: number): void;
  feed(at: number, length: number): void;
  resolve(): void;
}

let found: string | undefined;

const module: TestModule<Exports> = new TestModule("endpoint", {
  target(at: number, length: number): void {
    found = module.bytes(at, length).toString();
  },
});

/** The path and query that a reference leads to from a stream of this path; undefined where it leads nowhere. */
function target(path: string, reference: string, sizes: readonly number[] = [2000]): string | undefined {
  found = undefined;
  module.lend(Buffer.from(path), (at, length) => module.exports.begin(at, length));
  for (const chunk of cut(Buffer.from(reference), sizes)) {
    module.lend(chunk, (at, length) => module.exports.feed(at, length));
  }
  module.exports.resolve();
  return found;
}

/** The same by the standard's own implementation. */
function expectedTarget(path: string, reference: string): string {
  const { pathname, search } = new URL(reference, `http://mcp.example${path}`);
  return pathname + search;
}

/** What a URL parser leaves as it is. */
const characters = fc.constantFrom(
  "a",
  "B",
  "7",
  "-",
  "~",
  "_",
  "%41",
  "%2F",
  "=",
  "&",
  ";",
  "@",
  "+",
  "!",
  "(",
  "*",
  ",",
  "$",
);
// No ".a" beside "a.": of "/a./.a/." the URL parser of Node 20 leaves the last dot, against the standard.
const word = fc.array(characters, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(""));
const segment = fc.oneof({ weight: 4, arbitrary: word }, fc.constantFrom(".", "..", "", "...", "a:b"));
const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => `/${segments.join("/")}`);
const query = fc.oneof(
  { weight: 2, arbitrary: fc.constant("") },
  fc
    .array(fc.oneof(characters, fc.constantFrom("/", "?", "..", "/../", ":")), { minLength: 1, maxLength: 6 })
    .map((parts) => `?${parts.join("")}`),
);
const fragment = fc.oneof(
  { weight: 5, arbitrary: fc.constant("") },
  word.map((text) => `#${text}/../?x`),
);

/** Whether it begins with an authority, or its first segment could be a scheme: then it is none of this kind. */
const startsOtherwise = (text: string) => text.startsWith("//") || /^[^/?]*:/.test(text);

const authority = fc.constantFrom(
  "http://mcp.example",
  "https://mcp.example:8443",
  "//mcp.example",
  "http://u@h.example:1",
);
const absolute = fc.tuple(authority, fc.oneof(path, fc.constant("")), query).map((parts) => parts.join(""));
const rooted = fc.tuple(path, query).map((parts) => parts.join(""));
const relative = fc
  .tuple(
    path.map((text) => text.slice(1)),
    query,
  )
  .map((parts) => parts.join(""));
const queryOnly = query.filter((text) => text !== "");
const references = fc
  .tuple(
    fc.oneof(
      absolute,
      fc.oneof(rooted, relative, queryOnly).filter((text) => text !== "" && !startsOtherwise(text)),
    ),
    fragment,
  )
  .map((parts) => parts.join(""));

/** The path in a request, which has no dot segments. */
const bases = path.map((text) => new URL(`http://mcp.example${text}`).pathname);

describe("the reference of an endpoint event", () => {
  itHolds(
    "is resolved as the standard has it, however it comes",
    3000,
    fc.property(bases, references, chunkSizes, (base, reference, sizes) => {
      assert.equal(target(base, reference, sizes), expectedTarget(base, reference));
    }),
  );

  it.each([
    ["/sse", "/messages?sessionId=1", "/messages?sessionId=1"],
    ["/a/b/sse", "../messages", "/a/messages"],
    ["/sse", "https://elsewhere.example?a=1", "/?a=1"],
    ["/sse", "https://elsewhere.example", "/"],
    ["/a/sse", "?a=1", "/a/sse?a=1"],
    ["/sse", "/a/b/c/./../../g", "/a/g"],
    ["/sse", "/messages#here", "/messages"],
  ])("of a stream at %s, %s, leads to %s", (base, reference, expected) => {
    expect(target(base, reference)).toBe(expected);
    expect(expectedTarget(base, reference)).toBe(expected);
  });

  it("may have segments that only begin or end with a dot", () => {
    expect(target("/sse", "/a./.a/...a/a../x/../.b/.")).toBe("/a./.a/...a/a../.b/");
  });

  it("of nothing, or of too much, leads nowhere", () => {
    expect(target("/sse", "")).toBeUndefined();
    expect(target("/sse", "#here")).toBeUndefined();
    expect(target("/sse", `/${"x".repeat(1023)}`)).toBe(`/${"x".repeat(1023)}`);
    expect(target("/sse", `/${"x".repeat(1024)}`)).toBeUndefined();
    expect(target("/sse", `/${"x".repeat(2024)}`, [7])).toBeUndefined();
    expect(target(`/${"x".repeat(1023)}`, "?a")).toBe(`/${"x".repeat(1023)}?a`);
    // Of a longer path only what does not depend on it.
    for (const reference of ["?a", "a", "./a"]) expect(target(`/${"x".repeat(1024)}`, reference)).toBeUndefined();
    for (const reference of ["/a", "//mcp.example/a", "https://mcp.example/a"]) {
      expect(target(`/${"x".repeat(1024)}`, reference)).toBe("/a");
    }
    expect(target("/sse", "/a")).toBe("/a");
  });
});
