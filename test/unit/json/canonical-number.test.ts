import assert from "node:assert/strict";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { effort } from "../../effort.ts";
import { FRESH_SEED } from "../../seeds.ts";
import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  numberForm(at: number, length: number): number;
  formAt(): number;
  numberForms(at: number, count: number, to: number): number;
}

const module: TestModule<Exports> = new TestModule("canonical");

/** The form that the module gives a number; empty for none. */
function formOf(text: string): string {
  const length = module.lend(Buffer.from(text), (at, size) => module.exports.numberForm(at, size));
  return module.bytes(module.exports.formAt(), length).toString();
}

/** What ECMAScript shows; empty where it is infinite. */
function expected(text: string): string {
  const value = Number(text);
  return Number.isFinite(value) ? JSON.stringify(value) : "";
}

/** Checks numbers by the thousand in one call. */
const BATCH = 1000;
const room = module.exports.allocate(BATCH * 64);

function checkAll(texts: readonly string[]): void {
  const bytes = Buffer.concat(texts.flatMap((text) => [Buffer.from([text.length]), Buffer.from(text)]));
  const end = module.lend(bytes, (at) => module.exports.numberForms(at, texts.length, room));
  const found = module.bytes(room, end - room);
  let at = 0;
  for (const text of texts) {
    const form = found.toString("latin1", at + 1, at + 1 + found[at]);
    at += 1 + found[at];
    if (form !== expected(text)) assert.equal(form, expected(text), `the form of ${text}`);
  }
}

const double = new DataView(new ArrayBuffer(8));

function doubleOf(bits: bigint): number {
  double.setBigUint64(0, bits);
  return double.getFloat64(0);
}

/** RFC 8785, appendix B. */
const RFC_TABLE: readonly [string, string][] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

/** Numbers where printing or reading goes wrong most easily. */
const EDGES = [
  "-0",
  "-0.0e5",
  "0e999999999999",
  "1e21",
  "1e20",
  "123456789012345678901",
  "1e-7",
  "0.000001",
  "1e-6",
  "5e-324",
  "4.9e-324",
  "2.47e-324",
  "2.4703282292062327e-324",
  "2.4703282292062328e-324",
  "-1e-400",
  "1e309",
  "-1e309",
  "1e999999999999999999999",
  "1.7976931348623158e308",
  "1.7976931348623159e308",
  "1.797693134862315807937289714053e308",
  "2.2250738585072011e-308",
  "2.2250738585072012e-308",
  "2.2250738585072014e-308",
  "9007199254740993",
  "9007199254740993.0000000000000000000000000000000000000001",
  "5.684341886080801e-14",
  "5.6843418860808015e-14",
  "9.5367431640625e-7",
  "1.00000000000000011102230246251565404236316680908203125",
  "1.00000000000000011102230246251565404236316680908203124",
  "1.00000000000000011102230246251565404236316680908203126",
  `1.00000000000000011102230246251565404236316680908203125${"0".repeat(150)}1`,
  "0.1E1",
  "10.00e+00",
  "100E-2",
];

describe("a number in canonical form", () => {
  it("is as RFC 8785 lists", () => {
    for (const [bits, form] of RFC_TABLE) {
      const value = doubleOf(BigInt(`0x${bits}`));
      // The table's last but four has 17 digits behind the zeros, which ECMAScript shows as well.
      expect(expected(value.toPrecision(17))).toBe(form);
      for (const text of [value.toPrecision(17), value.toPrecision(60), value.toExponential(20)]) {
        expect(formOf(text), text).toBe(form);
      }
    }
  });

  it("is as ECMAScript shows it at the edges", () => {
    for (const text of EDGES) expect(formOf(text), text).toBe(expected(text));
  });

  it("of any length is read to its end", () => {
    for (const text of [
      `${"1".repeat(300)}.${"3".repeat(60_000)}`,
      `0.${"0".repeat(60_000)}17e60001`,
      `${"9".repeat(60_000)}e-59999`,
      // Half of the least number, and a little more.
      `${(5n ** 1075n).toString()}e-1075`,
      `${(5n ** 1075n).toString()}${"0".repeat(5000)}1e-6076`,
    ]) {
      expect(formOf(text), text.slice(0, 20)).toBe(expected(text));
    }
  });

  it("is as ECMAScript shows it for all powers of two and ten, and their neighbours", () => {
    const texts: string[] = [];
    for (let exponent = 0; exponent < 2047; exponent++) {
      const bits = BigInt(exponent) << 52n;
      for (const near of [-1n, 0n, 1n]) {
        if (bits + near > 0n) texts.push(String(doubleOf(bits + near)), doubleOf(bits + near).toPrecision(17));
      }
    }
    for (let shift = 0n; shift < 52n; shift++) texts.push(String(doubleOf(1n << shift)));
    for (let exponent = -330; exponent < 312; exponent++) {
      texts.push(`1e${exponent}`, `9.999999999999999e${exponent}`, `1.0000000000000002e${exponent}`);
    }
    for (let from = 0; from < texts.length; from += BATCH) checkAll(texts.slice(from, from + BATCH));
  });

  it("is as ECMAScript shows it for random numbers, of all sizes and of usual ones", () => {
    let state = BigInt(FRESH_SEED) | 1n;
    const random = () => {
      // xorshift64*
      state ^= state >> 12n;
      state = BigInt.asUintN(64, state ^ (state << 25n));
      state ^= state >> 27n;
      return BigInt.asUintN(64, state * 0x2545f4914f6cdd1dn);
    };
    for (let batch = 0; batch < effort(200, 4000); batch++) {
      const texts: string[] = [];
      while (texts.length < BATCH) {
        const bits = random();
        const value = doubleOf(bits);
        if (!Number.isFinite(value)) continue;
        texts.push(String(value), value.toPrecision(17), value.toPrecision(16), (value % 1e6).toPrecision(17));
        texts.push(
          (Number(bits >> 11n) / 1e9).toFixed(9),
          String(bits),
          `${bits & 0xffffn}e${Number(bits % 40n) - 20}`,
        );
      }
      checkAll(texts.slice(0, BATCH));
    }
  });

  itHolds(
    "is as ECMAScript shows it however it is written",
    2000,
    fc.property(
      fc.tuple(fc.constantFrom("", "-"), fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.stringMatching(/^[0-9]{0,40}$/)),
      fc.integer({ min: -350, max: 350 }),
      ([sign, integer, fraction], exponent) => {
        const text = `${sign}${integer}${fraction ? `.${fraction}` : ""}e${exponent}`;
        assert.equal(formOf(text), expected(text), text);
      },
    ),
  );
});
