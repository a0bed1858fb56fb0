/** The estimator of assembly/tokens, compiled so that its two tables can be changed. */
import type { ASUtil } from "@assemblyscript/loader";
import { load } from "../compile.ts";

/** The number of units of weight in one token. */
const UNIT = 1024;
const CAPACITY = 1 << 20;

type Globals<Name extends string> = Readonly<Record<Name, WebAssembly.Global<"i32">>>;
type Categories = Globals<"Letter" | "Space" | "LineEnd" | "Symbol">;
type Scripts = Globals<"LatinExtended" | "Cyrillic" | "CyrillicExtended" | "Devanagari" | "Han">;

/** The maximum lengths of the texts that the estimator looks up, in characters. */
type Lengths = Globals<"maxWordLetters" | "maxForeignLetters" | "maxSymbols">;

/** What module.as.ts exports. */
interface Exports extends Globals<"weightsAt" | "weightCount" | "filterWordsAt" | "filterWordCount">, Lengths {
  readonly Category: Categories;
  readonly Script: Scripts;
  allocate(size: number): number;
  estimate(at: number, length: number): bigint;
  isPerLetter(weight: number): number;
  scriptOf(weight: number): number;
  keyOf(at: number, count: number): bigint;
  addKey(key: bigint): void;
  isInFilter(key: bigint): number;
  category(point: number): number;
  script(point: number): number;
  small(point: number): number;
}

export class Estimator {
  readonly weightCount: number;
  readonly #exports: Exports & ASUtil;
  readonly #at: number;

  private constructor(exports: Exports & ASUtil) {
    this.#exports = exports;
    this.#at = exports.allocate(CAPACITY);
    this.weightCount = exports.weightCount.value;
  }

  static async compile(): Promise<Estimator> {
    return new Estimator(await load<Exports>("scripts/tokens/module.as.ts"));
  }

  /** The estimated number of tokens of a text. */
  estimate(text: string | Uint8Array): number {
    const length = this.#put(text);
    return Number(this.#exports.estimate(this.#at, length)) / UNIT;
  }

  /** The number of times that each weight is added for a text. Overwrites the weights. */
  weightUses(text: string): Float64Array {
    const length = this.#put(text);
    const weights = this.#weights;
    weights.fill(0);
    return Float64Array.from(weights, (_, index) => {
      weights[index] = 1;
      const uses = Number(this.#exports.estimate(this.#at, length));
      weights[index] = 0;
      return uses;
    });
  }

  /** Sets the weights, given in tokens. Returns them in 1/1024 of a token, rounded. */
  setWeights(tokens: ArrayLike<number>): number[] {
    this.#weights.set(Array.from(tokens, (weight) => Math.round(weight * UNIT)));
    return [...this.#weights];
  }

  /** Whether a weight is added once for each letter of a word. */
  isPerLetter(weight: number): boolean {
    return this.#exports.isPerLetter(weight) !== 0;
  }

  /** The script beyond ASCII whose words have this weight; the script of ASCII for any other weight. */
  scriptOf(weight: number): number {
    return this.#exports.scriptOf(weight);
  }

  /** Fills the vocabulary's filter with keys. Returns the words of the filter, 64 bits each. */
  setVocabulary(keys: readonly bigint[]): BigUint64Array {
    const words = new BigUint64Array(
      this.#memory,
      this.#exports.filterWordsAt.value,
      this.#exports.filterWordCount.value,
    );
    words.fill(0n);
    for (const key of keys) this.#exports.addKey(key);
    return words.slice();
  }

  /** The filter's key of a text, given as code points. */
  keyOf(points: readonly number[]): bigint {
    new Uint32Array(this.#memory, this.#at, points.length).set(points);
    return this.#exports.keyOf(this.#at, points.length);
  }

  isInFilter(key: bigint): boolean {
    return this.#exports.isInFilter(key) !== 0;
  }

  get categories(): Categories {
    return this.#exports.Category;
  }

  get scripts(): Scripts {
    return this.#exports.Script;
  }

  get lengths(): Lengths {
    return this.#exports;
  }

  category(point: number): number {
    return this.#exports.category(point);
  }

  script(point: number): number {
    return this.#exports.script(point);
  }

  /** The small letter for a capital letter. Other characters are returned unchanged. */
  small(point: number): number {
    return this.#exports.small(point);
  }

  #put(text: string | Uint8Array): number {
    const bytes = Buffer.from(text);
    if (bytes.length > CAPACITY) throw new RangeError(`A text of ${bytes.length} bytes is too long.`);
    this.#bytes(this.#at, bytes.length).set(bytes);
    return bytes.length;
  }

  get #weights(): Uint16Array {
    return new Uint16Array(this.#memory, this.#exports.weightsAt.value, this.weightCount);
  }

  #bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory, at, length);
  }

  get #memory(): ArrayBuffer {
    return this.#exports.memory!.buffer;
  }
}
