import { Mismatch } from "./target.ts";

/** Checks that a memory grows only while it has not seen everything once. */
export class MemoryWatch {
  readonly #size: () => number;
  readonly #warmUp: number;
  #inputs = 0;
  #expected = 0;

  /**
   * @param size the size of the memory, in bytes or pages
   * @param warmUp number of inputs after which it must not grow
   */
  constructor(size: () => number, warmUp: number) {
    this.#size = size;
    this.#warmUp = warmUp;
  }

  /** Called after each input. */
  count(): void {
    if (++this.#inputs === this.#warmUp) this.#expected = this.#size();
  }

  /** Called after the last input. Checks nothing if there were too few inputs. */
  check(what: string): void {
    if (this.#inputs <= this.#warmUp) return;
    const size = this.#size();
    if (size > this.#expected) throw new Mismatch(`the memory of ${what}`, size, this.#expected);
  }
}
