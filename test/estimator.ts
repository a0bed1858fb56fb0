/** What the filter's own estimator says of texts: an oracle for tests of what is counted, and where. */
import { TestModule } from "./unit/module.ts";

const module = new TestModule<{ estimate(at: number, length: number): bigint }>("meter");
/** Units of cost in a token. */
const UNITS = 1024;

/** The tokens of all texts of one kind in one message. What is no string is read as JSON. */
export function tokensOf(texts: readonly unknown[], scale = 1): number {
  const costs = texts.map((text) => {
    const bytes = Buffer.from(asText(text));
    return Number(module.lend(bytes, (at, length) => module.exports.estimate(at, length)));
  });
  return Math.round((costs.reduce((sum, cost) => sum + cost, 0) * scale) / UNITS);
}

/** A text as a model reads it. */
export function asText(text: unknown): string {
  return typeof text === "string" ? text : JSON.stringify(text);
}
