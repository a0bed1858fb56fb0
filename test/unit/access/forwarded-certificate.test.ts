import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  read: (at: number, length: number) => number;
  principalAt: () => number;
  isCut: () => number;
}

const module: TestModule<Exports> = new TestModule("forwarded");
const { exports } = module;

/** The principal in a header; empty if there is none. */
const principal = (header: string) => {
  const length = module.lend(Buffer.from(header), exports.read);
  return module.bytes(exports.principalAt(), length).toString();
};

type Pair = readonly [key: string, value: string];

/** An element as Envoy writes it, with quotes around values that could end it. */
function element(pairs: readonly Pair[]): string {
  return pairs.map(([key, value]) => `${key}=${/[,;="\\]/.test(value) ? quoted(value) : value}`).join(";");
}

const quoted = (value: string) => `"${value.replace(/["\\]/g, "\\$&")}"`;

const keys = fc.constantFrom("By", "Hash", "Cert", "Chain", "Subject", "URI", "Uri", "uri", "DNS", "URIs", "XURI");
const values = fc.string({
  unit: fc.constantFrom("a", "/", ":", ",", ";", "=", '"', "\\", "URI=evil", "%2C", " "),
  maxLength: 8,
});
const elements = fc.array(fc.array(fc.tuple(keys, values), { minLength: 1, maxLength: 5 }), {
  minLength: 1,
  maxLength: 3,
});

/** What is between two elements: a proxy may have joined several headers. */
const commas = fc.constantFrom(",", ", ", ",\t", ",  ");

describe("x-forwarded-client-cert", () => {
  itHolds(
    "names the first URI of its last element, whatever else its values hold",
    5000,
    fc.property(elements, commas, (elements, comma) => {
      const uri = elements.at(-1).find(([key]) => key.toLowerCase() === "uri");
      assert.equal(principal(elements.map(element).join(comma)), uri?.[1] ?? "");
    }),
  );

  it.each([
    ["", ""],
    ["URI=spiffe://a/b", "spiffe://a/b"],
    ['By=spiffe://me;Hash=00;Subject="CN=x,O=y";URI=spiffe://a/b;DNS=c', "spiffe://a/b"],
    ["URI=spiffe://first,Hash=1;URI=spiffe://last", "spiffe://last"],
    ["URI=spiffe://first,Hash=1", ""],
    ["URI=spiffe://first,", ""],
    ["URI=spiffe://first, URI=spiffe://last", "spiffe://last"],
    ["By=spiffe://me, \t Hash=1;URI=spiffe://last", "spiffe://last"],
    ["URI=spiffe://first, ", ""],
    ["URI=spiffe://first, Hash=1", ""],
    ["By=spiffe://me", ""],
    ["URI", ""],
    ["URI=", ""],
    ['URI=""', ""],
    [";;URI=a", "a"],
    // The client chooses the subject.
    ['Subject="CN=\\",URI=spiffe://evil";URI=spiffe://good', "spiffe://good"],
    ['Subject="CN=\\";URI=spiffe://evil";URI=spiffe://good', "spiffe://good"],
    // A substring of anything.
    ['URI=spiffe://a;Subject="CN=x', ""],
    ['URI="spiffe://a', ""],
    ['URI="spiffe://a\\"', ""],
  ])("%j names %j", (header, expected) => {
    expect(principal(header)).toBe(expected);
  });

  it("is stored up to 512 bytes, and known to be cut", () => {
    expect(principal(`URI=${"a".repeat(512)}`)).toBe("a".repeat(512));
    expect(exports.isCut()).toBe(0);
    expect(principal(`URI=${"a".repeat(513)}`)).toBe("a".repeat(512));
    expect(exports.isCut()).toBe(1);
    expect(principal(`URI="${"a".repeat(513)}"`)).toBe("a".repeat(512));
    expect(exports.isCut()).toBe(1);
    expect(principal("URI=a")).toBe("a");
    expect(exports.isCut()).toBe(0);
  });
});
