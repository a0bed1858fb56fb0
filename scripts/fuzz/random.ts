/** Random numbers determined by a seed: the same seed gives the same inputs. Fast rather than good (sfc32). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seeds integers that together determine all numbers */
  constructor(...seeds: readonly number[]) {
    [this.#a, this.#b, this.#c] = [seeds[0] ?? 0, seeds[1] ?? 0, seeds[2] ?? 0];
    // Mixes the state, so that seeds that differ by one bit give unrelated numbers.
    for (let i = 0; i < 15; i++) this.next();
  }

  /** A number from 0 to 2³² − 1. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** A number from 0 to `limit` − 1. `limit` must be at least 1. */
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
