/** The parts of a text that can replace each other without breaking the text. */

/** Start and end of a part; the end is exclusive. */
export type Unit = readonly [from: number, to: number];

/** Finds the units of a text. */
export type UnitsOf = (bytes: Buffer) => Unit[];

const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/gs;

/** The values of a JSON text, which may be invalid. */
export function jsonValues(bytes: Buffer): Unit[] {
  const units: Unit[] = [];
  const open: number[] = [];
  let last: Unit | undefined;
  for (const { 0: token, index } of bytes.toString("latin1").matchAll(JSON_TOKENS)) {
    const to = index + token.length;
    // A string before a colon is a name.
    if (token !== ":" && last !== undefined) units.push(last);
    last = undefined;
    if (token === "{" || token === "[") open.push(index);
    else if (token === "}" || token === "]") units.push([open.pop() ?? index, to]);
    else if (token !== ":" && token !== ",") last = [index, to];
  }
  if (last !== undefined) units.push(last);
  return units;
}

/** The lines of a text with their ends. A blank line consists only of its end. */
export function lines(bytes: Buffer): Unit[] {
  return Array.from(bytes.toString("latin1").matchAll(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g), ({ 0: line, index }) => [
    index,
    index + line.length,
  ]);
}
