import { describe, expect, it } from "vitest";

import { single } from "../chunks.ts";
import { type Tokenized, tokenLine, tokenize } from "./tokenizer.ts";

function line(name: "Key" | "Number", text: string): string {
  return tokenLine(name, Buffer.from(text));
}

describe("skipping", () => {
  const skipped = (json: string, skip: Parameters<typeof tokenize>[1]): Tokenized => {
    const whole = tokenize([Buffer.from(json)], skip);
    expect(tokenize(single(Buffer.from(json)), skip)).toEqual(whole);
    return whole;
  };

  it.each(["1", '"a]}"', "null", "[]", "{}", '[[1],{"c":[2]}]', '{"x":{"y":[{}]}}'])(
    "passes over the value %s",
    (value) => {
      const { tokens, complete } = skipped(`{"a":${value},"b":${value}}`, (token) =>
        token === "Key" ? "value" : "nothing",
      );
      expect(tokens).toEqual(["ObjectStart", line("Key", "a"), line("Key", "b"), "ObjectEnd"]);
      expect(complete).toBe(true);
    },
  );

  it("passes over the rest of a container", () => {
    const { tokens, complete } = skipped('[[1,[2],{"a":[3]}],4,[]]', (token) =>
      token === "Number" ? "container" : "nothing",
    );
    expect(tokens).toEqual(["ArrayStart", "ArrayStart", line("Number", "1"), line("Number", "4")]);
    expect(complete).toBe(true);
  });

  const wrong = ["01", "-01", "1.", "1.x", "-", "1e", "1-", ".5", "+1", "tru", "truE", "falsE", "nulL", "nul", "x"];
  wrong.push('"\\x"', '"\\u12G4"', '"\n"', "'a'", "1 2", '"a""b"', "1,", ",1", "1,,2", "1:2", "[1", "1]", "[1}");
  wrong.push('{"a"}', '{"a":}', '{"a":1,}', '{,"a":1}', '{"a" 1}', '{"a"::1}', '{"a":1:2}', "{1:2}", '{"a":1]', "{[]}");

  it.each(wrong)("finds the fault where %s is deep inside", (value) => {
    const json = `{"a":[[[${value}]]],"b":1}`;
    expect(() => void JSON.parse(json)).toThrow();
    expect(skipped(json, (token) => (token === "Key" ? "value" : "nothing"))).toMatchObject({
      tokens: ["ObjectStart", line("Key", "a")],
      fault: "Syntax",
    });
  });

  it.each(['{"a":01}', '{"a":[1,]}', '{"a":{"b"}}', '{"a":tru }', '{"a":"\\x"}', '{"a":}'])(
    "finds the fault in %s",
    (json) => {
      expect(skipped(json, (token) => (token === "Key" ? "value" : "nothing"))).toMatchObject({
        tokens: ["ObjectStart", line("Key", "a")],
        fault: "Syntax",
      });
    },
  );

  /** Sequences that end or escape, right and wrong ones. */
  const sequences = [
    '\\"',
    "\\\\",
    "\\n",
    "\\u00e9",
    '\\\\\\"',
    "\\x",
    "\\u12G4",
    "\u0001",
    "\\\\\\q",
    "\u00e9",
    '"',
    '\\\\"',
  ];

  it.each(sequences)("reads text as JSON.parse does where %j is anywhere in it", (sequence) => {
    const isValid = (json: string): boolean => {
      try {
        JSON.parse(json);
        return true;
      } catch {
        return false;
      }
    };
    for (let before = 0; before <= 130; before++) {
      for (const behind of ["", "y", "y".repeat(70), `${"y".repeat(20)}\\"${"y".repeat(60)}`]) {
        const text = `"${"x".repeat(before)}${sequence}${behind}"`;
        for (const json of [`{"a":${text},"b":1}`, `{"a":[${text},{${text}:0}],"b":1}`]) {
          const { tokens, fault } = tokenize([Buffer.from(json)], (token) => (token === "Key" ? "value" : "nothing"));
          expect(fault, json).toBe(isValid(json) ? "None" : "Syntax");
          if (fault === "None") expect(tokens).toContain(line("Key", "b"));
        }
      }
    }
  });

  it.each([
    "1",
    "-0",
    "0.5",
    "12345678901234567",
    "1234567890.12345678",
    "-1e5",
    "01",
    "1.",
    "1.a",
    "-",
    "1..2",
    "1.2.3",
  ])("reads the number %s as JSON.parse does, whatever follows", (number) => {
    for (const behind of ["", ",1234567890123456", `,"${"x".repeat(80)}"`]) {
      const json = `{"a":[[${number}${behind}]],"b":1}`;
      const fault = /^-?(0|[1-9]\d*)(\.\d+)?(e\d+)?$/.test(number) ? "None" : "Syntax";
      expect(skipped(json, (token) => (token === "Key" ? "value" : "nothing")).fault).toBe(fault);
    }
  });
});
