import { isDeepStrictEqual } from "node:util";
import type { Random } from "./random.ts";

/** What is tried out at once: a reader, or the filter. `Case`: an input, of what can be written as JSON, and of Buffers. */
export interface Target<Case = unknown> {
  /** Prepares a batch. `random` alone decides on what it generates; it is cheap where nothing is to be generated. */
  begin(random: Random): Batch<Case>;
}

/** Inputs that are tried one after another. Each that is checked may depend on those before, none that is generated. */
export interface Batch<Case = unknown> {
  generate(): Case;
  /** Tries an input. Throws where something is wrong, a {@link Mismatch} or whatever the reader throws. */
  check(input: Case): void;
  /** After the last input: throws where something is wrong with the whole. */
  finish(): void;
}

/** What is found differs from what should be. */
export class Mismatch extends Error {
  constructor(what: string, found: unknown, expected: unknown) {
    super(`${what}: found ${shown(found)}, expected ${shown(expected)}`);
  }
}

/** Throws where the two differ. */
export function same(what: string, found: unknown, expected: unknown): void {
  if (found !== expected && !isDeepStrictEqual(found, expected)) throw new Mismatch(what, found, expected);
}

const SHOWN = 2000;

function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each)) ?? "nothing";
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
