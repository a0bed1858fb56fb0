import fc from "fast-check";

/** A string and one of the ways to write it in JSON, quotes included. */
export interface Spelling {
  readonly value: string;
  readonly json: string;
}

/** A JSON value as it is written: with its order of members and its duplicates, which JSON.parse does not keep. */
export type Node =
  | { readonly type: "literal"; readonly text: "true" | "false" | "null" }
  | { readonly type: "number"; readonly text: string }
  | { readonly type: "string"; readonly spelling: Spelling }
  | { readonly type: "array"; readonly items: readonly Node[] }
  | { readonly type: "object"; readonly members: readonly Member[] };

export interface Member {
  readonly key: Spelling;
  readonly value: Node;
}

const SHORT_ESCAPES: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "/": "\\/",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

function hexEscape(text: string, upper: boolean): string {
  return Array.from({ length: text.length }, (_, i) => {
    const digits = text.charCodeAt(i).toString(16).padStart(4, "0");
    return `\\u${upper ? digits.toUpperCase() : digits}`;
  }).join("");
}

/** One character in the style asked for, as far as JSON allows it. */
function spellCharacter(character: string, style: number): string {
  const mustEscape = character < " " || character === '"' || character === "\\";
  const short = SHORT_ESCAPES[character];
  if (style === 0) return mustEscape ? (short ?? hexEscape(character, false)) : character;
  if (style === 1 && short !== undefined) return short;
  return hexEscape(character, style % 2 === 0);
}

/** The ways to write `value` in JSON. */
export function spelled(value: string): fc.Arbitrary<Spelling> {
  const plain = fc.constant({ value, json: JSON.stringify(value) });
  const styles = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 });
  const styled = styles.map((each) => ({ value, json: spell(value, each) }));
  return fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: styled });
}

function spell(value: string, styles: readonly number[]): string {
  const characters = Array.from(value).map((character, i) =>
    // Half a surrogate pair has no UTF-8: it can only be escaped.
    spellCharacter(character, /\p{Surrogate}/u.test(character) ? 2 : styles[i % styles.length]),
  );
  return `"${characters.join("")}"`;
}

const character = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }) },
  { weight: 2, arbitrary: fc.constantFrom(...'"\\/\b\f\n\r\t\u0000\u001f\u007f{}[],: ') },
  { weight: 2, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 1 }) },
  { weight: 1, arbitrary: fc.constantFrom("é", "€", "😀", "\ufeff", "\u2028", "\ufffd", "\u0800", "\u{10ffff}") },
  // Lone halves of surrogate pairs; two that meet become a pair.
  { weight: 1, arbitrary: fc.constantFrom("\ud800", "\ud83d", "\udbff", "\udc00", "\ude00", "\udfff") },
);

/** Strings of all lengths, about the tokenizer's limit for one (256 bytes) too, each written in some way. */
export const spellings: fc.Arbitrary<Spelling> = fc
  .oneof(
    { weight: 12, arbitrary: fc.array(character, { maxLength: 12 }) },
    { weight: 1, arbitrary: fc.array(character, { minLength: 30, maxLength: 80 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(character, fc.integer({ min: 60, max: 300 }), fc.array(character, { maxLength: 4 }))
        .map(([repeated, times, end]) => [...Array<string>(times).fill(repeated), ...end]),
    },
  )
  .chain((characters) => spelled(characters.join("")));

const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 6 });

/** Numbers as JSON writes them; few are too long for the tokenizer. */
export const numbers: fc.Arbitrary<string> = fc
  .record({
    sign: fc.constantFrom("", "", "-"),
    integer: fc.oneof(
      { weight: 1, arbitrary: fc.constant("0") },
      { weight: 5, arbitrary: digits.map((text) => text.replace(/^0+(?=.)/, "")) },
      { weight: 1, arbitrary: fc.integer({ min: 10, max: 300 }).map((length) => "7".repeat(length)) },
    ),
    fraction: fc.option(digits, { nil: undefined }),
    exponent: fc.option(fc.tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), digits), { nil: undefined }),
  })
  .map(
    ({ sign, integer, fraction, exponent }) =>
      sign + integer + (fraction === undefined ? "" : `.${fraction}`) + (exponent ?? []).join(""),
  );

/** Values of any kind; `keys` are those of objects. */
export function nodes(keys: fc.Arbitrary<Spelling> = spellings): fc.Arbitrary<Node> {
  return fc.letrec<{ node: Node; leaf: Node }>((tie) => ({
    leaf: fc.oneof(
      fc.constantFrom("true", "false", "null").map((text): Node => ({ type: "literal", text })),
      numbers.map((text): Node => ({ type: "number", text })),
      spellings.map((spelling): Node => ({ type: "string", spelling })),
    ),
    node: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      tie("leaf"),
      fc.array(tie("node"), { maxLength: 5 }).map((items): Node => ({ type: "array", items })),
      fc
        .array(fc.record({ key: fc.oneof(keys, spelled("a")), value: tie("node") }), { maxLength: 6 })
        .map((members): Node => ({ type: "object", members })),
    ),
  })).node;
}

/** White space for the gaps of a document, used over and over. */
export const gaps: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.constant([""]),
  fc.array(fc.string({ unit: fc.constantFrom(..." \t\n\r"), maxLength: 3 }), { minLength: 1, maxLength: 7 }),
);

/** The text of a value, with white space wherever JSON allows some. `told` learns how each value in it is written. */
export function write(
  root: Node,
  whiteSpace: readonly string[] = [""],
  told: (node: Node, text: string) => void = () => {},
): string {
  let gapsWritten = 0;
  const gap = (): string => whiteSpace[gapsWritten++ % whiteSpace.length];
  const text = (node: Node): string => {
    const written = textOf(node);
    told(node, written);
    return written;
  };
  const textOf = (node: Node): string => {
    switch (node.type) {
      case "literal":
      case "number":
        return node.text;
      case "string":
        return node.spelling.json;
      case "array":
        return `[${node.items.map((item) => gap() + text(item) + gap()).join(",") || gap()}]`;
      case "object": {
        const members = node.members.map(
          ({ key, value }) => `${gap()}${key.json}${gap()}:${gap()}${text(value)}${gap()}`,
        );
        return `{${members.join(",") || gap()}}`;
      }
    }
  };
  return gap() + text(root) + gap();
}

/** What JSON.parse makes of the value: of members with one name the last. */
export function evaluate(node: Node): unknown {
  switch (node.type) {
    case "literal":
      return node.text === "null" ? null : node.text === "true";
    case "number":
      return Number(node.text);
    case "string":
      return node.spelling.value;
    case "array":
      return node.items.map(evaluate);
    case "object":
      return Object.fromEntries(node.members.map(({ key, value }) => [key.value, evaluate(value)]));
  }
}
