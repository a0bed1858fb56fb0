import fc from "fast-check";

import { type Member, type Node, nodes, spelled, spellings } from "../json/documents.ts";

export const anyNode = nodes();

export function text(value: string): fc.Arbitrary<Node> {
  return spelled(value).map((spelling): Node => ({ type: "string", spelling }));
}

export function texts(...values: string[]): fc.Arbitrary<Node> {
  return fc.constantFrom(...values).chain(text);
}

export function literals(...values: ("true" | "false" | "null")[]): fc.Arbitrary<Node> {
  return fc.constantFrom(...values).map((value): Node => ({ type: "literal", text: value }));
}

/** Mostly what belongs in a place, now and then anything. */
export function mostly(value: fc.Arbitrary<Node>): fc.Arbitrary<Node> {
  return fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: anyNode });
}

export function member(name: string, value: fc.Arbitrary<Node>): fc.Arbitrary<Member> {
  return fc.record({ key: spelled(name), value });
}

/** An object of any of these members, in any order, some twice. */
export function object(...members: fc.Arbitrary<Member>[]): fc.Arbitrary<Node> {
  return fc.array(fc.oneof(...members), { maxLength: 6 }).map((all): Node => ({ type: "object", members: all }));
}

export function array(item: fc.Arbitrary<Node>): fc.Arbitrary<Node> {
  return fc.array(item, { maxLength: 4 }).map((items): Node => ({ type: "array", items }));
}

/** A member that nobody asks for. */
export const other = fc.record({ key: spellings, value: anyNode });

export function asNode(spelling: { value: string; json: string }): Node {
  return { type: "string", spelling };
}
