import { RuleAction } from "../../config/access/access_config";
import { RuleMode, MessageDirection } from "../../config/rules/rule_config";
import { Properties } from "../../host/properties";
import { JsonWriter } from "../../json/writer";
import { RuleInput } from "../../rules/message/rule_input";
import { Caller } from "../../identity/caller";
import { RequestState } from "../../rules/request_state";
import { Match, matchName } from "../../rules/match/match";
import { Nearness } from "./nearness";
import { OperationRule } from "../../rules/operation";
import { DEFAULT_RULE, Policy } from "../policy/policy";
import { findAddress } from "../../identity/principals";
import { Rule } from "../policy/rule";
import { Source } from "../../rules/source";

/** Returned if there is no such rule. */
export const NO_RULE: i32 = -1;

/**
 * Explains why rules apply to a message or not: matches them again, part by part. A part is a field of a source or of
 * an operation, or a condition. docs/access.md defines which rule is the nearest one. Used only for logs, not for
 * decisions.
 */
export class Explanation {
  /** The caller of the explained request. */
  readonly caller: Caller = new Caller();
  private input: RuleInput = new RuleInput();
  /** The rule measured last: as a whole, and its nearest source and operation. */
  private whole: Nearness = new Nearness();
  private source: Nearness = new Nearness();
  private operation: Nearness = new Nearness();
  private sourceIndex: i32 = 0;
  private operationIndex: i32 = 0;
  private current: Nearness = new Nearness();
  private nearestYet: Nearness = new Nearness();

  constructor(
    readonly policy: Policy,
    private properties: Properties,
  ) {}

  /** Begins a request. Its attributes are read in the current callback. */
  beginRequest(state: RequestState): void {
    state.recallPrincipal(this.caller);
    findAddress(this.caller, this.properties);
    this.policy.claims.forget();
  }

  /** Begins a message of a request. */
  begin(state: RequestState, input: RuleInput): void {
    this.beginRequest(state);
    this.input = input;
  }

  /** Index of the ALLOW rule that comes nearest to applying, of the enforced rules before the deciding rule.
   *  `decidedBy` is an index or {@link DEFAULT_RULE}. {@link NO_RULE} if there is none. */
  nearestAllow(decidedBy: i32): i32 {
    const rules = this.policy.rules;
    const end = decidedBy == DEFAULT_RULE ? rules.length : decidedBy;
    let nearest = NO_RULE;
    for (let i = 0; i < end; i++) {
      const rule = unchecked(rules[i]);
      if (rule.action != RuleAction.Allow || rule.mode != RuleMode.Enforce) continue;
      this.measure(rule);
      if (nearest != NO_RULE && !this.whole.isNearerThan(this.nearestYet)) continue;
      this.nearestYet.copy(this.whole);
      nearest = i;
    }
    return nearest;
  }

  /** Whether the rule of this index matches the message. */
  match(index: i32): Match {
    this.measure(this.policy.rules[index]);
    return this.whole.match;
  }

  /** Writes the part for which the rule does not match: the first that does not match, or otherwise the first that
   *  is unknown. Writes nothing if the rule matches. */
  writeFailed(index: i32, writer: JsonWriter): void {
    const rule = this.policy.rules[index];
    this.measure(rule);
    const match = this.whole.match;
    if (match == Match.Yes) return;
    if (this.source.match == match) return this.writeFailedSource(rule, match, writer);
    if (this.operation.match == match) return this.writeFailedOperation(rule, match, writer);
    let condition = 0;
    while (rule.conditions[condition].match(this.input) != match) condition++;
    writeCondition(condition, writer);
  }

  /** Writes how each part of the rule of this index matches, as members of a JSON object. */
  writeParts(index: i32, writer: JsonWriter): void {
    const rule = this.policy.rules[index];
    const input = this.input;
    input.leaveOpen(rule.action == RuleAction.Allow);
    for (let i = 0; i < rule.sources.length; i++) {
      const source = rule.sources[i];
      for (let part = 0; part < source.partCount; part++) {
        beginPart(writer);
        writeSourcePart(i, source.partName(part), writer);
        endPart(source.matchPart(part, this.caller, this.properties), writer);
      }
    }
    if (rule.operations.length == 0 && rule.matchUnstated(input) == Match.No) {
      beginPart(writer);
      writer.raw("to");
      endPart(Match.No, writer);
    }
    for (let i = 0; i < rule.operations.length; i++) {
      const operation = rule.operations[i];
      if (!this.isAboutDirection(operation)) {
        beginPart(writer);
        writeOperationPart(i, "direction", writer);
        endPart(Match.No, writer);
        continue;
      }
      for (let part = 0; part < operation.partCount; part++) {
        beginPart(writer);
        writeOperationPart(i, operation.partName(part), writer);
        endPart(operation.matchPart(part, input), writer);
      }
    }
    for (let i = 0; i < rule.conditions.length; i++) {
      beginPart(writer);
      writeCondition(i, writer);
      endPart(rule.conditions[i].match(input), writer);
    }
  }

  /** Matches all parts of a rule. */
  private measure(rule: Rule): void {
    this.input.leaveOpen(rule.action == RuleAction.Allow);
    this.measureSources(rule);
    this.measureOperations(rule);
    const whole = this.whole;
    whole.copy(this.source);
    whole.addAll(this.operation);
    for (let i = 0; i < rule.conditions.length; i++) whole.add(rule.conditions[i].match(this.input));
  }

  private measureSources(rule: Rule): void {
    this.source.clear();
    for (let i = 0; i < rule.sources.length; i++) {
      const current = this.current;
      current.clear();
      this.measureSource(rule.sources[i], current);
      if (i > 0 && !current.isNearerThan(this.source)) continue;
      this.source.copy(current);
      this.sourceIndex = i;
    }
  }

  private measureSource(source: Source, to: Nearness): void {
    for (let part = 0; part < source.partCount; part++) {
      to.add(source.matchPart(part, this.caller, this.properties));
    }
  }

  private measureOperations(rule: Rule): void {
    this.operation.clear();
    if (rule.operations.length == 0 && rule.matchUnstated(this.input) == Match.No) this.operation.add(Match.No);
    for (let i = 0; i < rule.operations.length; i++) {
      const current = this.current;
      current.clear();
      this.measureOperation(rule.operations[i], current);
      if (i > 0 && !current.isNearerThan(this.operation)) continue;
      this.operation.copy(current);
      this.operationIndex = i;
    }
  }

  /** An operation for the other direction counts as one part that does not match. Naming a target of the right kind
   *  counts as one more matching part. */
  private measureOperation(operation: OperationRule, to: Nearness): void {
    if (!this.isAboutDirection(operation)) return to.add(Match.No);
    for (let part = 0; part < operation.partCount; part++) to.add(operation.matchPart(part, this.input));
    if (operation.namesKind(this.input)) to.add(Match.Yes);
  }

  private isAboutDirection(operation: OperationRule): bool {
    return (operation.direction == MessageDirection.ServerToClient) == this.input.isAnswer;
  }

  private writeFailedSource(rule: Rule, match: Match, writer: JsonWriter): void {
    const source = rule.sources[this.sourceIndex];
    let part = 0;
    while (source.matchPart(part, this.caller, this.properties) != match) part++;
    writeSourcePart(this.sourceIndex, source.partName(part), writer);
  }

  private writeFailedOperation(rule: Rule, match: Match, writer: JsonWriter): void {
    if (rule.operations.length == 0) return writer.raw("to");
    const operation = rule.operations[this.operationIndex];
    if (!this.isAboutDirection(operation)) return writeOperationPart(this.operationIndex, "direction", writer);
    let part = 0;
    while (operation.matchPart(part, this.input) != match) part++;
    writeOperationPart(this.operationIndex, operation.partName(part), writer);
  }
}

function writeSourcePart(source: i32, name: string, writer: JsonWriter): void {
  writer.raw("from[");
  writer.number(source);
  writer.raw("].source.");
  writer.raw(name);
}

function writeOperationPart(operation: i32, name: string, writer: JsonWriter): void {
  writer.raw("to[");
  writer.number(operation);
  writer.raw("].operation.");
  writer.raw(name);
}

function writeCondition(condition: i32, writer: JsonWriter): void {
  writer.raw("when[");
  writer.number(condition);
  writer.raw("]");
}

function beginPart(writer: JsonWriter): void {
  writer.raw(writer.endsOpen ? '"' : ',"');
}

function endPart(match: Match, writer: JsonWriter): void {
  writer.raw('":"');
  writer.raw(matchName(match));
  writer.raw('"');
}
