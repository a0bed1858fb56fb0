import assert from "node:assert/strict";

import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  read(at: number, length: number): boolean;
  next(): boolean;
  isSound(): boolean;
  pieceAt(): number;
  pieceLength(): number;
  memoryPages(): number;
}

/** Bytes of the largest text that is read. */
const LIMIT = 65536;
/** The members of the outermost object that the test's module keeps. */
const KEPT = ["a", "b", "c", "name"];

const module: TestModule<Exports> = new TestModule("canonical");

/** The canonical form of a text; undefined where it has none. */
function formOf(text: string | Uint8Array): string | undefined {
  return module.lend(typeof text === "string" ? Buffer.from(text) : text, (at, length) => {
    if (!module.exports.read(at, length)) return undefined;
    const pieces: Buffer[] = [];
    while (module.exports.next()) pieces.push(module.bytes(module.exports.pieceAt(), module.exports.pieceLength()));
    return module.exports.isSound() ? Buffer.concat(pieces).toString() : undefined;
  });
}

/** The same of the value `b` in an object with nothing else. */
function formOfValue(text: string): string | undefined {
  return formOf(`{"b":${text}}`)?.slice('{"b":'.length, -1);
}

/** Writes a value as JSON with spaces, escapes and number spellings that mean the same, drawn from `choices`. */
function spell(value: unknown, choices: Iterator<number>): string {
  const choose = (count: number) => (choices.next().value as number) % count;
  const space = () => ["", "", " ", "\n\t", "\r"][choose(5)];
  const hex = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const character = (point: string): string => {
    const plain = JSON.stringify(point).slice(1, -1);
    if (point === "/" && choose(2)) return "\\/";
    return choose(6) ? plain : point.split("").map(hex).join("");
  };
  const text = (plain: string): string => `"${Array.from(plain, character).join("")}"`;
  const number = (plain: number): string => {
    const shown = Object.is(plain, -0) ? "-0" : String(plain);
    return [
      shown,
      plain.toExponential(),
      plain.toExponential().replace("e", "E"),
      shown.includes("e") ? shown : `${shown}e0`,
    ][choose(4)];
  };
  const write = (part: unknown): string => {
    if (typeof part === "string") return text(part);
    if (typeof part === "number") return number(part);
    if (Array.isArray(part)) return `[${space()}${part.map(write).join(`${space()},${space()}`)}${space()}]`;
    if (part === null || typeof part !== "object") return String(part);
    const members = Object.entries(part).map(([key, member]) => `${text(key)}${space()}:${space()}${write(member)}`);
    return `{${space()}${members.join(`${space()},${space()}`)}${space()}}`;
  };
  return space() + write(value) + space();
}

function* cycle(numbers: readonly number[]): Generator<number, never> {
  for (let i = 0; ; i++) yield numbers[i % numbers.length];
}

const jsonText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "",
    "a",
    "\u20ac",
    "\r",
    "\ufb33",
    "1",
    "\u{1f600}",
    "\u0080",
    "\u00f6",
    "\ue000",
    "\uffff",
    "\u{10ffff}",
    "\ud7ff",
    '"',
    "\\",
    "!",
    "#",
  ),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    jsonText,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.constantFrom(true, false, null, 0, -0, 1e21, 1e-7, 5e-324),
    fc.array(tie("any"), { maxLength: 6 }),
    fc.dictionary(jsonText, tie("any"), { maxKeys: 12, noNullPrototype: true }),
  ),
})).any;

describe("the canonical form of JSON", () => {
  it("is that of RFC 8785's examples", () => {
    expect(
      formOfValue(
        String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],` +
          String.raw`"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`,
      ),
    ).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
    // Section 3.2.3.
    const keys = formOfValue(
      String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",` +
        String.raw`"1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
    );
    expect(Object.values(JSON.parse(keys!) as object).filter((name) => name !== "One")).toEqual([
      "Carriage Return",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  it("has the members that are kept of the outermost object only, however their names are written", () => {
    expect(formOf(String.raw`{"z":1,"\u0062":{"z":2,"y":[]},"a":null,"names":3,"nam":4,"n\u0061me":"x","":5}`)).toBe(
      '{"a":null,"b":{"y":[],"z":2},"name":"x"}',
    );
    expect(formOf("{}")).toBe("{}");
    expect(formOf('{"z":{"a":1}}')).toBe("{}");
    expect(KEPT).toContain("name");
  });

  it.each([
    ["two members of one name", '{"a":1,"a":1}'],
    ["two members of one name, one of them escaped", String.raw`{"a":1,"b":2,"\u0061":1}`],
    ["two members of one name deeper down", '{"b":[{"c":{"x":1,"y":2,"x":3}}]}'],
    ["two members of one name that is not kept", '{"z":1,"z":2}'],
    ["two members of the empty name", '{"b":{"":1,"":2}}'],
    ["a high surrogate alone", String.raw`{"a":"\ud800"}`],
    ["a high surrogate before another character", String.raw`{"a":"\ud800x\udc00"}`],
    ["a high surrogate before an escape", String.raw`{"a":"\ud800\n"}`],
    ["two high surrogates", String.raw`{"a":"\ud800\ud800\udc00"}`],
    ["a low surrogate alone", String.raw`{"a":"\udc00"}`],
    ["half a pair in a name", String.raw`{"b":{"\udfff":1}}`],
    ["a surrogate in UTF-8", Buffer.from('{"a":"\xed\xa0\x80"}', "latin1")],
    ["an overlong sequence", Buffer.from('{"a":"\xc0\xaf"}', "latin1")],
    ["a sequence that is cut", Buffer.from('{"a":"\xe2\x82"}', "latin1")],
    ["a number that is too large", '{"a":1e309}'],
    ["a control character", '{"a":"\u0001"}'],
    ["an unknown escape", String.raw`{"a":"\x41"}`],
    ["an escape that is cut", String.raw`{"a":"\u00`],
    ["an escape of other digits", String.raw`{"a":"\u00g0"}`],
    ["something other than an object", "[]"],
    ["a text", '"a"'],
    ["nothing", ""],
    ["two objects", "{}{}"],
    ["a comma too many", '{"a":1,}'],
    ["a comma too many in an array", '{"a":[1,]}'],
    ["a comma before all", '{,"a":1}'],
    ["a missing comma", '{"a":1 "b":2}'],
    ["a missing colon", '{"a" 1}'],
    ["a missing value", '{"a":}'],
    ["a missing name", "{:1}"],
    ["a missing bracket", '{"a":[1'],
    ["another bracket", '{"a":[1}}'],
    ["an open string", '{"a":"x'],
    ["a leading zero", '{"a":01}'],
    ["a plus sign", '{"a":+1}'],
    ["a point at the end", '{"a":1.}'],
    ["another literal", '{"a":nul}'],
    ["a literal that is cut", '{"a":tru'],
    ["more depth than is followed", `{"a":${"[".repeat(128)}${"]".repeat(128)}}`],
    ["more bytes than are read", `{"a":"${"x".repeat(LIMIT)}"}`],
    [
      "more numbers of long arithmetic than are computed",
      `{"a":[${Array(257).fill("0.12345678901234567").join(",")}]}`,
    ],
  ])("is missing where there is %s", (_, text) => {
    expect(formOf(text)).toBeUndefined();
  });

  it("is there at each limit", () => {
    const deep = `${"[".repeat(127)}${"]".repeat(127)}`;
    expect(formOfValue(deep)).toBe(deep);
    const long = `{"a":"${"x".repeat(LIMIT - '{"a":""}'.length)}"}`;
    expect(formOf(long)).toBe(long);
    const hard = Array(256).fill("0.12345678901234568").join(",");
    expect(formOf(`{"a":[${hard}]}`)).toBe(`{"a":[${hard}]}`);
    const zeros = `{"a":[${Array(13_000).fill("1e20").join(",")}]}`;
    expect(formOf(zeros)).toBe(zeros.replaceAll("1e20", "100000000000000000000"));
  });

  it("sorts as many members as fit, in any order", () => {
    const names = Array.from({ length: 6000 }, (_, i) => ((i * 7919) % 6000).toString(36));
    const object = Object.fromEntries(names.map((name) => [`k${name}`, 0]));
    const text = JSON.stringify({ a: object });
    expect(formOf(text)).toBe(canonicalize({ a: object }));
    // The shortest members that there can be: two of them have one name.
    expect(formOf(`{"a":{${Array(13_104).fill('"":0').join(",")}}}`)).toBeUndefined();
  });

  it("needs no more memory after the first text", () => {
    formOf(`{"a":"${"x".repeat(60_000)}"}`);
    const pages = module.exports.memoryPages();
    for (let i = 0; i < 500; i++)
      formOf(JSON.stringify({ a: Array.from({ length: 50 }, (_, j) => ({ [`k${j}`]: i / 7 })) }));
    expect(module.exports.memoryPages()).toBe(pages);
  });

  itHolds(
    "is that of the library canonicalize, however the value is written",
    1500,
    fc.property(value, value, fc.array(fc.nat(), { minLength: 1, maxLength: 40, size: "max" }), (b, c, choices) => {
      const object = { c, other: [b], b };
      const text = spell(object, cycle(choices));
      assert.equal(canonicalize(JSON.parse(text)), canonicalize(object));
      assert.equal(formOf(text), canonicalize({ b, c }), text);
    }),
  );

  itHolds(
    "is missing wherever JSON.parse fails, or equal to what it reads, for damaged texts",
    3000,
    fc.property(
      value,
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.constantFrom("cut", "replace", "remove"),
      (b, place, byte, damage) => {
        const whole = Buffer.from(JSON.stringify({ b }));
        const at = place % whole.length;
        const rest = damage === "cut" ? Buffer.alloc(0) : whole.subarray(at + 1);
        const text = Buffer.concat([
          whole.subarray(0, at),
          damage === "replace" ? Buffer.from([byte]) : Buffer.alloc(0),
          rest,
        ]);
        const found = formOf(text);
        let read: unknown;
        try {
          read = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text));
        } catch {
          assert.equal(found, undefined);
          return;
        }
        // Where members have one name or a surrogate is alone, there is no form.
        if (found === undefined) return;
        const kept = Object.entries(read as object).filter(([name]) => KEPT.includes(name));
        assert.equal(found, canonicalize(Object.fromEntries(kept)));
      },
    ),
  );
});
