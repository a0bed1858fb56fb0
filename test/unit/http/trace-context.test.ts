import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  size: { value: number };
  read: (at: number, length: number) => number;
  keep: () => void;
  isSameAsKept: () => number;
  write: (at: number) => void;
  isThere: () => number;
  isSampled: () => number;
  traceHigh: () => bigint;
  traceLow: () => bigint;
  spanId: () => bigint;
  flags: () => number;
}

interface Context {
  trace: string;
  span: string;
  flags: number;
}

const module: TestModule<Exports> = new TestModule("trace_context");
const { exports } = module;

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const VALID = `00-${TRACE}-${SPAN}-01`;
const NONE = { trace: "0".repeat(32), span: "0".repeat(16), flags: 0 };

/** Reads a value, which replaces the previous one completely. */
function read(value: string | Uint8Array): Context | undefined {
  const isValid = module.lend(Buffer.from(value as string), exports.read) !== 0;
  const { traceHigh, traceLow, spanId } = exports;
  const [high, low, span] = [traceHigh(), traceLow(), spanId()].map((part) =>
    BigInt.asUintN(64, part).toString(16).padStart(16, "0"),
  );
  const context = { trace: `${high}${low}`, span: span, flags: exports.flags() & 0xff };
  assert.equal(exports.isThere() !== 0, isValid);
  if (isValid) return context;
  assert.deepEqual(context, NONE);
  return undefined;
}

function written(): string {
  return module.lend(Buffer.alloc(exports.size.value), (at, length) => {
    exports.write(at);
    return module.bytes(at, length).toString("latin1");
  });
}

/** The result according to W3C Trace Context (sections 3.2.2 and 3.2.4). A later version is read like version 00. */
function specified(value: string): Context | undefined {
  const [, version, trace, span, flags, more] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[^]*)?$/.exec(value) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (/^0+$/.test(trace) || /^0+$/.test(span)) return undefined;
  return { trace: trace, span: span, flags: Number.parseInt(flags, 16) };
}

describe("a traceparent", () => {
  it.each([
    ["the specification's example", VALID],
    ["one that is not sampled", `00-${TRACE}-${SPAN}-00`],
    ["one with flags of later versions", `00-${TRACE}-${SPAN}-ff`],
    ["a trace id whose first half is zero", `00-${"0".repeat(16)}a3ce929d0e0e4736-${SPAN}-01`],
    ["a trace id whose second half is zero", `00-4bf92f3577b34da6${"0".repeat(16)}-${SPAN}-01`],
    ["the greatest numbers", `00-${"f".repeat(32)}-${"f".repeat(16)}-ff`],
    ["the smallest numbers", `00-${"1".padStart(32, "0")}-${"1".padStart(16, "0")}-00`],
    ["a later version", `01-${TRACE}-${SPAN}-01`],
    ["the last version", `fe-${TRACE}-${SPAN}-01`],
    ["a later version with more behind the flags", `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`],
    ["a later version with nothing behind a last dash", `cc-${TRACE}-${SPAN}-01-`],
  ])("is valid: %s", (_, value) => {
    expect(read(value)).toEqual(specified(value));
    expect(read(value)).toBeDefined();
  });

  it.each([
    ["none", ""],
    ["a version alone", "00"],
    ["one character too few", VALID.slice(0, -1)],
    ["one character too many", `${VALID}0`],
    ["more behind the flags of version 00", `${VALID}-00`],
    ["more without a dash in a later version", `cc-${TRACE}-${SPAN}-01.more`],
    ["the version ff, which there is not", `ff-${TRACE}-${SPAN}-01`],
    ["the version in upper case", `FE-${TRACE}-${SPAN}-01`],
    ["a version that is no number", `0g-${TRACE}-${SPAN}-01`],
    ["the trace id in upper case", `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ["the span id in upper case", `00-${TRACE}-${SPAN.toUpperCase()}-01`],
    ["flags in upper case", `00-${TRACE}-${SPAN}-0A`],
    ["the trace id zero", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["the span id zero", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["a trace id that is no number", `00-${TRACE.replace("4", "g")}-${SPAN}-01`],
    ["a span id that is no number", `00-${TRACE}-${SPAN.replace("f", "/")}-01`],
    ["flags that are no number", `00-${TRACE}-${SPAN}-x1`],
    ["other separators", VALID.replaceAll("-", "_")],
    ["one other separator", `00-${TRACE}-${SPAN}.01`],
    ["a blank before", ` ${VALID}`],
    ["a blank behind", `${VALID} `],
    ["two in one", `${VALID},${VALID}`],
  ])("is not valid: %s", (_, value) => {
    expect(specified(value)).toBeUndefined();
    expect(read(value)).toBeUndefined();
  });

  it.each([
    ["00", false],
    ["01", true],
    ["02", false],
    ["03", true],
    ["fe", false],
    ["ff", true],
  ])("with the flags %s: sampled is %s", (flags, isSampled) => {
    read(`00-${TRACE}-${SPAN}-${flags}`);
    expect(exports.isSampled() !== 0).toBe(isSampled);
  });

  it("is not valid with any single invalid byte", () => {
    for (let at = 0; at < VALID.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        const value = Buffer.from(VALID);
        value[at] = byte;
        expect(read(value), value.toString("latin1")).toEqual(specified(value.toString("latin1")));
      }
    }
  });

  it("names the same span with any flags", () => {
    read(VALID);
    exports.keep();
    const isSame = (value: string): boolean => (read(value), exports.isSameAsKept() !== 0);
    expect(isSame(`00-${TRACE}-${SPAN}-00`)).toBe(true);
    expect(isSame(`00-${TRACE}-${SPAN.replace("7", "8")}-01`)).toBe(false);
    expect(isSame(`00-${TRACE.replace("4b", "4c")}-${SPAN}-01`)).toBe(false);
    expect(isSame(`00-${TRACE.replace(/.$/, "7")}-${SPAN}-01`)).toBe(false);
    expect(isSame("")).toBe(false);
  });

  const digits = (length: number) =>
    fc.oneof(
      { weight: 8, arbitrary: hexOf(length) },
      fc.constant("0".repeat(length)),
      fc.constant("f".repeat(length)),
      fc.string({ minLength: length, maxLength: length }),
    );
  const likely = fc
    .tuple(digits(2), digits(32), digits(16), digits(2), fc.oneof(fc.constant(""), fc.string({ maxLength: 8 })))
    .map(([version, trace, span, flags, more]) => `${version}-${trace}-${span}-${flags}${more}`);

  itHolds(
    "of any bytes is read as the specification says",
    4000,
    fc.property(
      fc.oneof(
        likely.map((value) => Buffer.from(value)),
        fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => assert.deepEqual(read(bytes), specified(bytes.toString("latin1"))),
    ),
  );

  itHolds(
    "is written as it was read",
    2000,
    fc.property(hexOf(32), hexOf(16), hexOf(2), (trace, span, flags) => {
      const value = `00-${trace}-${span}-${flags}`;
      fc.pre(read(value) !== undefined);
      assert.equal(written(), value);
    }),
  );

  it("of a later version is written as one of version 00", () => {
    read(`cc-${TRACE}-${SPAN}-01-more`);
    expect(written()).toBe(VALID);
  });
});

/** Hexadecimal digits in lower case. */
function hexOf(length: number): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length })
    .map((all) => all.join(""));
}
