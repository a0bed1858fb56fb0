import { METHOD_COUNT, Method, methodName, methodOf } from "../../mcp/protocol/methods";
import { MessageDirection } from "../../config/rules/rule_config";
import { Bytes } from "../../memory/bytes";
import { RuleInput, Target } from "../../rules/message/rule_input";
import { HEAD_SIZE } from "../../rules/match/pattern";
import { OperationRule } from "../../rules/operation";
import { Rule } from "./rule";
import { RuleSet } from "./rule_set";

/** {@link HEAD_SIZE} bytes of ones, then zeros: has a mask for each number of bytes. */
const ONES: usize = memory.data(2 * HEAD_SIZE);
memory.fill(ONES, 0xff, HEAD_SIZE);
/** Number of bytes of a head that are compared first, for {@link STARTS} heads at a time. */
const START_SIZE: i32 = 4;
const STARTS: i32 = 4;
/** The first bytes of the current message's target, padded with zeros. */
const NAME: usize = memory.data(HEAD_SIZE);

/**
 * Finds the rules that may cover a message, by its method and by the first bytes of its target, so that long policies
 * cost little. Rules that are not found do not match for any caller. Rules that are found must still be matched.
 */
export class RuleIndex {
  private found: RuleSet = new RuleSet();
  /** The rules that may cover a message with the current target. */
  private ofName: RuleSet = new RuleSet();
  /** The rules that may cover requests and notifications of each method, indexed by {@link Method}. For None and
   *  Other, all rules. */
  private byMethod: RuleSet[] = [];
  /** The rules that cover client responses to server requests. */
  private ofAnswers: RuleSet = new RuleSet();
  /** The rules that may cover a message with any target. */
  private ofAnyName: RuleSet = new RuleSet();
  /** For each target pattern of the other rules: its head, the number of compared bytes, and the index of the rule. */
  private heads: Bytes;
  private headLengths: Bytes;
  private headRules: Bytes;
  private headCount: i32 = 0;
  /** The first {@link START_SIZE} bytes of each head and their mask, padded to a multiple of {@link STARTS} heads. */
  private starts: Bytes;
  private startMasks: Bytes;

  constructor(rules: Rule[]) {
    let patterns = 0;
    for (let i = 0; i < rules.length; i++) patterns += targetPatterns(rules[i]);
    const starts = (patterns + STARTS - 1) & ~(STARTS - 1);
    this.starts = Bytes.ofSize(starts * START_SIZE);
    this.startMasks = Bytes.ofSize(starts * START_SIZE);
    this.heads = Bytes.ofSize(patterns * HEAD_SIZE);
    this.headLengths = Bytes.ofSize(patterns);
    this.headRules = Bytes.ofSize(patterns);
    for (let method: Method = 0; method < METHOD_COUNT; method++) this.byMethod.push(rulesAbout(rules, method));
    for (let i = 0; i < rules.length; i++) {
      if (rules[i].isAbout(MessageDirection.ServerToClient)) this.ofAnswers.add(i);
      if (targetPatterns(rules[i]) == 0) this.ofAnyName.add(i);
      else this.addHeads(rules[i], i);
    }
  }

  /** The rules that may cover the messages that `input` represents. The set is valid until the next call, and may be
   *  changed. */
  find(input: RuleInput): RuleSet {
    const found = this.found;
    if (input.isAnswer) {
      found.copy(this.ofAnswers);
      return found;
    }
    found.copy(unchecked(this.byMethod[methodOf(input.method, input.methodLength)]));
    if (this.headCount && input.findName()) this.keepNamed(found, input.foundName, input.foundLength);
    return found;
  }

  /** Keeps only the rules that may cover a target of this name. */
  private keepNamed(found: RuleSet, at: usize, length: i32): void {
    v128.store(NAME, i64x2.splat(0));
    memory.copy(NAME, at, min(length, HEAD_SIZE));
    const ofName = this.ofName;
    ofName.copy(this.ofAnyName);
    const starts = this.starts.at;
    const masks = this.startMasks.at;
    const start = i32x4.splat(load<i32>(NAME));
    for (let i = 0; i < this.headCount; i += STARTS) {
      const at = <usize>i * START_SIZE;
      const difference = v128.and(v128.xor(v128.load(starts + at), start), v128.load(masks + at));
      if (!i32x4.all_true(difference)) this.addNamed(ofName, i, min(i + STARTS, this.headCount));
    }
    found.intersect(ofName);
  }

  /** Adds the rules of the heads from index `from` up to, but not including, `to` with which the name begins. */
  private addNamed(rules: RuleSet, from: i32, to: i32): void {
    const name = v128.load(NAME);
    for (let i: usize = from; i < <usize>to; i++) {
      const mask = v128.load(ONES + HEAD_SIZE - load<u8>(this.headLengths.at + i));
      const difference = v128.and(v128.xor(v128.load(this.heads.at + i * HEAD_SIZE), name), mask);
      if (!v128.any_true(difference)) rules.add(load<u8>(this.headRules.at + i));
    }
  }

  private addHeads(rule: Rule, index: i32): void {
    for (let i = 0; i < rule.operations.length; i++) {
      const targets = rule.operations[i].targets;
      if (!targets) continue;
      for (let j = 0; j < targets.valueCount; j++) {
        const head = this.headCount++;
        const at = this.heads.at + <usize>head * HEAD_SIZE;
        const length = targets.writeHead(j, at);
        const offset = <usize>head * START_SIZE;
        memory.copy(this.starts.at + offset, at, START_SIZE);
        memory.fill(this.startMasks.at + offset, 0xff, min(length, START_SIZE));
        store<u8>(this.headLengths.at + head, <u8>length);
        store<u8>(this.headRules.at + head, <u8>index);
      }
    }
  }
}

/** The number of target patterns if a covered message must match one of them; 0 if it may have any target or none. */
function targetPatterns(rule: Rule): i32 {
  let count = 0;
  for (let i = 0; i < rule.operations.length; i++) {
    const targets = rule.operations[i].targets;
    if (targets) count += targets.valueCount;
    else if (rule.operations[i].direction == MessageDirection.ClientToServer) return 0;
  }
  return count;
}

/** The rules that may cover requests and notifications of this method. */
function rulesAbout(rules: Rule[], method: Method): RuleSet {
  const set = new RuleSet();
  for (let i = 0; i < rules.length; i++) {
    const operations = rules[i].operations;
    let isAbout = operations.length == 0;
    for (let j = 0; j < operations.length && !isAbout; j++) isAbout = mayBeAbout(operations[j], method);
    if (isAbout) set.add(i);
  }
  return set;
}

function mayBeAbout(operation: OperationRule, method: Method): bool {
  if (operation.direction != MessageDirection.ClientToServer) return false;
  if (method <= Method.Other) return true;
  if (operation.kind != Target.None && !mayName(method, operation.kind)) return false;
  const name = Bytes.of(methodName(method));
  return operation.mayHaveMethod(name.at, name.length);
}

/** Whether messages of this method can have a target of this kind: see {@link RuleInput.target}. */
function mayName(method: Method, kind: Target): bool {
  switch (method) {
    case Method.ToolsCall:
      return kind == Target.Tool;
    case Method.PromptsGet:
      return kind == Target.Prompt;
    case Method.ResourcesRead:
    case Method.ResourcesSubscribe:
    case Method.ResourcesUnsubscribe:
      return kind == Target.Resource;
    case Method.CompletionComplete:
      return kind != Target.Tool;
    case Method.TasksGet:
    case Method.TasksResult:
    case Method.TasksCancel:
    case Method.TasksUpdate:
      return kind == Target.Tool;
    case Method.SubscriptionsListen:
      return kind == Target.Resource;
    default:
      return false;
  }
}
