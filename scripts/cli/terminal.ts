/** Output: text from strangers, and readers that go away. */

/** Control characters (C0, C1), invisible format characters such as bidirectional overrides, lone surrogates, and separators of
 *  lines: what could move the cursor, colour or reorder the text around it, or begin a line. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with each unprintable character as `\u{…}`, its code point in hexadecimal digits. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Lets the process end quietly when the reader of its output has gone, as with `| head`. */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

/** JSON that means the same, with each unprintable character in a text as an escape sequence of JSON: on one line, or indented by
 *  `indent` spaces. */
export function printableJson(value: unknown, indent = 0): string {
  const escaped = (unit: string) => (unit === "\n" ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const json = JSON.stringify(value, null, indent);
  return json.replaceAll(UNPRINTABLE, (character) => character.split("").map(escaped).join(""));
}
