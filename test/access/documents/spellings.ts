/**
 * Spellings of names, texts and numbers that some parsers confuse with others, and spellings that only some parsers
 * accept.
 */
import type { Random } from "../../../scripts/fuzz/random.ts";
import { raw } from "./tree.ts";

/** Numbers that are valid in JSON and numbers that are not, including some that parsers round. */
export const NUMBERS = [
  ...[
    "0",
    "-0",
    "5.0",
    "5e0",
    "50e-1",
    "0.5e1",
    "0.0",
    "-0.0",
    "0e0",
    "1e999",
    "-1e999",
    "1e-999",
    "4.9999999999999999999",
  ],
  ...["05", "+5", "0x5", ".5", "5.", "5e", "-", "1_0", "5f", "٥", "NaN", "Infinity", "-Infinity", "9007199254740993"],
  ...["18446744073709551621", "4294967301", "1".repeat(400), "5" + "0".repeat(5000), "5." + "0".repeat(300)],
];

/** Values in place of values of another type. */
export const OTHER_KINDS = [
  ...[
    "null",
    "true",
    "false",
    "5",
    "0",
    "1.5",
    "{}",
    "[]",
    '""',
    '"5"',
    "True",
    "None",
    "undefined",
    "nul",
    "'secret'",
    "secret",
  ],
  ...['{"name":"secret"}', '["secret"]', '["ref/prompt","secret"]', '["ref/resource",null,"file:///secret"]', '"true"'],
];

/** Characters that case folding maps to ASCII letters, some of them only in some parsers. */
const FOLDED: Record<string, string[]> = {
  s: ["\u017f", "S"],
  k: ["\u212a", "K"],
  i: ["\u0130", "\u0131", "I"],
  a: ["\uff41", "A", "\u0430"],
};

const KEY_ADDITIONS = [
  "\0",
  " ",
  "\u200b",
  "\ufeff",
  "\\u0000",
  "\\u200b",
  "\\ud800",
  raw(0xff),
  raw(0xc0, 0x80),
  "\u0301",
  "_",
  "\t",
];

const TEXT_ADDITIONS = [
  ...[
    "\\u0000",
    "\0",
    "\n",
    "\t",
    "\\ud800",
    "\\udc00\\ud800",
    "\\ud83d\\ude00",
    "\ufffd",
    "\\ufffd",
    "\\x41",
    "\\'",
    "\\",
    '\\"',
  ],
  ...[
    raw(0xff),
    raw(0xc0, 0xaf),
    raw(0xed, 0xa0, 0x80),
    raw(0xf4, 0x90, 0x80, 0x80),
    raw(0xe2, 0x82),
    raw(0xc3),
    "\u007f",
    "\u2028",
  ],
];

/** Bytes and escape sequences that some parsers decode as U+FFFD. */
const UNREADABLE = [raw(0xff), raw(0xe2, 0x82), raw(0xed, 0xa0, 0x80), "\\ud800", "\\udc00"];

/** Returns a name with the case of some letters changed, including characters outside ASCII. */
export function caseVariant(random: Random, key: string): string {
  // The two characters that case folding maps to ASCII letters in all parsers that follow Unicode.
  if (random.oneIn(3)) return key.replace(/[ks]/, (letter) => FOLDED[letter][0]);
  const at = random.below(key.length);
  const every = random.oneIn(3);
  return [...key]
    .map((letter, index) => {
      if (!every && index !== at && !(letter in FOLDED && random.oneIn(3))) return letter;
      const folded = FOLDED[letter];
      if (folded !== undefined && random.oneIn(2)) return random.pick(folded);
      return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
    })
    .join("");
}

/** Returns the same text with one or all of its characters as escape sequences. `quoted` includes the quotes. */
export function escaped(random: Random, quoted: string): string {
  const text = [...quoted.slice(1, -1)];
  if (text.includes("\\")) return quoted;
  const at = random.below(text.length + 1);
  const every = random.oneIn(4);
  const escapes = text.map((character, index) => {
    if (!every && index !== at) return character;
    if (character === "/" && random.oneIn(2)) return "\\/";
    const units = Array.from({ length: character.length }, (_, unit) =>
      character.charCodeAt(unit).toString(16).padStart(4, "0"),
    );
    return units.map((unit) => `\\u${random.oneIn(2) ? unit.toUpperCase() : unit}`).join("");
  });
  return `"${escapes.join("")}"`;
}

/** Returns a name that differs slightly from this one. */
export function keyVariant(random: Random, key: string): string {
  if (random.oneIn(4))
    return random.pick([key.slice(1, -1), `'${key.slice(1, -1)}'`, '"__proto__"', '""', "null", "1"]);
  return inserted(random, key, random.pick(KEY_ADDITIONS));
}

/** Returns a text that some parsers reject, truncate or repair. `quoted` includes the quotes. */
export function stringVariant(random: Random, quoted: string): string {
  if (quoted.includes("\ufffd") && random.oneIn(2)) return quoted.replace("\ufffd", random.pick(UNREADABLE));
  switch (random.below(4)) {
    case 0:
      return `'${quoted.slice(1, -1)}'`;
    case 1:
      // Longer than what the filter keeps.
      return `${quoted.slice(0, -1)}${"x".repeat(random.pick([245, 256, 4096]))}"`;
    default:
      return inserted(random, quoted, random.pick(TEXT_ADDITIONS));
  }
}

function inserted(random: Random, quoted: string, addition: string): string {
  const at = random.oneIn(2) ? quoted.length - 1 : 1 + random.below(quoted.length - 1);
  return quoted.slice(0, at) + addition + quoted.slice(at);
}
