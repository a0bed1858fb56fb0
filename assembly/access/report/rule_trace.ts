import { RuleAction } from "../../config/access/access_config";
import { RuleMode } from "../../config/rules/rule_config";
import { Level, Log } from "../../host/log";
import { JsonWriter } from "../../json/writer";
import { RuleInput } from "../../rules/message/rule_input";
import { RequestState } from "../../rules/request_state";
import { PIN_RULE } from "../policy/policy";
import { SpecialRule, specialRuleName } from "../policy/special_rule";
import { Explanation, NO_RULE } from "./explanation";

/** Writes JSON lines at log level trace, one per rule for each decided message: which parts of the rule match. */
export class RuleTrace {
  private writer: JsonWriter = new JsonWriter();

  constructor(
    private explanation: Explanation,
    private log: Log,
  ) {}

  get isEnabled(): bool {
    return this.log.level == Level.Trace;
  }

  /** Writes the lines of a message. `decidedBy` is the index of the deciding rule, DEFAULT_RULE or PIN_RULE. */
  decided(state: RequestState, input: RuleInput, decidedBy: i32): void {
    this.explanation.begin(state, input);
    for (let i = 0; i < this.explanation.policy.rules.length; i++) this.writeRule(state, input, i, i == decidedBy);
    if (decidedBy == PIN_RULE) this.pinned(state, input, RuleMode.Enforce, true);
  }

  /** Writes the line of the tool pins that deny a message. `decides`: no rule decided before. */
  pinned(state: RequestState, input: RuleInput, mode: RuleMode, decides: bool): void {
    this.begin(specialRuleName(SpecialRule.Pin), RuleAction.Deny, mode, true, decides);
    this.end(state, input);
  }

  private writeRule(state: RequestState, input: RuleInput, index: i32, decides: bool): void {
    const rule = this.explanation.policy.rules[index];
    this.begin(rule.name, rule.action, rule.mode, rule.applies(this.explanation.match(index)), decides);
    this.end(state, input, index);
  }

  private begin(name: string, action: RuleAction, mode: RuleMode, applies: bool, decides: bool): void {
    const writer = this.writer;
    writer.clear();
    writer.raw('{"event":"mcp_access_rule","rule":"');
    writer.raw(name);
    writer.raw(action == RuleAction.Allow ? '","action":"ALLOW"' : '","action":"DENY"');
    writer.raw(mode == RuleMode.Shadow ? ',"mode":"shadow"' : ',"mode":"enforce"');
    writer.raw(applies ? ',"applies":true' : ',"applies":false');
    writer.raw(decides ? ',"decides":true' : ',"decides":false');
  }

  /** Ends a line with the message and the parts of the rule of this index; {@link NO_RULE} for none. */
  private end(state: RequestState, input: RuleInput, index: i32 = NO_RULE): void {
    const writer = this.writer;
    writer.bytesMember("request_id", state.requestId, state.requestIdLength);
    writer.bytesMember("method", input.method, input.methodLength);
    writer.raw(',"parts":{');
    if (index != NO_RULE) this.explanation.writeParts(index, writer);
    writer.raw("}}");
    this.log.writeBytes(Level.Trace, writer.at, writer.length);
  }
}
