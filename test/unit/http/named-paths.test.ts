import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { KNOWN_READINGS, readAs, STEPS, type StepName } from "../../fixtures/paths/readings.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  clear: () => void;
  add: (at: number, length: number) => void;
  mayName: (at: number, length: number, pathLength: number) => number;
}

const module: TestModule<Exports> = new TestModule("paths");
const { exports } = module;

function take(...patterns: string[]): void {
  exports.clear();
  for (const pattern of patterns) module.lend(Buffer.from(pattern), exports.add);
}

/** Whether a target is one of the paths that {@link take} took. */
function mayName(target: string): boolean {
  const bytes = Buffer.from(target);
  const query = bytes.indexOf("?");
  const pathLength = query < 0 ? bytes.length : query;
  return module.lend(bytes, (at, length) => exports.mayName(at, length, pathLength)) !== 0;
}

/** The configured path in any case, or one below it. */
const isNamed = (read: string | undefined, named: string) =>
  read !== undefined && (read === named || read.startsWith(`${named}/`));

/** Spellings of a character that some server decodes. */
const SPELLINGS: ((character: string) => string)[] = [
  (character) => character,
  (character) => character.toUpperCase(),
  escaped,
  (character) => escaped(character).replaceAll("%", "%25"),
  (character) => escaped(character).replace(/./gs, escaped),
  (character) => `%u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  (character) => escapedBytes(0xc0 | (character.charCodeAt(0) >> 6), 0x80 | (character.charCodeAt(0) & 0x3f)),
  (character) => escapedBytes(0xe0, 0x80 | (character.charCodeAt(0) >> 6), 0x80 | (character.charCodeAt(0) & 0x3f)),
  (character) => escaped(String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
  (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0),
  (character) => escaped(String.fromCharCode(character.charCodeAt(0) | 0x100)),
  (character) => escapedBytes(character.charCodeAt(0) | 0x80),
  (character) => (/[a-z]/.test(character) ? String.fromCodePoint(0x1d400 - 0x61 + character.charCodeAt(0)) : character),
  (character) => escaped(`${character}\u0301`.normalize("NFC")),
  (character) => `${character}%00`,
  (character) => `%09${character}`,
  (character) => `${character}%`,
  (character) => `${character}%e2%80%8b`,
];

/** Characters that may precede, separate and follow the segments that matter. */
const PIECES = [
  ...[
    "/",
    "//",
    "/.",
    "/..",
    "/x/..",
    "/x",
    "/x%2f..",
    "\\",
    "%5c",
    "%5c..",
    ";",
    ";a=b",
    "%3b",
    "%3Ba/..",
    "?",
    "?a/..",
  ],
  ...[
    "%3f",
    "%3F/..",
    "%23",
    "#",
    "%00",
    "%00/..",
    "%20",
    "%09",
    "%0a",
    "%0d%0a",
    ".",
    "%2e",
    "%2e%2e",
    "%252e%252e",
    "../",
  ],
  ...[
    "+",
    "::$DATA",
    ":",
    "%3a",
    "%",
    "%2",
    "%zz",
    "%u002f",
    "%c0%af",
    "%c0%ae",
    "%ef%bc%8f",
    "／",
    "．",
    "‥",
    "é",
    "%e9",
  ],
  ...[
    "%e2%84%aa",
    "http:",
    "http://host",
    "//host",
    "%20HTTP/1.1",
    "/mcp",
    "/%2e%2e%2f",
    "..;",
    "....//",
    "%25",
    "%255c",
  ],
];

const spelt = (text: string) =>
  fc
    .array(fc.nat(SPELLINGS.length - 1), { minLength: text.length, maxLength: text.length })
    .chain((all) => fc.tuple(fc.constant(all), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(2 ** 30)))
    .map(([all, share, seed]) =>
      // Mostly plain, or else nothing would read all of it.
      [...text]
        .map((character, index) => (((seed >> index) & 7) / 8 < share ? SPELLINGS[all[index]](character) : character))
        .join(""),
    );
const pieces = fc.array(fc.constantFrom(...PIECES), { maxLength: 3 }).map((all) => all.join(""));
const targets = (named: string) =>
  fc.tuple(fc.constantFrom("/", ""), pieces, spelt(named), pieces).map((all) => all.join(""));

describe("a target that a server may read as a configured one", () => {
  const stepNames = Object.keys(STEPS) as StepName[];
  const NAMED = ["/mcp", "/a/mcp", "/sky"];

  itHolds(
    "is one of them, by the readings that are known",
    5000,
    fc.property(
      fc.constantFrom(...NAMED).chain((named) => fc.tuple(fc.constant(named), targets(named))),
      ([named, target]) => {
        take(named);
        for (const [reader, steps] of Object.entries(KNOWN_READINGS)) {
          if (!isNamed(readAs([...steps, "lowerCase"], target), named)) continue;
          assert.ok(mayName(target), `${target} is ${named} by ${reader}`);
        }
      },
    ),
  );

  itHolds(
    "is one of them, by any steps one after another",
    15_000,
    fc.property(
      fc.constantFrom(...NAMED).chain((named) => fc.tuple(fc.constant(named), targets(named))),
      fc.array(fc.constantFrom(...stepNames), { minLength: 1, maxLength: 5 }),
      ([named, target], steps) => {
        if (!isNamed(readAs([...steps, "normalize", "lowerCase"], target), named)) return;
        take(named);
        assert.ok(mayName(target), `${target} is ${named} by ${steps.join()}`);
      },
    ),
  );
});

describe("a path", () => {
  it.each([
    ...["/mcp", "/mcp/", "//mcp", "/MCP", "/%6dcp", "/x/../mcp", "/./mcp", "/mcp;v=1", "/%2e%2e/mcp", "/x%2f..%2fmcp"],
    ...["\\mcp", "/mcp/.", "/mcp/x/..", "/../mcp", "/mcp//", "/x%2/../mcp", "/mcp/x", "/mcp/../x"],
    ...["/x%3F/../mcp", "/%23/../mcp", "/x%3f%2f..%2fmcp", "/x%00/../mcp", "/mcp%20", "/mcp%09", "/mcp%0a", "/mcp."],
    ...[
      "/mcp%2e",
      "/mcp::$DATA",
      "/%256dcp",
      "/mcp%00.txt",
      "/mcp%3Fx",
      "/mcp+",
      "/mcp%20HTTP/1.1",
      "/m%00cp",
      "/%20mcp",
    ],
    ...["/mcp:$I30:$INDEX_ALLOCATION", "http://host/mcp", "//host/mcp", "mcp", "/x?/../mcp", "/x?%2f%2e%2e%2fmcp"],
    ...[
      "/x%c0%af..%c0%afmcp",
      "/%c1%adcp",
      "/%u006dcp",
      "/x%u2215mcp",
      "/ｍｃｐ",
      "/%ef%bd%8dcp",
      "/m\u0301cp",
      "/m../cp",
    ],
  ])("%s may be /mcp", (path) => {
    take("/other", "/mcp");
    expect(mayName(path)).toBe(true);
  });

  it.each([
    ...["/", "/mc", "/mcpx", "/x", "/mcp%zz", "/%256dcpx", "/xmcp", "/x/mcp", "/mcp.json", "/api?/mcp", "/api?a=../x"],
    ...[
      "/files/a%20b",
      "/files/mcp%20notes.txt",
      "/a/b/c.tar.gz",
      "/files/100%25.txt",
      "/files/caf%C3%A9.png",
      "/a%2Fb",
    ],
    ...["/files/日本語", "/@scope%2fname", "/v1/models/a:predict", "/files/c++", "/.well-known/x", "/a;v=1/b", "*", ""],
    ...["/files/%E6%97%A5%E6%9C%AC%E8%AA%9E", "/upload/..%2f..%2fetc", "/a/../b", "/mcq/..", "/x%3F/../other"],
  ])("%s is not /mcp", (path) => {
    take("/mcp");
    expect(mayName(path)).toBe(false);
  });

  itHolds(
    "of ordinary segments is one that is named only if it begins with its segments",
    10_000,
    fc.property(
      fc.array(fc.constantFrom("mcp", "MCP", "%6Dcp", "mcp.x", "xmcp", "mcp-1", "a", "b%20c", "d.e", "f:g", "%7ex"), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.constantFrom("", "?a=1", "?a=/mcp"),
      (segments, query) => {
        take("/mcp");
        const path = `/${segments.join("/")}`;
        assert.equal(mayName(path + query), decodeURIComponent(segments[0]).toLowerCase() === "mcp", path);
        take("/a/mcp");
        const [first, second] = segments.map((segment) => decodeURIComponent(segment).toLowerCase());
        assert.equal(mayName(path + query), first === "a" && second === "mcp", path);
      },
    ),
  );

  it("is only the root, not paths below it", () => {
    take("/");
    expect(["/", "//", "/./", "/?a", "/x/..", "/%3f", "/;a"].map(mayName)).toEqual(Array(7).fill(true));
    expect(["/token", "/mcp/", "/files/a%20b", "/files/%C3%A9", "/a;b"].map(mayName)).toEqual(Array(5).fill(false));
    take("/*");
    expect(["/", "/token", "*", "/a%2fb"].map(mayName)).toEqual(Array(4).fill(true));
  });

  it("matches each pattern that is a prefix of it", () => {
    take("/mcp*");
    expect(["/mcp", "/mcpx", "/mcp/x", "/MCP2", "/x%2f..%2fmcp2"].map(mayName)).toEqual(Array(5).fill(true));
    expect(["/mc", "/x/mcp2", "/xmcp"].map(mayName)).toEqual(Array(3).fill(false));
    take("/tenants/*");
    expect(["/tenants", "/tenants/a", "/Tenants/a/b", "/a%2f..%2ftenants/a"].map(mayName)).toEqual(Array(4).fill(true));
    expect(["/tenantsx", "/x/tenants/a"].map(mayName)).toEqual([false, false]);
    // A `*` has no other meaning; the text after it is ignored.
    take("/tenants/*/mcp");
    expect(["/tenants/a/mcp", "/tenants/a"].map(mayName)).toEqual([true, true]);
  });

  it("is compared with patterns in any spelling of paths", () => {
    take("/Tools/./x/../%4dcp;a=b?c#d");
    expect(["/tools/mcp", "/tools/mcp/x", "/tools", "/mcp"].map(mayName)).toEqual([true, true, false, false]);
    take("/caf%C3%A9");
    expect(["/caf%C3%A9", "/café", "/caf", "/cafx"].map(mayName)).toEqual([true, true, false, false]);
  });

  it("always matches if it is too long to be compared, without its query", () => {
    take("/mcp");
    expect(mayName(`/${"x".repeat(2047)}`)).toBe(false);
    expect(mayName(`/${"x".repeat(2048)}`)).toBe(true);
    expect(mayName(`/x?${"x".repeat(20_000)}`)).toBe(false);
    expect(mayName(`/x?${"x".repeat(20_000)}/../mcp`)).toBe(true);
    const long = "long".repeat(30);
    take(`/${long}`);
    expect([`/${long}`, `/x%2f..%2f${long}`, `/${long.slice(0, -80)}`].map(mayName)).toEqual([true, true, false]);
  });

  it("is one of several", () => {
    take();
    expect(mayName("/mcp")).toBe(false);
    take("/a", "/b/*");
    expect(["/a", "/b", "/b/c", "/c", "/A/", "/bc"].map(mayName)).toEqual([true, true, true, false, true, false]);
  });
});

function escapedBytes(...bytes: number[]): string {
  return bytes.map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

function escaped(text: string): string {
  return escapedBytes(...Buffer.from(text));
}
