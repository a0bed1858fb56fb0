import { JsonType, JsonValue } from "./json_value";

/** Longest text of the configuration, in bytes. */
const LONGEST_TEXT = "256";

/** What is wrong with a configuration, gathered while its values are read: each error with the path of its field and what
 *  was expected there. What cannot be read gives the value that stands for it otherwise. */
export class Problems {
  readonly errors: string[] = [];
  /** Of what is ignored. */
  readonly warnings: string[] = [];

  isObject(path: string, value: JsonValue): bool {
    if (value.type == JsonType.Object) return true;
    this.expected(path, "an object", value);
    return false;
  }

  integer(path: string, value: JsonValue, least: i32, most: i32, otherwise: i32): i32 {
    const integer = value.integer;
    if (integer >= least && integer <= most) return integer;
    this.expected(path, "an integer from " + least.toString() + " to " + most.toString(), value);
    return otherwise;
  }

  boolean(path: string, value: JsonValue, otherwise: bool): bool {
    if (value.type == JsonType.Boolean) return value.boolean;
    this.expected(path, "a boolean", value);
    return otherwise;
  }

  text(path: string, value: JsonValue, otherwise: string): string {
    if (value.type == JsonType.String && !value.isCut) return value.text;
    this.expected(path, "a string of at most " + LONGEST_TEXT + " bytes", value);
    return otherwise;
  }

  texts(path: string, value: JsonValue): string[] {
    const texts: string[] = [];
    if (!this.isArray(path, "an array of strings", value)) return texts;
    for (let i = 0; i < value.items.length; i++) texts.push(this.text(itemPath(path, i), value.items[i], ""));
    return texts;
  }

  /** Texts, one at least. */
  list(path: string, value: JsonValue): string[] {
    const texts = this.texts(path, value);
    if (value.type == JsonType.Array && texts.length == 0) this.errors.push(path + ": expected at least one string");
    return texts;
  }

  /** What stands in an array of objects that have the one field `name`, whose value is an object; null for what is none. */
  wrapped(path: string, value: JsonValue, name: string): Array<JsonValue | null> {
    const found: Array<JsonValue | null> = [];
    if (!this.isArray(path, "an array of " + name + "s", value)) return found;
    if (value.items.length == 0) this.errors.push(path + ": expected at least one " + name);
    for (let i = 0; i < value.items.length; i++) {
      const item = value.items[i];
      const at = itemPath(path, i);
      let inner: JsonValue | null = null;
      if (this.isObject(at, item)) {
        if (item.items.length != 1 || item.names[0] != name) {
          this.errors.push(at + ': expected an object with the one field "' + name + '"');
        } else if (this.isObject(at + "." + name, item.items[0])) {
          inner = item.items[0];
        }
      }
      found.push(inner);
    }
    return found;
  }

  isArray(path: string, what: string, value: JsonValue): bool {
    if (value.type == JsonType.Array) return true;
    this.expected(path, what, value);
    return false;
  }

  /** The index of a word in a closed set. */
  word(path: string, value: JsonValue, words: string[], otherwise: i32): i32 {
    const index = value.type == JsonType.String ? words.indexOf(value.text) : -1;
    if (index >= 0) return index;
    this.expected(path, "one of " + words.join(", "), value);
    return otherwise;
  }

  expected(path: string, what: string, value: JsonValue): void {
    const shown = value.type == JsonType.Number ? value.text : value.typeName;
    this.errors.push(path + ": expected " + what + ", got " + shown);
  }

  /** An unknown field is ignored: a rollback to an older module must not switch the filter off. */
  unknown(path: string): void {
    this.warnings.push(path + ": unknown field, ignored");
  }

  /** An unknown field where ignoring it would open what was meant to be closed. */
  refused(path: string): void {
    this.errors.push(path + ": unknown field");
  }
}

/** The path of an element of an array. */
export function itemPath(path: string, index: i32): string {
  return path + "[" + index.toString() + "]";
}
