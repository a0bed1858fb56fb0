/** What counts as a plain URI is read alike by URL parsers and by servers that undo escapes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  isPlainUri: (at: number, length: number) => number;
}

const module: TestModule<Exports> = new TestModule("plain-uri");
const isPlain = (uri: string) => module.lend(Buffer.from(uri), module.exports.isPlainUri) !== 0;

describe("isPlainUri", () => {
  it.each([
    "file:///srv/public/read%20me.md",
    "https://example.com/",
    "https://example.com/a?b=c&d=%C3%A4",
    "https://192.0.2.1/a",
    "test://static/1",
    "db://host:5432/table",
    "urn:example:a-b_c~d",
    "demo://a.b/c..d/...",
  ])("takes %s", (uri) => {
    expect(isPlain(uri)).toBe(true);
  });

  it.each([
    ["", "nothing"],
    ["srv/public", "no scheme"],
    ["FILE:///a", "capitals in the scheme"],
    ["https://Example.com/", "capitals in the host"],
    ["https://example.com", "no path"],
    ["https://example.com:443/", "a port that goes without saying"],
    ["db://host:05432/t", "a port in two spellings"],
    ["db://host:/t", "no port behind the colon"],
    ["https://me@example.com/", "a user"],
    ["https://ex%61mple.com/", "an escape in the host"],
    ["http://0x7f.1/", "an address in another spelling"],
    ["http:a", "no slashes"],
    ["file://localhost/a", "a host of a file"],
    ["file:////a", "an empty segment"],
    ["test://a//b", "an empty segment behind a host"],
    ["file:///secret//key", "an empty segment within"],
    ["file:///bob%40corp", "an escape of what may stand for itself"],
    ["file:///public/../secret", "dots"],
    ["file:///public/./a", "a dot"],
    ["file:///public/..", "dots at the end"],
    ["file:///public/%2e%2E/secret", "escaped dots"],
    ["file:///public/..%2fsecret", "an escaped slash"],
    ["file:///%73ecret", "an escape of what needs none"],
    ["file:///%c3%a4", "escapes in small letters"],
    ["file:///a%2", "half an escape"],
    ["file:///a#b", "a fragment"],
    ["file:///a?", "an empty query"],
    ["file:///a b", "a blank"],
    ["file:///a\tb", "a control character"],
    ["file:///\\a", "a backslash"],
    ["file:///ä", "what is not ASCII"],
    ["file:///{a}", "what URL parsers escape"],
  ])("does not take %j: %s", (uri) => {
    expect(isPlain(uri)).toBe(false);
  });

  const schemes = fc.constantFrom("file://", "http://", "https://", "test://", "urn:", "FILE:", "ftp:/");
  const pieces = fc.constantFrom(
    ..."aZ09-._~/\\:@%?#&= '\"{}|^`\t",
    ..."%2e %2f %41 %C3%A4 %c3 .. ./ // host localhost 0x7f 127.1 :80 :443 ä".split(" "),
  );
  const uris = fc.tuple(schemes, fc.array(pieces, { maxLength: 8 })).map(([scheme, rest]) => scheme + rest.join(""));

  itHolds(
    "a plain one is what a URL parser makes of it, escaped or not",
    50_000,
    fc.property(uris, (uri) => {
      // What is no URL to a parser finds nothing at a server that has one.
      if (!isPlain(uri) || !URL.canParse(uri)) return;
      assert.equal(new URL(uri).href, uri);
      // A server that undoes escapes finds no more segments, and none of dots.
      const path = uri.slice(uri.indexOf(":") + 1).split("?")[0];
      const segments = decodeURIComponent(path.replace(/%[89A-F][0-9A-F]/g, "x")).split("/");
      assert.equal(segments.length, path.split("/").length);
      assert.ok(segments.every((segment) => segment !== "." && segment !== ".."));
    }),
  );
});
