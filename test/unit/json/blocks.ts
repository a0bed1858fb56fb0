/** Texts, right and wrong ones, where each rule of JSON's grammar is at each place of a block of 64 bytes. */

/** More bytes than are read value by value before the first block. */
const BEFORE = "0,".repeat(40);
/** More bytes than a block must have behind it. */
const BEHIND = `"${"z".repeat(90)}"`;

/** A document whose member `a`, which is to be skipped, has `json` in an array of other values. */
export function inArray(json: string): string {
  return `{"a":[${BEFORE}${json},${BEHIND}],"b":1}`;
}

/** The same in an object: `json` is a value, or a value and more members. */
export function inObject(json: string): string {
  return `{"a":{"k":[${BEFORE}0],"v":${json},"z":${BEHIND}},"b":1}`;
}

/** A document in which what is skipped ends behind `json`, which may end it itself, with more to be skipped afterwards. */
export function atEnd(json: string): string {
  return `{"a":[${BEFORE}${json}],"b":1,"c":${BEHIND}}`;
}

/** Bytes that mean something in JSON, and some that nearly do. */
const BYTES = [...'{}[]",:\\/|0159.-+eEutrfalsnx \t\n\r\0\u001f\u000c', "é"];

/** The text with each of its bytes replaced, doubled, left out, and with others put before it. */
export function* mutations(json: string): Generator<string> {
  for (let at = 0; at < json.length; at++) {
    const before = json.slice(0, at);
    yield before + json.slice(at + 1);
    yield before + json[at] + json.slice(at);
    for (const byte of BYTES) {
      yield before + byte + json.slice(at + 1);
      yield before + byte + json.slice(at);
    }
  }
}

/** The text at each distance from the beginning of a block. */
export function* shifted(json: string): Generator<string> {
  for (let size = 0; size <= 66; size++) yield `"${"x".repeat(size)}",${json}`;
}

export const ROWS =
  '{"id":1000,"name":"item-0","price":1.25,"active":false,"tags":[]},{"id":-7,"":{},"x":[true,null,{"y":0.5},"\\n\\u00e9|"]}';

export const NESTED = '[[],[[{}],{"a":[1,{"b":[]}],"c":{"d":"e"}}],-0.25,[{"f":[[0]]},"g"],{"":"","h":{}}]';

export const NUMBERS = [
  ..."0 7 10 -0 -1 0.5 -0.5 10.25 100.001 0.0 12345678901234567890 1e5 1E+5 0e-1 -1.5e3 0.10203".split(" "),
  ..."00 01 -01 -00.5 1. .5 -.5 - -- --1 1- 1-1 1.-1 1..2 1.2.3 0.1.2 +1 1+1 1.2-3 1.2+3 1e 1e+ 1e5.5 0x1 1a 1true".split(
    " ",
  ),
];

export const WORDS = [
  ..."true false null truE nul nulll tru True falsee fals truefalse true1 truetrue nullnull tfn false- nan".split(" "),
  "truе",
];

/** Pieces of strings: what ends them, is escaped in them or must not stand there. */
export const PIECES = [
  "",
  '\\"',
  "\\\\",
  "\\n",
  "\\u00e9",
  "\\\\\\",
  '\\\\"',
  '"',
  "\\x",
  "\\u12G4",
  "\\u12",
  "\u0001",
  "\n",
  "|",
  "é",
];

/** A string that goes on behind the block in which it begins. */
const LONG = `"${"s".repeat(70)}"`;

/** Values and what may not stand for one. */
export const VALUES = [LONG, "1", '"s"', "[]", "{}", "[1]", '{"k":1}', "true", "", "]", "}", ",", ":", "[", "{"];
