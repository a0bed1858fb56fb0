import { expect, it } from "vitest";
import { nameOf } from "../../../scripts/statistics/names.ts";

it.each([
  ["get_weather", "get_weather"],
  ["get%20weather", "get weather"],
  ["%E5%A4%A9%E6%B0%94", "天气"],
  ["%5FOTHER", "_OTHER"],
  // Cut.
  ["%E5%A4%A9~0123456789abcdef", "天~0123456789abcdef"],
  // What a terminal must not receive, or would not show.
  ["%1B%5B2J", "%1B%5B2J"],
  ["a%0Ab", "a%0Ab"],
  ["%E2%80%AEabc", "%E2%80%AEabc"],
  ["%E3%80%80", "%E3%80%80"],
  // No text in UTF-8.
  ["%FF", "%FF"],
  // Not encoded.
  ["<img onerror=x>", "<img onerror=x>"],
  ["a\x1b[2J", "a\\u{1b}[2J"],
  ["%FF\u202eb", "%FF\\u{202e}b"],
])("shows %j as %j", (value, name) => {
  expect(nameOf(value)).toBe(name);
});
