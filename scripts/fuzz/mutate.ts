import type { Random } from "./random.ts";
import type { Unit, UnitsOf } from "./units.ts";

/** Maximum size of an input in bytes. */
export const LARGEST = 100_000;
/** One in this number of inputs is large. */
const LARGE_ONES = 4000;
const SMALL = 4000;

/** An input to start from. */
export interface Seed {
  readonly bytes: Buffer;
  readonly units: readonly Unit[];
}

/** Inputs to start from, and words to insert into them. */
export interface Corpus {
  readonly seeds: readonly Seed[];
  /** Words with a meaning, or nearly one. */
  readonly words: readonly Buffer[];
}

export function corpusOf(inputs: readonly Buffer[], words: readonly Buffer[], unitsOf: UnitsOf): Corpus {
  const seeds = inputs
    .filter(({ length }) => length > 0 && length <= LARGEST)
    .map((bytes) => ({ bytes, units: unitsOf(bytes) }));
  return { seeds, words };
}

/** A seed, unchanged or changed: with parts of others, and byte by byte. At most {@link LARGEST} bytes. */
export function mutated(random: Random, corpus: Corpus): Buffer {
  const seed = small(random, corpus.seeds);
  // Replacing parts by parts keeps well-formed inputs well-formed.
  const grown = random.oneIn(3) ? seed.bytes : grafted(random, seed, small(random, corpus.seeds));
  return changed(random, grown, corpus);
}

/** The input, unchanged in half of all cases, otherwise with changed bytes. At most {@link LARGEST} bytes. */
export function changed(random: Random, bytes: Buffer, { seeds, words }: Corpus): Buffer {
  while (random.oneIn(2)) bytes = changedOnce(random, bytes, words, small(random, seeds).bytes);
  if (random.oneIn(LARGE_ONES)) bytes = enlarged(random, bytes);
  return bytes.length > LARGEST ? bytes.subarray(0, LARGEST) : bytes;
}

/** Most inputs must be small, even though some seeds are large. */
function small(random: Random, seeds: readonly Seed[]): Seed {
  const seed = random.pick(seeds);
  return seed.bytes.length <= SMALL || random.oneIn(20) ? seed : small(random, seeds);
}

/** Replaces a unit of one input by a unit of the other. */
function grafted(random: Random, { bytes, units }: Seed, other: Seed): Buffer {
  if (units.length === 0 || other.units.length === 0) return bytes;
  const [from, to] = random.pick(units);
  const [otherFrom, otherTo] = random.pick(other.units);
  return splice(bytes, from, to, other.bytes.subarray(otherFrom, otherTo));
}

function changedOnce(random: Random, bytes: Buffer, words: readonly Buffer[], other: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.size(1, 32));
  switch (random.below(9)) {
    case 0:
      return splice(bytes, at, to);
    case 1:
      // The same bytes twice: a member, an element, a line, a part of a character.
      return splice(bytes, to, to, bytes.subarray(at, to));
    case 2:
      return splice(bytes, at, at, random.pick(words));
    case 3:
      return splice(bytes, at, Math.min(bytes.length, at + 1), random.pick(words));
    case 4:
      return splice(bytes, at, Math.min(bytes.length, at + 1), Buffer.of(random.below(256)));
    case 5: {
      const flipped = Buffer.from(bytes);
      if (at < bytes.length) flipped[at] ^= 1 << random.below(8);
      return flipped;
    }
    case 6:
      return bytes.subarray(0, at);
    case 7:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    default: {
      const from = random.below(other.length + 1);
      return splice(bytes, at, at, other.subarray(from, from + random.size(1, 64)));
    }
  }
}

/** Repeats a part of the input, up to the maximum size. */
function enlarged(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  const part = bytes.subarray(at, at + random.size(1, 200));
  if (part.length === 0) return bytes;
  return splice(bytes, at, at, Buffer.alloc(random.size(1000, LARGEST), part));
}

function splice(bytes: Buffer, from: number, to: number, put: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);
}

/** Sizes of chunks to cut an input into: see `cut` of test/unit/chunks.ts. */
export function randomSizes(random: Random): number[] {
  if (random.oneIn(8)) return [1];
  const sizes = [random.size(1, 200)];
  while (!random.oneIn(3)) sizes.push(random.below(40));
  return sizes;
}
