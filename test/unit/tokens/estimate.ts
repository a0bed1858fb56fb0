import { TestModule } from "../module.ts";

/** Of the module's estimates: so many are a token. */
const UNIT = 1024;

interface Exports {
  feed(at: number, length: number): void;
  finish(): bigint;
  finishPieces(at: number, length: number): bigint;
}

const module = new TestModule<Exports>("tokens");

/** How many tokens the estimator takes a text for, which comes in these chunks. */
export function estimateChunks(chunks: Iterable<Uint8Array>): number {
  for (const chunk of chunks) module.lend(chunk, (at, length) => module.exports.feed(at, length));
  return Number(module.exports.finish()) / UNIT;
}

/** How many tokens the estimator takes a text for. */
export function estimate(text: string | Uint8Array): number {
  return estimateChunks([Buffer.from(text)]);
}

/** Like {@link estimate}, of a text whose pieces are taken one by one, instead of several of ASCII at once. */
export function estimatePieces(bytes: Uint8Array): number {
  return Number(module.lend(bytes, (at, length) => module.exports.finishPieces(at, length))) / UNIT;
}
