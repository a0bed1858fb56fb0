import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { chunkSizes, cut, halves, single } from "../chunks.ts";
import { itHolds } from "../property.ts";
import { gaps, nodes, spelled, spellings, write } from "./documents.ts";
import { memorySize, textOf, valueText } from "./value-text.ts";

/** The text of a value, the same in any cut. */
function read(json: string): string {
  const bytes = Buffer.from(json);
  const whole = valueText([bytes]);
  for (const chunks of [single(bytes), ...halves(bytes), [new Uint8Array(), bytes, new Uint8Array()]]) {
    expect(valueText(chunks)).toBe(whole);
  }
  return whole;
}

describe("the text of a string", () => {
  it.each([
    ['""', ""],
    ['"a"', "a"],
    ['" two  words\u00a0"', " two  words\u00a0"],
    [String.raw`"\"\\\/\b\f\n\r\t"`, '"\\/\b\f\n\r\t'],
    [String.raw`"\u0041\u00e9\u20ac\ud83d\ude00"`, "Aé€😀"],
    ['"é€😀"', "é€😀"],
    [String.raw`"\u007B\u007d"`, "{}"],
    [String.raw`"{\"a\" : [1, 2]}"`, '{"a" : [1, 2]}'],
    [String.raw`"\ud83d"`, "\ufffd"],
    [String.raw`"\ude00\ud83d"`, "\ufffd\ufffd"],
    [String.raw`"\ud83dx\ud83d\n\ud83d\ud83d\ude00"`, "\ufffdx\ufffd\n\ufffd😀"],
    [String.raw`"\u0000"`, "\0"],
  ])("%s is %j", (json, text) => {
    expect(read(json)).toBe(text);
  });
});

describe("the text of any other value", () => {
  it.each([
    ["{}", "{}"],
    ["[ ]", "[]"],
    ["null", "null"],
    ["-1.50e+3", "-1.50e+3"],
    ['{ "a" : 1 ,\r\n\t"b" : [ true , null ] }', '{"a":1,"b":[true,null]}'],
    ['{" a ":" b  c "}', '{" a ":" b  c "}'],
    [String.raw`["\u0041\/\u00e9\u20ac\ud83d\ude00"]`, '["A/é€😀"]'],
    [
      String.raw`["\"\\\b\f\n\r\t","\u0022\u005c\u0008\u000C\u000a\u000D\u0009"]`,
      String.raw`["\"\\\b\f\n\r\t","\"\\\b\f\n\r\t"]`,
    ],
    [String.raw`["\u0000\u001F\u007f"]`, '["\\u0000\\u001f\u007f"]'],
    ['["",""]', '["",""]'],
    [String.raw`{"":"","\u0061":{"\n":[[]]}}`, String.raw`{"":"","a":{"\n":[[]]}}`],
    [String.raw`["\ud83d","\ude00","\ud83dx"]`, '["\ufffd","\ufffd","\ufffdx"]'],
    ['{"a":1,"a":2,"1":3,"0":4}', '{"a":1,"a":2,"1":3,"0":4}'],
  ])("%s is %s", (json, text) => {
    expect(read(json)).toBe(text);
  });

  it.each([
    [String.raw`["\ud83d\n"]`, '["\ufffd\\n"]'],
    [String.raw`["\ud83d\u0022"]`, '["\ufffd\\""]'],
    [String.raw`{"\ud83d\\":0}`, '{"\ufffd\\\\":0}'],
    [String.raw`["\ud83d\ud83d\u0001"]`, '["\ufffd\ufffd\\u0001"]'],
  ])("keeps an escape that follows half a surrogate pair: %s is %s", (json, text) => {
    expect(read(json)).toBe(text);
  });
});

describe("every value", () => {
  itHolds(
    "has the same text however it is spelled, spaced and cut",
    1000,
    fc.property(nodes(), gaps, chunkSizes, (node, gaps, sizes) => {
      const bytes = Buffer.from(write(node, gaps).trim());
      const expected = textOf(node);
      assert.equal(valueText([bytes]), expected);
      assert.equal(valueText(cut(bytes, sizes)), expected);
      assert.equal(valueText(single(bytes)), expected);
    }),
  );

  itHolds(
    "of JavaScript has the text that JSON.stringify writes of it, or is it",
    500,
    // Numbers are spelled as JavaScript does, and JSON.stringify keeps halves of surrogate pairs as escapes.
    fc.property(
      fc.jsonValue({ stringUnit: "grapheme" }),
      fc.constantFrom(undefined, 2, "\t"),
      chunkSizes,
      (value, indent, sizes) => {
        const expected = typeof value === "string" ? value : JSON.stringify(value);
        assert.equal(valueText(cut(Buffer.from(JSON.stringify(value, null, indent)), sizes)), expected);
      },
    ),
  );

  itHolds(
    "that is a string is its text in whatever spelling",
    500,
    fc.property(
      spellings.chain(({ value }) => fc.tuple(spelled(value), spelled(value))),
      chunkSizes,
      ([one, other], sizes) => {
        const expected = Buffer.from(one.value).toString();
        assert.equal(valueText(cut(Buffer.from(one.json), sizes)), expected);
        assert.equal(valueText(cut(Buffer.from(other.json), sizes)), expected);
      },
    ),
  );

  it("is read in flat memory, and anew after one that was cut off", () => {
    const block = Buffer.from(String.raw`"text \u0041\n", [1 , {"a" : "\ud83d\ude00"}],`.repeat(1000));
    valueText([Buffer.from("["), block]);
    const before = memorySize();
    for (let i = 0; i < 20; i++) valueText([Buffer.from("["), block, block, Buffer.from(String.raw`"\ud83d`)]);
    expect(memorySize()).toBe(before);
    expect(valueText([Buffer.from('"\\u00')])).toBe("");
    expect(valueText([Buffer.from('{ "a" : "b" }')])).toBe('{"a":"b"}');
  });
});

describe("what is read many bytes at a time", () => {
  const OFFSETS = Array.from({ length: 2 * 64 + 20 }, (_, offset) => offset);
  /** Values that have something special at each offset, by what JSON.parse makes of them. */
  const SPECIALS = [
    "\\n",
    '\\"',
    "\\\\",
    "\\/",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\ud83d\\n",
    "é",
    " ",
    "{}[],:",
  ];

  it.each(SPECIALS)("a string with %j at each offset, and twice", (special) => {
    for (const offset of OFFSETS) {
      for (const text of [special, special + special, special + "x".repeat(40) + special]) {
        const json = `"${"a".repeat(offset)}${text}${"b".repeat(200)}"`;
        const expected = Buffer.from(JSON.parse(json) as string).toString();
        const bytes = Buffer.from(json);
        expect(valueText([bytes]), json).toBe(expected);
        expect(valueText(single(bytes)), json).toBe(expected);
        expect(valueText([bytes.subarray(0, offset + 2), bytes.subarray(offset + 2)]), json).toBe(expected);
      }
    }
  });

  it.each(SPECIALS)("an object with %j in a string at each offset, and white space behind it", (special) => {
    for (const offset of OFFSETS) {
      for (const gap of ["", " ", "\n \t"]) {
        const pad = "1,".repeat(offset >> 1) + (offset % 2 ? "22," : "");
        const json = `[${pad}{"k":${gap}"${special}"${gap},${gap}"l":"${"c d ".repeat(30)}"},${gap}${"3,".repeat(60)}4]`;
        const expected = Buffer.from(JSON.stringify(JSON.parse(json)).replaceAll("\\ud83d", "\ufffd")).toString();
        const bytes = Buffer.from(json);
        expect(valueText([bytes]), json).toBe(expected);
        expect(valueText(single(bytes)), json).toBe(expected);
        expect(valueText([bytes.subarray(0, offset + 2), bytes.subarray(offset + 2)]), json).toBe(expected);
      }
    }
  });
});

describe("a value of which bytes are passed over", () => {
  /** Large enough that it is passed over in blocks. */
  const long = fc.tuple(nodes(), gaps, fc.integer({ min: 1, max: 8 })).map(([node, gaps, times]) => {
    const json = write(node, gaps).trim();
    return node.type === "string" ? `"${json.slice(1, -1).repeat(times)}"` : `[${Array(times).fill(json).join(" , ")}]`;
  });
  const steps = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.integer({ min: 1, max: 500 }));

  itHolds(
    "has the same text in runs of any length",
    300,
    fc.property(long, steps, chunkSizes, (json, read, sizes) => {
      const bytes = Buffer.from(json);
      const whole = valueText([bytes]);
      assert.equal(valueText([bytes], 0, read), whole);
      assert.equal(valueText(cut(bytes, sizes), 0, read), whole);
    }),
  );

  itHolds(
    "has the same text in any chunks",
    300,
    fc.property(long, fc.nat({ max: 300 }), steps, chunkSizes, (json, skipped, read, sizes) => {
      const bytes = Buffer.from(json);
      const whole = valueText([bytes], skipped, read);
      assert.equal(valueText(cut(bytes, sizes), skipped, read), whole);
      assert.equal(valueText(single(bytes), skipped, read), whole);
    }),
  );

  itHolds(
    "goes on as it would have without, but for half of a surrogate pair",
    300,
    fc.property(long, fc.integer({ min: 1, max: 2000 }), (json, skipped) => {
      const bytes = Buffer.from(json);
      const rest = withoutCut(valueText([bytes], skipped));
      assert(valueText([bytes]).endsWith(rest), `${rest} after ${skipped} bytes`);
    }),
  );

  it.each([
    [String.raw`"abc\\"`, 1, String.raw`bc\\`],
    [String.raw`"\\n123456789"`, 1, "n123456789"],
    [String.raw`"abc\\n123456789"`, 4, "n123456789"],
    [String.raw`"\\\\\\\\\\\\n123456789"`, 9, String.raw`\\n123456789`],
    [String.raw`"\\u1234567"`, 2, "u1234567"],
    [String.raw`"\\u1\u0041B"`, 5, "B"],
    [String.raw`["\\u1\u0041B"]`, 7, 'B"]'],
    [String.raw`"\u00411\u0042"`, 3, "1B"],
    [String.raw`"\u0041\u0042"`, 1, "B"],
    [String.raw`"\t1\t2\t3\t4"`, 5, String.raw`2\t3\t4`],
    ['{"a b" : "c d"}', 3, ' b":"c d"}'],
    ['{"a b" : "c d"}', 8, '"c d"}'],
    [String.raw`{"a\"b" : "c d" , 1}`, 9, '"c d",1}'],
  ])("%s without the first bytes, %i or more of them, is %s", (json, skipped, expected) => {
    const bytes = Buffer.from(json);
    const text = valueText([bytes], skipped);
    expect(bytes[0] === 0x22 ? JSON.stringify(text).slice(1, -1) : text).toBe(expected);
    expect(valueText(single(bytes), skipped)).toBe(text);
  });

  /** A text without what may be of a character that was cut: bytes of UTF-8, or half of a pair. */
  function withoutCut(text: string): string {
    return text.replace(/^\ufffd+/, "");
  }
});
