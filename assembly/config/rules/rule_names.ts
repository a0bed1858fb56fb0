import { JsonType, JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";
import { quoted } from "../values/shown";

const MAX_RULE_NAME: i32 = 63;
const NAME_FORM = "1 to 63 letters, digits, -, _ and ., beginning with a letter or digit";

/** The names of a list of rules, which must be unique. */
export class RuleNames {
  private names: string[] = [];

  constructor(private problems: Problems) {}

  /**
   * The name in a rule's `name`; empty if it is invalid.
   * @param path the path of the rule
   */
  read(path: string, value: JsonValue): string {
    const name = value.type == JsonType.String && !value.isCut ? value.text : "";
    if (isRuleName(name)) return name;
    this.problems.expected(path + ".name", NAME_FORM, value);
    return "";
  }

  /** Reports a rule without a name. */
  miss(path: string): void {
    this.problems.error(path + ".name", "expected " + NAME_FORM);
  }

  /** Adds the name of the next rule, empty if it has none, and reports a duplicate. */
  add(path: string, name: string): void {
    const other = this.names.indexOf(name);
    if (other >= 0 && name.length > 0) {
      this.problems.error(path + ".name", quoted(name) + " is used by rules[" + other.toString() + "] too");
    }
    this.names.push(name);
  }
}

function isRuleName(name: string): bool {
  if (name.length == 0 || name.length > MAX_RULE_NAME) return false;
  for (let i = 0; i < name.length; i++) {
    const codeUnit = name.charCodeAt(i);
    const isLetter = (codeUnit | 0x20) >= 0x61 && (codeUnit | 0x20) <= 0x7a;
    const isDigit = codeUnit >= 0x30 && codeUnit <= 0x39;
    if (isLetter || isDigit) continue;
    if (i == 0 || (codeUnit != 0x2d && codeUnit != 0x5f && codeUnit != 0x2e)) return false;
  }
  return true;
}
