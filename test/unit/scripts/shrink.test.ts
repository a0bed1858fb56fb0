import { expect, test } from "vitest";
import { smallest } from "../../../scripts/fuzz/shrink.ts";

const input = (text: string) => ({ parts: [{ body: Buffer.from(text) }], name: "kept" });
const textOf = (value: unknown) => (value as ReturnType<typeof input>).parts[0].body.toString("latin1");

test("shrinks the last input if it fails alone", () => {
  const inputs = [input("{}"), input(`${"x".repeat(3000)}{"a${"y".repeat(3000)}`)];
  const few = smallest(inputs, (some) => some.some((each) => textOf(each).includes('{"a')));
  expect(few).toEqual([input('{"a')]);
});

test("keeps the inputs that fail only together", () => {
  const inputs = Array.from({ length: 200 }, (_, i) => input(`${i};`));
  const has = (some: readonly unknown[], text: string) => some.some((each) => textOf(each).includes(text));
  const few = smallest(inputs, (some) => has(some, "17;") && has(some, "198;"));
  expect(few).toEqual([input("17;"), input("198;")]);
});
