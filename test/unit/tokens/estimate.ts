import { TestModule } from "../module.ts";

/** Of the module's estimates: so many are a token. */
const UNIT = 1024;

const module = new TestModule<{ feed(at: number, length: number): void; finish(): bigint }>("tokens");

/** How many tokens the estimator takes a text for, which comes in these chunks. */
export function estimateChunks(chunks: Iterable<Uint8Array>): number {
  for (const chunk of chunks) module.lend(chunk, (at, length) => module.exports.feed(at, length));
  return Number(module.exports.finish()) / UNIT;
}

/** How many tokens the estimator takes a text for. */
export function estimate(text: string | Uint8Array): number {
  return estimateChunks([Buffer.from(text)]);
}
