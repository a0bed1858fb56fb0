import { describe, expect, it } from "vitest";

import { halves, single } from "../chunks.ts";
import { tokenLine, tokenize, type TokenName, type Tokenized } from "./tokenizer.ts";

/** The tokens of a document, which must come out the same however it is cut. */
function read(document: string | Uint8Array): Tokenized {
  const bytes = Buffer.from(document);
  const whole = tokenize([bytes]);
  expect(tokenize(single(bytes)), "byte by byte").toEqual(whole);
  for (const chunks of halves(bytes)) expect(tokenize(chunks), `cut at ${chunks[0].length}`).toEqual(whole);
  return whole;
}

function line(name: TokenName, text = ""): string {
  return tokenLine(name, Buffer.from(text));
}

describe("a string", () => {
  const cases: [string, string][] = [
    ['""', ""],
    ['"plain"', "plain"],
    [String.raw`"\"\\\/\b\f\n\r\t"`, '"\\/\b\f\n\r\t'],
    [String.raw`"a\u0062c"`, "abc"],
    [String.raw`"\u00e9\u00E9é"`, "ééé"],
    [String.raw`"\u20ac€"`, "€€"],
    [String.raw`"\u0000"`, "\0"],
    [String.raw`"\ud83d\ude00\uD83D\uDE00😀"`, "😀😀😀"],
    [String.raw`"\udbff\udfff\ud800\udc00"`, "\u{10ffff}\u{10000}"],
    // A surrogate alone becomes U+FFFD, as where JavaScript encodes it.
    [String.raw`"\ud83d"`, "\ufffd"],
    [String.raw`"\ude00"`, "\ufffd"],
    [String.raw`"\ude00\ud83d"`, "\ufffd\ufffd"],
    [String.raw`"\ud83d\ud83d\ude00"`, "\ufffd😀"],
    [String.raw`"\ud83dx\ude00"`, "\ufffdx\ufffd"],
    [String.raw`"\ud83d\n\ude00"`, "\ufffd\n\ufffd"],
    [String.raw`"\ud83d\u0041"`, "\ufffdA"],
    ['"\u007f\u2028\ufeff"', "\u007f\u2028\ufeff"],
    [`"${"{[,:]}"}"`, "{[,:]}"],
  ];

  it.each(cases)("%s", (json, text) => {
    expect(Buffer.from(JSON.parse(json) as string).toString()).toBe(text);
    const { tokens, fault, complete } = read(json);
    expect({ tokens, fault, complete }).toEqual({ tokens: [line("String", text)], fault: "None", complete: true });
  });

  it.each([0, 255, 256, 257, 300, 5000])("of %i bytes keeps the first 256", (length) => {
    const text = Buffer.alloc(length, "0123456789abcdef€");
    expect(tokenize([Buffer.concat([Buffer.from('"'), text, Buffer.from('"')])]).tokens).toEqual([
      tokenLine("String", text),
    ]);
    const escaped = Array.from({ length }, (_, i) => `\\u00${(0x20 + (i % 64)).toString(16)}`).join("");
    expect(tokenize(single(Buffer.from(`"${escaped}"`))).tokens).toEqual([
      line("String", JSON.parse(`"${escaped}"`) as string),
    ]);
  });

  it.each([['"'], ['"a'], ['"\\'], ['"\\"'], ['"\\u'], ['"\\u12'], ['"\\ud83d']])("%j is not finished", (json) => {
    expect(read(json)).toMatchObject({ tokens: [], fault: "None", complete: false, blank: false });
  });

  it.each([
    ['"\n"'],
    ['"\0"'],
    ['"\u001f"'],
    ['"0123456789abcdef\t"'],
    ['"\\x"'],
    ['"\\0"'],
    ['"\\U0041"'],
    ['"\\u00g0"'],
    ['"\\u 041"'],
    ['"\\u004"'],
    ['"\\\n"'],
    ["'a'"],
  ])("%j is none", (json) => {
    expect(read(json)).toMatchObject({ tokens: [], fault: "Syntax", complete: false, blank: false });
  });
});

describe("a number", () => {
  it.each([
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "1234567890123456789012",
    "0.0",
    "1.5",
    "-0.001",
    "1e5",
    "1E5",
    "1e+5",
    "1e-05",
    "0e0",
  ])("%s", (json) => {
    expect(read(`[${json}]`).tokens).toEqual(["ArrayStart", line("Number", json), "ArrayEnd"]);
    // At the root it would end only with the bytes, so that there is no token.
    expect(read(json)).toMatchObject({ tokens: [], fault: "None", complete: true });
    expect(read(`${json} `)).toMatchObject({ tokens: [line("Number", json)], complete: true });
  });

  it("of more than 256 digits keeps the first", () => {
    const digits = `1${"0".repeat(999)}.5e-1000`;
    expect(read(`[${digits}]`).tokens).toEqual(["ArrayStart", line("Number", digits), "ArrayEnd"]);
  });

  it.each(["-", "1.", "1e", "1e+", "-0."])("%s is not finished", (json) => {
    expect(read(json)).toMatchObject({ tokens: [], fault: "None", complete: false });
  });

  it.each([
    "01",
    "-01",
    "00",
    "+1",
    ".5",
    "1.e5",
    "1..5",
    "--1",
    "1e5.5",
    "1ee5",
    "0x10",
    "1_000",
    "NaN",
    "-Infinity",
    "1f",
    "1-",
  ])("%s is none", (json) => {
    expect(read(`[${json}]`)).toMatchObject({ fault: "Syntax", complete: false });
  });
});

describe("a literal", () => {
  it.each([
    ["true", "True"],
    ["false", "False"],
    ["null", "Null"],
  ])("%s", (json, token) => {
    expect(read(json)).toMatchObject({ tokens: [token], complete: true });
    expect(read(`[${json},${json}]`).tokens).toEqual(["ArrayStart", token, token, "ArrayEnd"]);
  });

  it.each(["t", "tru", "fals", "nul"])("%s is not finished", (json) => {
    expect(read(json)).toMatchObject({ tokens: [], fault: "None", complete: false, blank: false });
  });

  it.each(["True", "tRue", "trux", "truee", "falsy", "nul1", "nulll", "undefined", "t rue"])("%s is none", (json) => {
    expect(read(json)).toMatchObject({ fault: "Syntax", complete: false });
  });
});

describe("a document", () => {
  it("has its members and elements told in order, duplicates and all", () => {
    expect(read(' {"a" : [1, {"b":"c"} ],"a":null , "":{}, "d":[]}\r\n\t')).toEqual({
      tokens: [
        "ObjectStart",
        line("Key", "a"),
        "ArrayStart",
        line("Number", "1"),
        "ObjectStart",
        line("Key", "b"),
        line("String", "c"),
        "ObjectEnd",
        "ArrayEnd",
        line("Key", "a"),
        "Null",
        line("Key", ""),
        "ObjectStart",
        "ObjectEnd",
        line("Key", "d"),
        "ArrayStart",
        "ArrayEnd",
        "ObjectEnd",
      ],
      fault: "None",
      complete: true,
      blank: false,
      size: 48,
    });
  });

  it.each(["", " ", "\r\n\t "])("%j is blank", (json) => {
    expect(read(json)).toEqual({ tokens: [], fault: "None", complete: false, blank: true, size: 0 });
  });

  it.each(["[", "{", "[1", "[1,", '{"a"', '{"a":', '{"a":1', '{"a":1,', "[[]", '{"a":{}'])(
    "%s is not finished",
    (json) => {
      expect(read(json)).toMatchObject({ fault: "None", complete: false, blank: false });
    },
  );

  it.each([
    "]",
    "}",
    ",",
    ":",
    "[}",
    "{]",
    "[,]",
    "[1,]",
    "[1 2]",
    "[1:2]",
    "{,}",
    '{"a"}',
    '{"a",}',
    '{"a":}',
    '{"a":1,}',
    '{"a":1 "b":2}',
    '{"a"::1}',
    "{1:2}",
    "{a:1}",
    "{null:1}",
    "// no comment\n1",
    "[1]//",
    "\ufeff[]",
    "\u00a0[]",
    "\v[]",
    "[]]",
    "{}{}",
    "{} x",
    "1 2",
    "true false",
    '"a""b"',
    "\0",
  ])("%j is none", (json) => {
    expect(() => JSON.parse(json) as unknown).toThrow();
    expect(read(json)).toMatchObject({ fault: "Syntax", complete: false, blank: false });
  });

  it("stays faulty whatever follows", () => {
    expect(tokenize(["[}", "]", "[]"].map((text) => Buffer.from(text)))).toMatchObject({
      tokens: ["ArrayStart"],
      fault: "Syntax",
      complete: false,
    });
  });

  it.each([
    ["array", "[", "]"],
    ["object", '{"a":', "}"],
  ])("may nest 512 deep, not 513: %s", (_, open, close) => {
    const nested = (depth: number): Buffer =>
      Buffer.from(open.repeat(depth - 1) + (close === "]" ? "[]" : "{}") + close.repeat(depth - 1));
    expect(tokenize([nested(512)])).toMatchObject({ fault: "None", complete: true });
    expect(tokenize(single(nested(512)))).toMatchObject({ fault: "None", complete: true });
    expect(tokenize([nested(513)])).toMatchObject({ fault: "Depth", complete: false });
    // What is skipped is followed, too.
    const skipped = tokenize([Buffer.from(`[${nested(512).toString()}]`)], (token) =>
      token === "ArrayStart" ? "container" : "nothing",
    );
    expect(skipped).toMatchObject({ tokens: ["ArrayStart"], fault: "Depth" });
  });

  it("keeps arrays and objects apart at every depth", () => {
    const kinds = Array.from({ length: 512 }, (_, depth) => (depth * 7919) % 13 < 6);
    const json =
      kinds.map((isObject) => (isObject ? '{"k":' : "[")).join("") +
      "1" +
      kinds
        .map((isObject) => (isObject ? "}" : "]"))
        .reverse()
        .join("");
    expect(tokenize([Buffer.from(json)])).toMatchObject({ fault: "None", complete: true });
  });

  it("has the size of its root, white space around it apart", () => {
    expect(read('\n {"é": [1 , 2]}  \n').size).toBe(Buffer.byteLength('{"é": [1 , 2]}'));
    expect(read("[]").size).toBe(2);
  });
});
