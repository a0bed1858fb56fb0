import { KNOWN_METHODS } from "../../mcp/protocol/methods";
import { REVISION_COUNT, revisionName } from "../../mcp/protocol/revisions";
import { matches } from "../rules/glob";
import { MatchChecks } from "../rules/match_checks";
import { mayBe } from "../rules/method_checks";
import {
  ConditionConfig,
  ConditionKey,
  MessageDirection,
  OperationConfig,
  SCALAR_KINDS,
  ScalarKind,
  TextMatch,
} from "../rules/rule_config";
import { TextChecks, TextKind } from "../rules/text_checks";
import { Problems, itemPath } from "../values/problems";
import { anyOf, quoted } from "../values/shown";
import { RuleAction, RuleConfig } from "./access_config";

/** The MCP methods whose messages have arguments that conditions can name. */
const METHODS_WITH_ARGUMENTS: string[] = ["tools/call", "prompts/get"];

/** Checks each rule separately for parts that cannot match. */
export class RuleChecks {
  private texts: TextChecks;
  private matches: MatchChecks;

  constructor(private problems: Problems) {
    this.texts = new TextChecks(problems);
    this.matches = new MatchChecks(problems);
  }

  check(path: string, rule: RuleConfig): void {
    // A caller without a principal matches none of the excluded principals with certainty, which never allows and
    // always denies.
    this.matches.checkSources(path, rule.sources, rule.action == RuleAction.Deny);
    this.matches.checkOperations(path, rule.operations);
    for (let i = 0; i < rule.conditions.length; i++) {
      this.checkCondition(itemPath(path + ".when", i), rule.conditions[i], rule);
      for (let j = 0; j < i; j++) {
        if (!areDisjoint(rule.conditions[j], rule.conditions[i])) continue;
        const others = "when[" + j.toString() + "]";
        this.problems.error(
          itemPath(path + ".when", i),
          "no value in common with " + others + ", and all conditions must hold, so this never matches",
        );
      }
    }
  }

  private checkCondition(path: string, condition: ConditionConfig, rule: RuleConfig): void {
    const isDeny = rule.action == RuleAction.Deny;
    for (let kind = 0; kind < SCALAR_KINDS; kind++) {
      const match = condition.matches[kind];
      // For an argument, `values` of another type may remain.
      const isOther = kind != ScalarKind.Text && match.values.length == 0;
      if (!isOther)
        this.texts.check(path, "values", match, TextKind.Free, isDeny || condition.key == ConditionKey.Argument);
    }
    if (condition.key == ConditionKey.ProtocolVersion) this.checkRevisions(path, condition.text);
    if (condition.key == ConditionKey.Argument && !mayHaveArguments(rule.operations)) {
      this.problems.error(
        path + ".key",
        "only " +
          anyOf(METHODS_WITH_ARGUMENTS) +
          " have arguments, and no operation of the rule covers them, so this never matches",
      );
    }
  }

  private checkRevisions(path: string, match: TextMatch): void {
    this.checkRevisionList(path + ".values", match.values);
    this.checkRevisionList(path + ".notValues", match.notValues);
  }

  private checkRevisionList(path: string, values: string[]): void {
    const known: string[] = [];
    for (let i = 1; i < REVISION_COUNT; i++) known.push(revisionName(i));
    for (let i = 0; i < values.length; i++) {
      let isKnown = false;
      for (let j = 0; j < known.length; j++) isKnown = isKnown || matches(values[i], known[j]);
      if (isKnown) continue;
      const text = quoted(values[i]) + " is not an MCP revision known to this version: " + known.join(", ");
      this.problems.warn(itemPath(path, i), text);
    }
  }
}

/** Whether a rule with these operations can cover a message with arguments. */
function mayHaveArguments(operations: OperationConfig[]): bool {
  for (let i = 0; i < METHODS_WITH_ARGUMENTS.length; i++) {
    if (mayBe(METHODS_WITH_ARGUMENTS[i], operations)) return true;
  }
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    if (operation.direction == MessageDirection.ServerToClient || !operation.resources.isEmpty) continue;
    if (namesUnknownMethod(operation.methods.values)) return true;
  }
  return false;
}

/** Whether one of the texts is a method that MCP does not define, whose messages may have arguments. */
function namesUnknownMethod(texts: string[]): bool {
  for (let i = 0; i < texts.length; i++) {
    if (!texts[i].includes("*") && !KNOWN_METHODS.includes(texts[i])) return true;
  }
  return false;
}

/**
 * Whether two conditions on one key have no value in common. May return false where patterns make that hard to
 * determine.
 */
function areDisjoint(first: ConditionConfig, second: ConditionConfig): bool {
  if (first.key != second.key || first.path.join("\0") != second.path.join("\0")) return false;
  let isAsked = false;
  for (let kind = 0; kind < SCALAR_KINDS; kind++) {
    const one = first.matches[kind].values;
    const other = second.matches[kind].values;
    if (one.length > 0 && other.length > 0 && mayMeet(one, other)) return false;
    if (one.length > 0 || other.length > 0) isAsked = true;
  }
  return isAsked && hasValues(first) && hasValues(second);
}

function hasValues(condition: ConditionConfig): bool {
  for (let kind = 0; kind < SCALAR_KINDS; kind++) {
    if (condition.matches[kind].values.length > 0) return true;
  }
  return false;
}

function mayMeet(one: string[], other: string[]): bool {
  for (let i = 0; i < one.length; i++) {
    for (let j = 0; j < other.length; j++) {
      if (one[i].includes("*") && other[j].includes("*")) return true;
      if (matches(one[i], other[j]) || matches(other[j], one[i])) return true;
    }
  }
  return false;
}
