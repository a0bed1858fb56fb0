/** What the filter's own estimator says of texts: an oracle for tests of what is counted, and where. */
import { costOfValues } from "./unit/tokens/texts.ts";

/** Units of cost in a token. */
const UNITS = 1024;
/** Bytes of the texts of a message that are read exactly: the default of `tokens.maxBytes`. */
const HEAD = 1024;

/** The tokens of all texts of one kind in one message, which come before those of other kinds if they are long. Beyond `maxBytes`
 *  they must be on the wire as JSON.stringify writes them. What is no string is read as JSON. */
export function tokensOf(texts: readonly unknown[], scale = 1, maxBytes = HEAD): number {
  const values = texts.map((text) => Buffer.from(JSON.stringify(text)));
  return Math.round((costOfValues(maxBytes, values) * scale) / UNITS);
}

/** Bytes of the texts of a list of definitions that are read completely. */
const DEFINITION_BYTES = 262_144;

/** {@link tokensOf} all texts of this kind in one message. */
export function tokensOfKind(kind: string, texts: readonly unknown[], scale = 1): number {
  return tokensOf(texts, scale, kind === "definitions" ? DEFINITION_BYTES : HEAD);
}

/** A text as a model reads it. */
export function asText(text: unknown): string {
  return typeof text === "string" ? text : JSON.stringify(text);
}
