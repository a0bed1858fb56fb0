import { KNOWN_METHODS } from "../../mcp/protocol/methods";
import { REVISION_COUNT, revisionName } from "../../mcp/protocol/revisions";
import { Problems, itemPath } from "../values/problems";
import { anyOf, quoted } from "../values/shown";
import { RuleAction, RuleConfig } from "./access_config";
import {
  ConditionConfig,
  ConditionKey,
  MessageDirection,
  OperationConfig,
  SCALAR_KINDS,
  ScalarKind,
  SourceConfig,
  TextMatch,
} from "../rules/rule_config";
import { coversBlock } from "./coverage";
import { anyMatches, matches } from "../rules/glob";
import { TextChecks, TextKind } from "../rules/text_checks";

/** The methods of MCP whose messages have arguments that conditions can name. */
const METHODS_WITH_ARGUMENTS: string[] = ["tools/call", "prompts/get"];

/** Checks rules for parts that cannot match, each rule by itself. */
export class RuleChecks {
  private texts: TextChecks;

  constructor(private problems: Problems) {
    this.texts = new TextChecks(problems);
  }

  check(path: string, rule: RuleConfig): void {
    for (let i = 0; i < rule.sources.length; i++) {
      this.checkSource(itemPath(path + ".from", i) + ".source", rule.sources[i], rule.action);
    }
    for (let i = 0; i < rule.operations.length; i++) {
      this.checkOperation(itemPath(path + ".to", i) + ".operation", rule.operations[i]);
    }
    for (let i = 0; i < rule.conditions.length; i++) {
      this.checkCondition(itemPath(path + ".when", i), rule.conditions[i], rule);
      for (let j = 0; j < i; j++) {
        if (!areDisjoint(rule.conditions[j], rule.conditions[i])) continue;
        const others = "when[" + j.toString() + "]";
        this.problems.error(
          itemPath(path + ".when", i),
          "no value is also one of " + others + ", and all conditions must hold, so this never matches",
        );
      }
    }
  }

  private checkSource(path: string, source: SourceConfig, action: RuleAction): void {
    // A caller without a principal is none of any: that never allows and always denies.
    const isDeny = action == RuleAction.Deny;
    this.texts.check(path, "principals", source.principals, TextKind.Name, isDeny);
    this.texts.check(path, "trustDomains", source.trustDomains, TextKind.Name, isDeny);
    this.checkDomains(path + ".trustDomains", source.trustDomains.values);
    this.checkDomains(path + ".notTrustDomains", source.trustDomains.notValues);
    this.checkBlocks(path, source.ipBlocks);
    for (let i = 0; i < source.claims.length; i++) {
      this.texts.check(itemPath(path + ".claims", i), "values", source.claims[i].match, TextKind.Free, isDeny);
    }
  }

  /** A trust domain is what stands between `spiffe://` and the next slash. */
  private checkDomains(path: string, domains: string[]): void {
    for (let i = 0; i < domains.length; i++) {
      if (!domains[i].includes("/") && !domains[i].includes(":")) continue;
      const text = "expected a trust domain like " + quoted("cluster.local") + ", got " + quoted(domains[i]);
      this.problems.error(itemPath(path, i), text + ", which never matches");
    }
  }

  private checkBlocks(path: string, blocks: TextMatch): void {
    if (blocks.notValues.length == 0 || blocks.values.length == 0) return;
    let excluded = 0;
    for (let i = 0; i < blocks.values.length; i++) {
      let isExcluded = false;
      for (let j = 0; j < blocks.notValues.length; j++) {
        if (coversBlock(blocks.notValues[j], blocks.values[i])) isExcluded = true;
      }
      if (isExcluded) excluded++;
    }
    if (excluded == blocks.values.length) {
      this.problems.error(path + ".ipBlocks", "all blocks are excluded by notIpBlocks, so this never matches");
    }
  }

  private checkOperation(path: string, operation: OperationConfig): void {
    this.texts.check(path, "methods", operation.methods, TextKind.Free, false);
    this.texts.check(path, "tools", operation.tools, TextKind.Name, false);
    this.texts.check(path, "prompts", operation.prompts, TextKind.Name, false);
    this.texts.check(path, "resources", operation.resources, TextKind.Free, false);
    this.texts.check(path, "servers", operation.servers, TextKind.Free, false);
  }

  private checkCondition(path: string, condition: ConditionConfig, rule: RuleConfig): void {
    const isDeny = rule.action == RuleAction.Deny;
    for (let kind = 0; kind < SCALAR_KINDS; kind++) {
      const match = condition.matches[kind];
      // Of an argument, `values` of another kind may remain.
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
          " have arguments, and no operation of the rule is one, so this never matches",
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
      const text = quoted(values[i]) + " is no revision of MCP that this version knows: " + known.join(", ");
      this.problems.warn(itemPath(path, i), text);
    }
  }
}

/** Whether a rule with these operations can be about a message with arguments. */
function mayHaveArguments(operations: OperationConfig[]): bool {
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    if (operation.direction == MessageDirection.ServerToClient || !operation.resources.isEmpty) continue;
    const methods = operation.methods;
    for (let j = 0; j < METHODS_WITH_ARGUMENTS.length; j++) {
      const method = METHODS_WITH_ARGUMENTS[j];
      const isWanted = methods.values.length == 0 || anyMatches(methods.values, method);
      if (isWanted && !anyMatches(methods.notValues, method)) return true;
    }
    if (namesUnknownMethod(methods.values)) return true;
  }
  return operations.length == 0;
}

/** Whether one of the texts is a method that MCP does not define, whose messages may have arguments. */
function namesUnknownMethod(texts: string[]): bool {
  for (let i = 0; i < texts.length; i++) {
    if (!texts[i].includes("*") && !KNOWN_METHODS.includes(texts[i])) return true;
  }
  return false;
}

/** Whether two conditions on one key have no value in common. It may say no where patterns make that hard to tell. */
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
