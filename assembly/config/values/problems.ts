import { JsonType, JsonValue } from "./json_value";
import { nearestWord } from "./near_miss";
import { anyOf, quoted, shownName, shownValue } from "./shown";

/** Maximum length in bytes of a text in the configuration. */
const MAX_TEXT = "256";

/**
 * Collects the errors and warnings of a configuration while its values are read. Each begins with the path of the value
 * and shows the value. Every reading function returns a usable value in place of one that it rejects.
 */
export class Problems {
  readonly errors: string[] = [];
  /** Warnings about values that are ignored or have no effect. */
  readonly warnings: string[] = [];

  error(path: string, text: string): void {
    this.errors.push(path + ": " + text);
  }

  warn(path: string, text: string): void {
    this.warnings.push(path + ": " + text);
  }

  /** Reports an error that shows the expected and the actual value. */
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

  /** Reports an array of more than `most` items. `what` names its items, in the plural. */
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
    this.expected(path, "a string of at most " + MAX_TEXT + " bytes", value);
    return otherwise;
  }

  texts(path: string, value: JsonValue): string[] {
    const texts: string[] = [];
    if (!this.isArray(path, "an array of strings", value)) return texts;
    for (let i = 0; i < value.items.length; i++) texts.push(this.text(itemPath(path, i), value.items[i], ""));
    return texts;
  }

  /** Reads an array of at least one string. */
  list(path: string, value: JsonValue): string[] {
    const texts = this.texts(path, value);
    if (value.type == JsonType.Array && texts.length == 0) this.error(path, "expected at least one string");
    return texts;
  }

  /** The objects in an array of objects that each have only the field `name`; null for an invalid item. */
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
          this.error(at, 'expected an object with only the field "' + name + '", got ' + names);
        } else if (this.isObject(at + "." + name, item.items[0])) {
          inner = item.items[0];
        }
      }
      found.push(inner);
    }
    return found;
  }

  /** The index of a word in a closed set; `otherwise` if it is not in the set. */
  word(path: string, value: JsonValue, words: string[], otherwise: i32): i32 {
    const index = value.type == JsonType.String ? words.indexOf(value.text) : -1;
    if (index >= 0) return index;
    const near = value.type == JsonType.String ? nearestWord(value.text, words) : "";
    this.error(path, "expected " + anyOf(words) + ", got " + shownValue(value) + suggestion(near));
    return otherwise;
  }

  /** Reports an unknown field where a later version may have one: a warning, because a rollback to an older module
   *  must not disable the filter. It is an error if its name is a near miss of a known one. */
  unknown(parent: string, name: string, known: string[]): void {
    const near = nearestWord(name, known);
    if (near.length) this.error(fieldPath(parent, name), "unknown field" + suggestion(near));
    else this.warn(fieldPath(parent, name), "unknown field, ignored");
  }

  /** Reports an unknown field where ignoring it could allow what must be denied. */
  refused(parent: string, name: string, known: string[]): void {
    const near = nearestWord(name, known);
    const help = near.length ? suggestion(near) : ", expected " + anyOf(known);
    this.error(fieldPath(parent, name), "unknown field" + help);
  }

  /** Reports every duplicate field in the value, because only one of them would be read. */
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

/** The end of an error's text that suggests a valid word; empty if `word` is empty. */
export function suggestion(word: string): string {
  return word.length ? "; did you mean " + quoted(word) + "?" : "";
}

/** The end of an error's text that suggests valid words, at least one. */
export function suggestions(words: string[]): string {
  return "; did you mean " + anyOf(words.map<string>((word) => quoted(word))) + "?";
}
