import { Mismatch } from "./target.ts";

/** Watches a memory that may grow until it has seen everything once, and not after. */
export class MemoryWatch {
  readonly #size: () => number;
  readonly #warmUp: number;
  #inputs = 0;
  #expected = 0;

  /** @param size bytes or pages of the memory
   *  @param warmUp inputs after which it must not grow */
  constructor(size: () => number, warmUp: number) {
    this.#size = size;
    this.#warmUp = warmUp;
  }

  /** After each input. */
  count(): void {
    if (++this.#inputs === this.#warmUp) this.#expected = this.#size();
  }

  /** After the last. Of too few inputs nothing can be said. */
  check(what: string): void {
    if (this.#inputs <= this.#warmUp) return;
    const size = this.#size();
    if (size > this.#expected) throw new Mismatch(`the memory of ${what}`, size, this.#expected);
  }
}
