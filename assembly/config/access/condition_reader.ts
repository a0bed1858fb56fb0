import { ConditionConfig, ConditionKey, ScalarKind } from "./access_config";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";

const MAX_CONDITIONS: i32 = 16;
const MAX_ARGUMENT_DEPTH: i32 = 4;
const MAX_ARGUMENT_NAME: i32 = 64;
/** Each has a place among the deciding members of a message. */
const MAX_ARGUMENTS: i32 = 40;
/** Each has two bits of a number. */
const MAX_CLIENT_CONDITIONS: i32 = 31;

const BRACKET_OPEN: i32 = 0x5b;
const BRACKET_CLOSE: i32 = 0x5d;
/** Before the path of an argument: `mcp.arguments[path][to]`. */
const ARGUMENTS = "mcp.arguments";

/** Reads what rules have as `when`: further conditions. */
export class ConditionReader {
  /** The arguments that conditions name, and what these stand in, by their paths. */
  private arguments: string[] = [];
  private clientConditions: i32 = 0;

  constructor(private problems: Problems) {}

  /** All rules have been read: there is room for so many conditions only. */
  finish(): void {
    if (this.arguments.length > MAX_ARGUMENTS) {
      this.problems.errors.push("access.rules: expected at most " + MAX_ARGUMENTS.toString() + " different arguments");
    }
    if (this.clientConditions > MAX_CLIENT_CONDITIONS) {
      const most = MAX_CLIENT_CONDITIONS.toString();
      this.problems.errors.push("access.rules: expected at most " + most + " conditions on mcp.clientName");
    }
  }

  readAll(path: string, value: JsonValue, to: ConditionConfig[]): void {
    if (!this.problems.isArray(path, "an array of conditions", value)) return;
    if (value.items.length > MAX_CONDITIONS) this.problems.expected(path, "at most 16 conditions", value);
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
        hasKey = readKey(problems.text(path + ".key", item, ""), condition);
        this.countKey(condition);
      } else if (name == "values") {
        this.readScalars(path + ".values", item, condition, true);
      } else if (name == "notValues") {
        this.readScalars(path + ".notValues", item, condition, false);
      } else {
        problems.refused(path + "." + name);
      }
    }
    if (!hasKey) {
      problems.errors.push(
        path +
          ".key: expected mcp.protocolVersion, mcp.clientName or mcp.arguments[name], with at most 4 names of ASCII",
      );
    }
    if (condition.isEmpty) problems.errors.push(path + ": expected values or notValues");
    if (condition.key != ConditionKey.Argument && !condition.isTextual) {
      problems.errors.push(path + ": expected strings");
    }
    return condition;
  }

  private countKey(condition: ConditionConfig): void {
    if (condition.key == ConditionKey.ClientName) this.clientConditions++;
    for (let i = 1; i <= condition.path.length; i++) {
      const path = condition.path.slice(0, i).join("\0");
      if (!this.arguments.includes(path)) this.arguments.push(path);
    }
  }

  /** Reads strings, integers and booleans: each to those of its kind. */
  private readScalars(path: string, value: JsonValue, condition: ConditionConfig, isWanted: bool): void {
    if (!this.problems.isArray(path, "an array of strings, integers and booleans", value)) return;
    if (value.items.length == 0) this.problems.errors.push(path + ": expected at least one value");
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
        text = this.problems.text(itemPath(path, i), item, "");
      }
      const match = condition.matches[kind];
      if (isWanted) match.values.push(text);
      else match.notValues.push(text);
    }
  }
}

/** Takes apart what a condition is about. False where it is nothing that is known. */
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
  condition.path = key.slice(ARGUMENTS.length + 1, key.length - 1).split("][");
  if (condition.path.length > MAX_ARGUMENT_DEPTH) return false;
  for (let i = 0; i < condition.path.length; i++) {
    if (!isArgumentName(condition.path[i])) return false;
  }
  return true;
}

/** Whether it is ASCII: beyond it, servers differ in which names they hold for the same. */
function isArgumentName(name: string): bool {
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    if (unit <= 0x20 || unit > 0x7e || unit == BRACKET_OPEN || unit == BRACKET_CLOSE) return false;
  }
  return name.length > 0 && name.length <= MAX_ARGUMENT_NAME;
}
