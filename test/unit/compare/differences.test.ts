import { expect, test } from "vitest";
import { diff, Tally } from "../../../scripts/compare/differences.ts";

const SIGNS = { old: "-", new: "+", both: " " };
const diffOf = (old: string, now: string) =>
  diff(old.split(""), now.split(""))
    .map(({ side, entry }) => SIGNS[side] + entry)
    .join("");

test("the diff keeps what both recordings have, in order", () => {
  expect(diffOf("", "")).toBe("");
  expect(diffOf("abc", "abc")).toBe(" a b c");
  expect(diffOf("abc", "axc")).toBe(" a-b+x c");
  expect(diffOf("abcd", "acbd")).toBe(" a-b c+b d");
  expect(diffOf("aa", "a")).toBe(" a-a");
  expect(diffOf("", "ab")).toBe("+a+b");
});

test("recordings that are too long to align differ by the entries that one has more often", () => {
  const long = (text: string) => Array.from({ length: 2500 }, (_, index) => `${text} ${index}`);
  const [a, b] = [long("a"), long("b")];
  const lines = diff(["x", ...a, ...b, "y"], ["z", ...b, ...a, "y"]);
  expect(lines).toEqual([
    { side: "old", entry: "x" },
    { side: "new", entry: "z" },
    { side: "both", entry: "y" },
  ]);
  expect(diff([...a, ...b], [...b, ...a])).toHaveLength(1);
});

test("differences are counted by kind, over inputs and configurations, with the earliest example", () => {
  const place = (job: number, configuration: string) => () => ({ job, input: 0, configuration, title: `job ${job}` });
  const later = new Tally();
  later.compare(["f a\t1", "g\t1"], ["f a\t2", "g\t1", "f a\t3"], place(2, "default"));
  const tally = new Tally();
  tally.compare(["g\t1"], ["g\t1"], place(0, "default"));
  tally.add(later.kinds);
  tally.compare(["g\t1", "f a\t1"], ["g\t1"], place(1, "shadow"));
  expect(tally.kinds).toMatchObject([
    { kind: "f a", old: 2, new: 2, inputs: 2, configurations: ["default", "shadow"], example: { title: "job 1" } },
  ]);
  expect(tally.kinds[0].example.lines).toEqual([
    { side: "both", entry: "g\t1" },
    { side: "old", entry: "f a\t1" },
  ]);
});
