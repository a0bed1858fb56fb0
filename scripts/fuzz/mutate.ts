import type { Random } from "./random.ts";
import type { Unit, UnitsOf } from "./units.ts";

/** Bytes of the largest inputs. */
export const LARGEST = 100_000;
/** One in so many inputs is a large one. */
const LARGE_ONES = 4000;
const SMALL = 4000;

/** An input to begin with. */
export interface Seed {
  readonly bytes: Buffer;
  readonly units: readonly Unit[];
}

/** Inputs to begin with, and what to put into them. */
export interface Corpus {
  readonly seeds: readonly Seed[];
  /** What has a meaning, or nearly one. */
  readonly words: readonly Buffer[];
}

export function corpusOf(inputs: readonly Buffer[], words: readonly Buffer[], unitsOf: UnitsOf): Corpus {
  const seeds = inputs
    .filter(({ length }) => length > 0 && length <= LARGEST)
    .map((bytes) => ({ bytes, units: unitsOf(bytes) }));
  return { seeds, words };
}

/** A seed, whole or changed: by parts of others, and byte by byte. At most {@link LARGEST} bytes. */
export function mutated(random: Random, corpus: Corpus): Buffer {
  const seed = small(random, corpus.seeds);
  // Parts for parts: what was well-formed still is.
  const grown = random.oneIn(3) ? seed.bytes : grafted(random, seed, small(random, corpus.seeds));
  return changed(random, grown, corpus);
}

/** The input, whole in half of all cases, else with bytes changed. At most {@link LARGEST} bytes. */
export function changed(random: Random, bytes: Buffer, { seeds, words }: Corpus): Buffer {
  while (random.oneIn(2)) bytes = changedOnce(random, bytes, words, small(random, seeds).bytes);
  if (random.oneIn(LARGE_ONES)) bytes = enlarged(random, bytes);
  return bytes.length > LARGEST ? bytes.subarray(0, LARGEST) : bytes;
}

/** Most inputs shall be small ones, however large some of the seeds are. */
function small(random: Random, seeds: readonly Seed[]): Seed {
  const seed = random.pick(seeds);
  return seed.bytes.length <= SMALL || random.oneIn(20) ? seed : small(random, seeds);
}

/** A unit of the other in the place of one of this. */
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

/** A part of it repeated, up to the size of the largest inputs. */
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
