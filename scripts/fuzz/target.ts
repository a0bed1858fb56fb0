import { isDeepStrictEqual } from "node:util";
import type { Random } from "./random.ts";

/**
 * The subject of a test: a reader, or the filter. `Case` is the type of an input, which consists of JSON values and
 * Buffers.
 */
export interface Target<Case = unknown> {
  /** Prepares a batch. Only `random` determines the generated inputs. Cheap if nothing is generated. */
  begin(random: Random): Batch<Case>;
}

/** Inputs that are tested one after another. Checks may depend on earlier inputs; generation does not. */
export interface Batch<Case = unknown> {
  generate(): Case;
  /** Tests an input. Throws a {@link Mismatch}, or any exception of the reader, if it finds a fault. */
  check(input: Case): void;
  /** Called after the last input: throws if it finds a fault in the whole. */
  finish(): void;
}

/** The found value differs from the expected one. */
export class Mismatch extends Error {
  constructor(what: string, found: unknown, expected: unknown) {
    super(`${what}: found ${shown(found)}, expected ${shown(expected)}`);
  }
}

/** Throws if the two differ. */
export function same(what: string, found: unknown, expected: unknown): void {
  if (found !== expected && !isDeepStrictEqual(found, expected)) throw new Mismatch(what, found, expected);
}

const SHOWN = 2000;

function shown(value: unknown): string {
  const text =
    JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? String(each) : each)) ?? "nothing";
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
