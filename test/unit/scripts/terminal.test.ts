import { expect, test } from "vitest";
import { printable } from "../../../scripts/cli/terminal.ts";

test.each([
  ["an escape sequence", "\u001b[31mred", "\\u{1b}[31mred"],
  ["a C1 control sequence introducer", "\u009b31m", "\\u{9b}31m"],
  ["a line end", "a\r\nb\u2028c", "a\\u{d}\\u{a}b\\u{2028}c"],
  ["a bidirectional override", "pay\u202eelif\u2069", "pay\\u{202e}elif\\u{2069}"],
  ["an invisible tag", "\u{e0041}", "\\u{e0041}"],
  ["a lone surrogate", "\ud800", "\\u{d800}"],
  ["plain text in any script", "naïve 天気 🙂 <img onerror=x>", "naïve 天気 🙂 <img onerror=x>"],
])("%s", (_, text, shown) => {
  expect(printable(text)).toBe(shown);
});
