import { TestModule } from "../module.ts";

/** Kinds of text that a meter tells apart. */
export const KINDS = 8;
/** What a token costs. */
export const TOKEN = 1024;

interface Exports {
  reset(bound: bigint): void;
  feed(at: number, length: number): void;
  endText(kind: number): void;
  costOf(kind: number): bigint;
  estimate(at: number, length: number): bigint;
}

/** A text of some kind. */
export interface Measured {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

const module = new TestModule<Exports>("meter");

/** What a text costs by the estimator alone. */
export function estimate(bytes: Uint8Array): number {
  return Number(module.lend(bytes, (at, length) => module.exports.estimate(at, length)));
}

/** What the texts of a message cost, by their kinds; `chop` cuts each of them. */
export function measure(
  bound: number,
  texts: readonly Measured[],
  chop: (bytes: Uint8Array) => Iterable<Uint8Array> = (bytes) => [bytes],
): number[] {
  const { exports } = module;
  exports.reset(BigInt(bound));
  for (const { kind, bytes } of texts) {
    for (const chunk of chop(bytes)) module.lend(chunk, (at, length) => exports.feed(at, length));
    exports.endText(kind);
  }
  return Array.from({ length: KINDS }, (_, kind) => Number(exports.costOf(kind)));
}

/** Feeds `slice` so many times as one text of kind 0. Returns what it has cost after each time. */
export function measureRepeated(bound: number, slice: Uint8Array, times: number): number[] {
  const { exports } = module;
  exports.reset(BigInt(bound));
  return Array.from({ length: times }, () => {
    module.lend(slice, (at, length) => exports.feed(at, length));
    exports.endText(0);
    return Number(exports.costOf(0));
  });
}

/** Bytes of the module's memory, which only ever grows. */
export function memorySize(): number {
  return module.exports.memory!.buffer.byteLength;
}
