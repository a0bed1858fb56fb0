import { describe, expect, it } from "vitest";

import { DEFAULTS, read } from "./reader.ts";
import { shown } from "./shown.ts";

function tokens(field: string, json: string): string {
  return `{"tokens":{"${field}":${json}}}`;
}

describe("the configuration of tokens", () => {
  it("estimates them, by default reading the first 1 KiB of text completely", () => {
    expect(read('{"tokens":{}}')).toEqual(DEFAULTS);
    expect(DEFAULTS).toMatchObject({ estimateTokens: true, tokenScale: 1, maxTokenBytes: 1024 });
    expect(read(tokens("estimate", "false"))).toEqual({ ...DEFAULTS, estimateTokens: false });
    expect(read(tokens("estimate", "true"))).toEqual(DEFAULTS);
  });

  it.each([
    ["1", 1],
    ["1.0", 1],
    ["0.01", 0.01],
    ["1e-2", 0.01],
    ["1.2", 1.2],
    ["12.5e-1", 1.25],
    ["100", 100],
    ["1E+2", 100],
  ])("may scale them by %s", (json, tokenScale) => {
    expect(read(tokens("scale", json))).toEqual({ ...DEFAULTS, tokenScale });
  });

  it.each([
    ["0B", 0],
    ["1B", 1],
    ["512B", 512],
    ["0KiB", 0],
    ["64KiB", 65_536],
    ["007KiB", 7168],
    ["1MiB", 1_048_576],
    ["999MiB", 999 * 1_048_576],
    ["1GiB", 2 ** 30],
    ["0GiB", 0],
    // More than a message can have is no limit.
    ...[
      "4GiB",
      "999999999999GiB",
      "17179869184GiB",
      "17592186044417MiB",
      "18446744073709551616B",
      `${"1".repeat(200)}B`,
    ].map((text): [string, number] => [text, 2 ** 32 - 1]),
  ])("may read %s of text exactly", (maxBytes, maxTokenBytes) => {
    expect(read(tokens("maxBytes", JSON.stringify(maxBytes)))).toEqual({ ...DEFAULTS, maxTokenBytes });
  });
});

describe("a wrong value for tokens is an error with its path, what was expected and the value", () => {
  const scale = "tokens.scale: expected a number from 0.01 to 100";
  const size = 'tokens.maxBytes: expected a size like "256KiB"';
  const digits = "1".repeat(256);
  it.each([
    ['{"tokens":true}', "tokens: expected an object, got true"],
    ['{"tokens":[]}', "tokens: expected an object, got an array"],
    ['{"tokens":null}', "tokens: expected an object, got null"],
    ['{"tokens":"64KiB"}', 'tokens: expected an object, got "64KiB"'],
    [tokens("estimate", '"true"'), 'tokens.estimate: expected a boolean, got "true"'],
    [tokens("estimate", "1"), "tokens.estimate: expected a boolean, got 1"],
    [tokens("estimate", "null"), "tokens.estimate: expected a boolean, got null"],
    [tokens("estimate", "{}"), "tokens.estimate: expected a boolean, got an object"],
    ...["0", "-0", "-1", "0.00999", "100.001", "101", "1e3", "1e400", "-1e-400"].map((number) => [
      tokens("scale", number),
      `${scale}, got ${number}`,
    ]),
    [tokens("scale", `0.${digits}`), `${scale}, got 0.${digits.slice(0, 62)}…`],
    [tokens("scale", '"1"'), `${scale}, got "1"`],
    [tokens("scale", "null"), `${scale}, got null`],
    [tokens("scale", "[1]"), `${scale}, got an array`],
    [tokens("maxBytes", "65536"), `${size}, got 65536`],
    [tokens("maxBytes", "null"), `${size}, got null`],
    [tokens("maxBytes", "{}"), `${size}, got an object`],
    ...[
      ...[
        "",
        "64",
        "KiB",
        "B",
        "64K",
        "64KB",
        "64kB",
        "64kib",
        "64Kib",
        "64 KiB",
        " 64KiB",
        "64KiB ",
        "64KiB\n",
        "-1B",
      ],
      ...["+1B", "1.5MiB", "1e3B", "0x10B", "1TiB", "1PiB", "٣KiB", "1MiB1KiB", "1B\0", "unlimited"],
      // Longer than a text of the configuration may be.
      `${digits}B`,
    ].map((text) => [tokens("maxBytes", JSON.stringify(text)), `${size}, got ${shown(text)}`]),
  ])("%s", (json, error) => {
    expect(read(json)).toEqual({ ...DEFAULTS, errors: [error] });
  });

  it("and what is right is read all the same", () => {
    expect(read('{"tokens":{"estimate":0,"scale":2,"maxBytes":"1","scales":3,"sizes":4}}')).toEqual({
      ...DEFAULTS,
      tokenScale: 2,
      errors: [
        "tokens.estimate: expected a boolean, got 0",
        `${size}, got "1"`,
        'tokens.scales: unknown field; did you mean "scale"?',
      ],
      warnings: ["tokens.sizes: unknown field, ignored"],
    });
  });
});
