import { JsonType, JsonValue } from "./json_value";
import { nearestWord } from "./near_miss";
import { anyOf, quoted, shownName, shownValue } from "./shown";

/** Longest text of the configuration, in bytes. */
const LONGEST_TEXT = "256";

/** The errors and warnings of a configuration, gathered while its values are read. Each begins with the path of the value
 *  and shows the value that it is about. Every reading function returns a usable value for one that it rejects. */
export class Problems {
  readonly errors: string[] = [];
  /** Of what is ignored or has no effect. */
  readonly warnings: string[] = [];

  error(path: string, text: string): void {
    this.errors.push(path + ": " + text);
  }

  warn(path: string, text: string): void {
    this.warnings.push(path + ": " + text);
  }

  /** An error that shows what was expected and what was there. */
  expected(path: string, what: string, value: JsonValue): void {
    this.error(path, "expected " + what + ", got " + shownValue(value));
  }

  isObject(path: string, value: JsonValue): bool {
    if (value.type == JsonType.Object) return true;
    this.expected(path, "an object", value);
    return false;
  }

  isArray(path: string, what: string, value: JsonValue): bool {
    if (value.type == JsonType.Array) return true;
    this.expected(path, what, value);
    return false;
  }

  /** Reports an array of more than `most` items. `what`: what its items are, in the plural. */
  atMost(path: string, most: i32, what: string, value: JsonValue): void {
    const count = value.items.length;
    if (count <= most) return;
    this.error(path, "expected at most " + most.toString() + " " + what + ", got " + count.toString());
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
    if (value.type == JsonType.Array && texts.length == 0) this.error(path, "expected at least one string");
    return texts;
  }

  /** The objects in an array of objects that have the one field `name`; null for an item that is none. */
  wrapped(path: string, value: JsonValue, name: string): Array<JsonValue | null> {
    const found: Array<JsonValue | null> = [];
    if (!this.isArray(path, "an array of " + name + "s", value)) return found;
    if (value.items.length == 0) this.error(path, "expected at least one " + name);
    for (let i = 0; i < value.items.length; i++) {
      const item = value.items[i];
      const at = itemPath(path, i);
      let inner: JsonValue | null = null;
      if (this.isObject(at, item)) {
        if (item.items.length != 1 || item.names[0] != name) {
          const names = item.names.length ? item.names.map<string>((other) => quoted(other)).join(", ") : "none";
          this.error(at, 'expected an object with the one field "' + name + '", got ' + names);
        } else if (this.isObject(at + "." + name, item.items[0])) {
          inner = item.items[0];
        }
      }
      found.push(inner);
    }
    return found;
  }

  /** The index of a word in a closed set. */
  word(path: string, value: JsonValue, words: string[], otherwise: i32): i32 {
    const index = value.type == JsonType.String ? words.indexOf(value.text) : -1;
    if (index >= 0) return index;
    const near = value.type == JsonType.String ? nearestWord(value.text, words) : "";
    this.error(path, "expected " + anyOf(words) + ", got " + shownValue(value) + suggestion(near));
    return otherwise;
  }

  /** An unknown field where a later version may have one: a warning, because a rollback to an older module must not switch
   *  the filter off. It is an error if its name is a near miss of a known one. */
  unknown(parent: string, name: string, known: string[]): void {
    const near = nearestWord(name, known);
    if (near.length) this.error(fieldPath(parent, name), "unknown field" + suggestion(near));
    else this.warn(fieldPath(parent, name), "unknown field, ignored");
  }

  /** An unknown field where ignoring it could allow what was to be denied. */
  refused(parent: string, name: string, known: string[]): void {
    const near = nearestWord(name, known);
    const help = near.length ? suggestion(near) : ", expected " + anyOf(known);
    this.error(fieldPath(parent, name), "unknown field" + help);
  }

  /** Reports every field in the value that has another one of its name beside it: only one of them would be read. */
  refuseDuplicates(path: string, value: JsonValue): void {
    for (let i = 0; i < value.items.length; i++) {
      const isMember = value.type == JsonType.Object;
      const at = isMember ? fieldPath(path, value.names[i]) : itemPath(path, i);
      if (isMember && value.names.indexOf(value.names[i]) != i) this.error(at, "duplicate field");
      this.refuseDuplicates(at, value.items[i]);
    }
  }
}

/** The path of an element of an array. */
export function itemPath(path: string, index: i32): string {
  return path + "[" + index.toString() + "]";
}

/** The path of a field of an object; `parent` is empty for the root. */
export function fieldPath(parent: string, name: string): string {
  return parent.length ? parent + "." + shownName(name) : shownName(name);
}

/** What follows an error's text to name the valid word that was probably meant; nothing where there is none. */
export function suggestion(word: string): string {
  return word.length ? "; did you mean " + quoted(word) + "?" : "";
}

/** The same of several words, one at least. */
export function suggestions(words: string[]): string {
  return "; did you mean " + anyOf(words.map<string>((word) => quoted(word))) + "?";
}
