import { createHash } from "node:crypto";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** Random numbers determined by a seed: the same seed gives the same inputs. */
export class Random {
  readonly #generator: RandomGenerator;

  /** @param seeds integers that together determine all numbers */
  constructor(...seeds: readonly number[]) {
    // Hashed, so that seeds that differ by one bit give unrelated numbers.
    const hash = createHash("sha256").update(seeds.join()).digest();
    this.#generator = xoroshiro128plusFromState([0, 4, 8, 12].map((at) => hash.readInt32LE(at)));
  }

  /** A number from 0 to 2³² − 1. */
  next(): number {
    return this.#generator.next() >>> 0;
  }

  /** A number from 0 to `limit` − 1. `limit` must be at least 1. For large limits, the lower numbers are slightly more frequent. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** A number from `from` to `to`, both included. Smaller numbers are more frequent. */
  size(from: number, to: number): number {
    return Math.floor(from * Math.pow((to + 1) / from, this.next() / 2 ** 32));
  }

  /** True with a probability of 1 in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }
}
