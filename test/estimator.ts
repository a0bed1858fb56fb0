/** What the filter's own estimator says of texts: an oracle for tests of what is counted, and where. */
import { TestModule } from "./unit/module.ts";

const module = new TestModule<{
  reset(head: bigint): void;
  feed(at: number, length: number): void;
  endText(kind: number): void;
  costOf(kind: number): bigint;
}>("meter");
/** Units of cost in a token. */
const UNITS = 1024;
/** Bytes of the texts of a message that are read exactly: the default of `tokens.maxBytes`. */
const HEAD = 8192;

/** The tokens of all texts of one kind in one message, which come before those of other kinds if they are long. What is no string is
 *  read as JSON. */
export function tokensOf(texts: readonly unknown[], scale = 1, maxBytes = HEAD): number {
  const { exports } = module;
  exports.reset(BigInt(maxBytes));
  for (const text of texts) {
    module.lend(Buffer.from(asText(text)), (at, length) => exports.feed(at, length));
    exports.endText(0);
  }
  return Math.round((Number(exports.costOf(0)) * scale) / UNITS);
}

/** A text as a model reads it. */
export function asText(text: unknown): string {
  return typeof text === "string" ? text : JSON.stringify(text);
}
