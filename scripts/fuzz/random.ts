/** Random numbers that a seed decides on: the same seed, the same inputs. Fast rather than good (sfc32). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seeds whole numbers, which together decide on all that follows */
  constructor(...seeds: readonly number[]) {
    [this.#a, this.#b, this.#c] = [seeds[0] ?? 0, seeds[1] ?? 0, seeds[2] ?? 0];
    // So that seeds that differ by a bit have nothing in common.
    for (let i = 0; i < 15; i++) this.next();
  }

  /** 0 to 2³² - 1. */
  next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** 0 to `limit` - 1; `limit` is 1 at least. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** `from` to `to`, both included; the smaller a number is, the more often it comes. */
  size(from: number, to: number): number {
    return Math.floor(from * Math.pow((to + 1) / from, this.next() / 2 ** 32));
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }
}
