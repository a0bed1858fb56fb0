/** Documents that different parsers read differently, or that only some parsers accept. */
import type { Random } from "../../../scripts/fuzz/random.ts";
import { damagedBytes } from "./damage.ts";
import { message, valueFor } from "./messages.ts";
import { caseVariant, escaped, keyVariant, NUMBERS, OTHER_KINDS, stringVariant } from "./spellings.ts";
import { bytesOf, copyOf, type Member, type Node, nodeOf, nodesIn, raw, written } from "./tree.ts";

type Change = (random: Random, root: Node) => Node | undefined;

const STRANGE_GAPS = ["\v", "\f", "\u00a0", "\u2028", "\ufeff", "\0", "/**/", "//\n", "#\n", ",", "\u0085", raw(0xa0)];
const GAPS = ["", "", "", " ", "\t", "\n", "\r", "\r\n"];
const TRAILERS = ["}", "]", ",", "\0", "x", "//", "\ufeff", "\u00a0", "\n", " ", "null", "{}", raw(0xff)];
const NAMES = [
  "jsonrpc",
  "method",
  "id",
  "params",
  "name",
  "uri",
  "ref",
  "type",
  "arguments",
  "path",
  "options",
  "mask",
  "count",
];

/** Returns a generated document. It depends only on the random numbers. */
export function ambiguousDocument(random: Random): Buffer {
  let root = nodeOf(random.oneIn(8) ? [message(random), message(random)] : message(random));
  for (let changes = random.size(1, 3); changes > 0; changes--) root = random.pick(CHANGES)(random, root) ?? root;
  const isStrange = random.oneIn(8);
  const isSpaced = random.oneIn(3);
  let text = written(root, () => {
    if (isStrange && random.oneIn(12)) return random.pick(STRANGE_GAPS);
    return isSpaced ? random.pick(GAPS) : "";
  });
  if (random.oneIn(10)) text = around(random, text);
  const bytes = bytesOf(text);
  return random.oneIn(8) ? damagedBytes(random, bytes, text) : bytes;
}

/** Returns the document's text with other text before or after it. */
function around(random: Random, text: string): string {
  const other = written(nodeOf(message(random)));
  switch (random.below(4)) {
    case 0:
      return text + random.pick(["", "\n", " ", ","]) + other;
    case 1:
      return random.pick(["\ufeff", "\0", "x", ")]}',\n", raw(0xff, 0xfe), "//\n"]) + text;
    case 2:
      return `data: ${text}`;
    default:
      return text + random.pick(TRAILERS);
  }
}

/** Returns a change of a random member of a random object in the document. */
function changesMember(change: (random: Random, member: Member, members: Member[], at: number) => void): Change {
  return (random, root) => {
    const objects = [...nodesIn(root)]
      .filter((node) => node.type === "object")
      .filter(({ members }) => members.length > 0);
    if (objects.length === 0) return undefined;
    const { members } = random.pick(objects);
    const at = random.below(members.length);
    change(random, members[at], members, at);
    return root;
  };
}

/** Returns a change of a random value whose text satisfies `isMeant`. */
function changesText(isMeant: (text: string) => boolean, change: (random: Random, text: string) => string): Change {
  return (random, root) => {
    const texts = [...nodesIn(root)].filter((node) => node.type === "text").filter(({ text }) => isMeant(text));
    if (texts.length === 0) return undefined;
    const node = random.pick(texts);
    node.text = change(random, node.text);
    return root;
  };
}

/**
 * Adds a second member whose name is spelled by `spell`, next to the original, or only changes the spelling of the
 * original's name.
 */
function respelled(spell: (random: Random, key: string) => string) {
  return changesMember((random, member, members, at) => {
    const key = spell(random, member.key);
    if (random.oneIn(4)) {
      member.key = key;
      return;
    }
    const value = random.oneIn(4) ? copyOf(member.value) : nodeOf(valueFor(random, nameOf(member.key)));
    members.splice(at + random.below(2), 0, { key, value });
  });
}

function nameOf(key: string): string {
  return key.slice(1, -1);
}

const CHANGES: readonly Change[] = [
  respelled((_, key) => key),
  respelled((_, key) => key),
  respelled((random, key) => caseVariant(random, key)),
  respelled((random, key) => caseVariant(random, key)),
  respelled((random, key) => escaped(random, key)),
  respelled((random, key) => keyVariant(random, key)),
  // Members that are duplicated elsewhere, or in the wrong place.
  changesMember((random, _, members) => {
    const name = random.pick(NAMES);
    members.splice(random.below(members.length + 1), 0, { key: `"${name}"`, value: nodeOf(valueFor(random, name)) });
  }),
  changesMember((random, member) => {
    const name = nameOf(member.key);
    member.value = nodeOf(valueFor(random, name));
  }),
  changesMember((random, member) => {
    member.value = random.oneIn(2)
      ? { type: "array", items: [member.value] }
      : { type: "text", text: random.pick(OTHER_KINDS) };
  }),
  changesMember((_, member) => {
    member.value = inOrder(member.value);
  }),
  changesMember((random, _, members) => members.splice(random.below(members.length), 1)),
  changesMember((_, __, members) => members.reverse()),
  changesMember((random, member) => {
    const depth = random.pick([3, 60, 500, 513, 1100]);
    const [open, close] = random.oneIn(2) ? ["[", "]"] : ['{"a":', "}"];
    member.value = { type: "text", text: `${open.repeat(depth)}${written(member.value)}${close.repeat(depth)}` };
  }),
  changesMember((random, member, members) => {
    const long = "x".repeat(random.pick([250, 300, 5000, 70_000]));
    if (random.oneIn(2)) members.push({ key: `"${nameOf(member.key)}${long}"`, value: member.value });
    else members.unshift({ key: '"long"', value: nodeOf(long) });
  }),
  changesText((text) => text.startsWith('"'), stringVariant),
  changesText((text) => text.startsWith('"'), escaped),
  changesText(
    (text) => /^[-\d]/.test(text),
    (random) => random.pick(NUMBERS),
  ),
  (random, root) => random.pick(WRAPPERS)(root, nodeOf(message(random))),
];

/** Documents made of one or two messages. */
const WRAPPERS: readonly ((one: Node, other: Node) => Node)[] = [
  (one) => ({ type: "array", items: [one] }),
  (one, other) => ({ type: "array", items: [one, other] }),
  (one, other) => ({ type: "array", items: [{ type: "array", items: [one] }, other] }),
  (one) => ({ type: "array", items: [nodeOf(1), one] }),
  () => ({ type: "array", items: [] }),
  (one) => ({ type: "array", items: [one, { type: "text", text: "" }] }),
  (one) => ({ type: "object", members: [{ key: '"message"', value: one }] }),
  (one) => nodeOf(written(one)),
  (one) => inOrder(one),
  (one, other) => ({ type: "array", items: [one, inOrder(other)] }),
];

/** Returns an array of the values of an object's members. Some parsers accept it in place of the object. */
function inOrder(node: Node): Node {
  return node.type === "object" ? { type: "array", items: node.members.map(({ value }) => value) } : node;
}
