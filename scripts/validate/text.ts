/** Texts within texts: a file, a string in it, and a string in that. */

/** A text with its place in the file. */
export interface Text {
  readonly text: string;
  /** The offset in the file of an offset in this text. */
  fileOffset(offset: number): number;
}

/** How a string is written. */
export type Style = "double-quoted" | "single-quoted" | "unquoted";

/** The text of a whole file. */
export function fileText(text: string): Text {
  return { text, fileOffset: (offset) => offset };
}

/**
 * The value of a string that is written in `parent` from `start` to `end`, without its quotes. Indentation and folded lines
 * change only white space, so the n-th other character of the value is the n-th other character of the source.
 */
export function nestedText(parent: Text, value: string, style: Style, start: number, end: number): Text {
  const offsets = solidOffsets(parent.text.slice(start, end), style);
  const solidBefore = new Uint32Array(value.length + 1);
  for (let i = 0; i < value.length; i++) solidBefore[i + 1] = solidBefore[i] + (isSolid(value.charCodeAt(i)) ? 1 : 0);
  return {
    text: value,
    fileOffset: (offset) => {
      const found = offsets[solidBefore[Math.min(offset, value.length)]];
      return parent.fileOffset(found === undefined ? end : start + found);
    },
  };
}

const UNIT: Record<Style, RegExp> = {
  "double-quoted": /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|[^])|[^]/gi,
  "single-quoted": /''|[^]/g,
  unquoted: /[^]/g,
};
/** White space after a backslash in double quotes: line feed, tab, carriage return, space, and a line that continues. */
const BLANK_ESCAPE = /^\\[ntr\s]$/;

/** The offset in the source of each UTF-16 unit of the value that is not white space. */
function solidOffsets(source: string, style: Style): number[] {
  const offsets: number[] = [];
  for (const match of source.matchAll(UNIT[style])) {
    const [unit, ...codes] = match;
    const digits = codes.find((code) => code !== undefined);
    const code = digits === undefined ? unit.charCodeAt(0) : parseInt(digits, 16);
    if (BLANK_ESCAPE.test(unit) || !isSolid(code)) continue;
    offsets.push(match.index);
    if (code > 0xffff) offsets.push(match.index);
  }
  return offsets;
}

function isSolid(code: number): boolean {
  return code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d;
}
