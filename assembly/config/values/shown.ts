import { JsonType, JsonValue } from "./json_value";

/** Maximum number of UTF-16 code units of a text in a message. */
const MAX_SHOWN: i32 = 64;
const QUOTE: i32 = 0x22;
const BACKSLASH: i32 = 0x5c;
const HEX = "0123456789abcdef";

/** A value in a message: scalars as written but shortened, containers by their type. */
export function shownValue(value: JsonValue): string {
  switch (value.type) {
    case JsonType.Boolean:
      return value.boolean ? "true" : "false";
    case JsonType.Number:
      return shortened(value.text);
    case JsonType.String:
      return value.isCut ? quoted(value.text) + ", which is longer" : quoted(value.text);
    default:
      return value.typeName;
  }
}

/** A shortened text in quotes, with its control characters escaped. */
export function quoted(text: string): string {
  return '"' + escaped(shortened(text)) + '"';
}

/** The name of a field in a path. */
export function shownName(name: string): string {
  return escaped(shortened(name));
}

/** The text with its control characters, quotes and backslashes escaped. */
function escaped(text: string): string {
  let shown = "";
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    if (codeUnit < 0x20 || codeUnit == 0x7f) shown += "\\u00" + HEX.charAt(codeUnit >> 4) + HEX.charAt(codeUnit & 15);
    else if (codeUnit == QUOTE || codeUnit == BACKSLASH) shown += "\\" + text.charAt(i);
    else shown += text.charAt(i);
  }
  return shown;
}

/** The beginning of a long text, followed by an ellipsis. */
function shortened(text: string): string {
  if (text.length <= MAX_SHOWN) return text;
  // A surrogate pair is not split.
  const isPair = (text.charCodeAt(MAX_SHOWN - 1) & 0xfc00) == 0xd800;
  return text.slice(0, isPair ? MAX_SHOWN - 1 : MAX_SHOWN) + "…";
}

/** Words as an enumeration: `a`, `a or b`, `a, b or c`. */
export function anyOf(words: string[]): string {
  const last = words.length - 1;
  return last == 0 ? words[0] : words.slice(0, last).join(", ") + " or " + words[last];
}
