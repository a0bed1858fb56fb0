import { ConditionConfig, ConditionKey, ScalarKind } from "../rules/rule_config";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";

const MAX_CONDITIONS: i32 = 16;
const MAX_ARGUMENT_DEPTH: i32 = 4;
const MAX_ARGUMENT_NAME: i32 = 64;
/** Maximum number of arguments, each of which takes a slot among the deciding members of a message. */
const MAX_ARGUMENTS: i32 = 40;
/** Maximum number of conditions on client names, each of which takes two bits of a u64. */
const MAX_CLIENT_CONDITIONS: i32 = 31;

const FIELDS: string[] = ["key", "values", "notValues"];
const KEY_FORM =
  "mcp.protocolVersion, mcp.clientName or mcp.arguments[name], with at most 4 names of visible ASCII without *";

const SCALAR_FORM = "a string of at most 256 bytes, an integer from 0 to 2147483647, true or false";

const STAR: i32 = 0x2a;
const BRACKET_OPEN: i32 = 0x5b;
const BRACKET_CLOSE: i32 = 0x5d;
/** Prefix of the path of an argument: `mcp.arguments[path][to]`. */
const ARGUMENTS = "mcp.arguments";

/** Reads the `when` of rules: further conditions. */
export class ConditionReader {
  /** The paths of the arguments that conditions name, and of the objects around them. */
  private arguments: string[] = [];
  private clientConditions: i32 = 0;

  constructor(private problems: Problems) {}

  /** Reports too many arguments or conditions. Called after all rules have been read. */
  finish(): void {
    if (this.arguments.length > MAX_ARGUMENTS) {
      const count = this.arguments.length.toString();
      const most = MAX_ARGUMENTS.toString();
      this.problems.error("access.rules", "expected at most " + most + " different arguments, got " + count);
    }
    if (this.clientConditions > MAX_CLIENT_CONDITIONS) {
      const most = MAX_CLIENT_CONDITIONS.toString();
      const count = this.clientConditions.toString();
      this.problems.error("access.rules", "expected at most " + most + " conditions on mcp.clientName, got " + count);
    }
  }

  readAll(path: string, value: JsonValue, to: ConditionConfig[]): void {
    if (!this.problems.isArray(path, "an array of conditions", value)) return;
    // An empty list would hold for everything.
    if (value.items.length == 0) this.problems.error(path, "expected at least one condition");
    this.problems.atMost(path, MAX_CONDITIONS, "conditions", value);
    for (let i = 0; i < value.items.length; i++) to.push(this.read(itemPath(path, i), value.items[i]));
  }

  private read(path: string, value: JsonValue): ConditionConfig {
    const condition = new ConditionConfig();
    const problems = this.problems;
    if (!problems.isObject(path, value)) return condition;
    let hasKey = false;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      if (name == "key") {
        hasKey = true;
        const isKey = item.type == JsonType.String && !item.isCut && readKey(item.text, condition);
        if (isKey) this.countKey(condition);
        else problems.expected(path + ".key", KEY_FORM, item);
      } else if (name == "values") {
        this.readScalars(path + ".values", item, condition, true);
      } else if (name == "notValues") {
        this.readScalars(path + ".notValues", item, condition, false);
      } else {
        problems.refused(path, name, FIELDS);
      }
    }
    if (!hasKey) problems.error(path + ".key", "expected " + KEY_FORM);
    if (condition.isEmpty) problems.error(path, "expected values or notValues");
    if (condition.key != ConditionKey.Argument && !condition.isTextual) this.refuseScalars(path, value);
    return condition;
  }

  private countKey(condition: ConditionConfig): void {
    if (condition.key == ConditionKey.ClientName) this.clientConditions++;
    for (let i = 1; i <= condition.path.length; i++) {
      const path = condition.path.slice(0, i).join("\0");
      if (!this.arguments.includes(path)) this.arguments.push(path);
    }
  }

  /** Reports the values of a condition on a text that are not strings. */
  private refuseScalars(path: string, condition: JsonValue): void {
    for (let i = 0; i < condition.items.length; i++) {
      const list = condition.items[i];
      for (let j = 0; j < list.items.length; j++) {
        const item = list.items[j];
        if (item.type == JsonType.String) continue;
        this.problems.expected(itemPath(path + "." + condition.names[i], j), "a string", item);
      }
    }
  }

  /** Reads strings, integers and booleans, each into the values of its type. */
  private readScalars(path: string, value: JsonValue, condition: ConditionConfig, isWanted: bool): void {
    if (!this.problems.isArray(path, "an array of strings, integers and booleans", value)) return;
    if (value.items.length == 0) this.problems.error(path, "expected at least one value");
    for (let i = 0; i < value.items.length; i++) {
      const item = value.items[i];
      let kind = ScalarKind.Text;
      let text = "";
      if (item.type == JsonType.Boolean) {
        kind = ScalarKind.Boolean;
        text = item.boolean ? "true" : "false";
      } else if (item.type == JsonType.Number && item.integer >= 0) {
        kind = ScalarKind.Number;
        text = item.integer.toString();
      } else {
        if (item.type != JsonType.String || item.isCut) this.problems.expected(itemPath(path, i), SCALAR_FORM, item);
        text = item.text;
      }
      const match = condition.matches[kind];
      if (isWanted) match.values.push(text);
      else match.notValues.push(text);
    }
  }
}

/** Parses the key of a condition. Returns false if it is unknown. */
function readKey(key: string, condition: ConditionConfig): bool {
  if (key == "mcp.protocolVersion") {
    condition.key = ConditionKey.ProtocolVersion;
    return true;
  }
  if (key == "mcp.clientName") {
    condition.key = ConditionKey.ClientName;
    return true;
  }
  if (!key.startsWith(ARGUMENTS + "[") || !key.endsWith("]")) return false;
  condition.key = ConditionKey.Argument;
  let from = ARGUMENTS.length + 1;
  for (let to = key.indexOf("][", from); to >= 0; to = key.indexOf("][", from)) {
    condition.path.push(key.slice(from, to));
    from = to + 2;
  }
  condition.path.push(key.slice(from, key.length - 1));
  if (condition.path.length > MAX_ARGUMENT_DEPTH) return false;
  for (let i = 0; i < condition.path.length; i++) {
    if (!isArgumentName(condition.path[i])) return false;
  }
  return true;
}

/**
 * Whether an argument's name is ASCII without special characters. Beyond ASCII, servers differ in which names they
 * treat as equal.
 */
function isArgumentName(name: string): bool {
  for (let i = 0; i < name.length; i++) {
    const codeUnit = name.charCodeAt(i);
    // A star is not a pattern here.
    if (
      codeUnit <= 0x20 ||
      codeUnit > 0x7e ||
      codeUnit == BRACKET_OPEN ||
      codeUnit == BRACKET_CLOSE ||
      codeUnit == STAR
    )
      return false;
  }
  return name.length > 0 && name.length <= MAX_ARGUMENT_NAME;
}
