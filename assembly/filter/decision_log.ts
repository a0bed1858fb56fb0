import { Audit } from "../access/audit";
import { Call } from "../access/call";
import { AccessCheck } from "../access/check";
import { DEFAULT_RULE, Policy } from "../access/policy";
import { AccessRefusal } from "../access/refusal";
import { Slot } from "../access/slots";
import { MessageForm } from "../access/strict_reader";
import { RuleAction } from "../config/access/access_config";
import { Log } from "../host/log";
import { Method, methodOf } from "../mcp/methods";
import { ObservedStream } from "../mcp/observed_stream";
import { SpecialRule } from "../stats/labels";
import { Host, Unit } from "./unit";

/** Room for the name of a rule. */
const NAME: usize = heap.alloc(64);

/** Counts, audits and leaves in the access log what the access policy decides. */
export class DecisionLog {
  private audit: Audit;

  constructor(
    private policy: Policy,
    private host: Host,
    log: Log,
  ) {
    this.audit = new Audit(policy.config, policy.keys, log, host.clock);
  }

  /** The caller of a request is known, as far as it can be. */
  caller(check: AccessCheck): void {
    const length = check.principalLength;
    if (length) this.host.filterState.set("mcp.principal", check.principal, length);
  }

  /** The message in hand was decided by this rule. `isCollateral`: it is denied since another one of its batch is. */
  message(stream: ObservedStream, check: AccessCheck, call: Call, rule: i32, isCollateral: bool, unit: Unit): void {
    const isShadow = !this.policy.isEnforced;
    const isDenied = isCollateral || this.policy.actionOf(rule, call) == RuleAction.Deny;
    const label = isCollateral ? SpecialRule.Batch : this.labelOf(rule);
    count(stream, call, label, isDenied, isShadow, unit);
    this.showRule(unit.labels.rule(label));
    if (isDenied && !isCollateral) this.audit.denied(check, call, unit.labels.rule(label), isShadow);
    const shadows = this.policy.shadowRules;
    for (let i = 0; i < shadows.length; i++) {
      const shadow = unchecked(shadows[i]);
      if (!this.policy.appliesTo(shadow, check.matches, call)) continue;
      const wouldDeny = this.policy.actionOf(shadow, call) == RuleAction.Deny;
      count(stream, call, shadow, wouldDeny, true, unit);
      if (wouldDeny) this.audit.denied(check, call, unit.labels.rule(shadow), true);
    }
  }

  /** A request was refused whose messages were not decided. */
  refusal(stream: ObservedStream, check: AccessCheck, refusal: AccessRefusal, unit: Unit): void {
    const isShadow = !this.policy.isEnforced;
    const name = unit.labels.rule(SpecialRule.Refused);
    unit.decisions.decided(stream, Method.None, 0, 0, SpecialRule.Refused, true, isShadow);
    this.showRule(name);
    this.audit.refused(check, name, refusal, isShadow);
  }

  /** What answers and logs call a rule of the policy. */
  ruleName(rule: i32, unit: Unit): string {
    return unit.labels.rule(this.labelOf(rule));
  }

  private labelOf(rule: i32): i32 {
    if (rule != DEFAULT_RULE) return rule;
    return this.policy.config.isClosed ? SpecialRule.Closed : SpecialRule.Default;
  }

  private showRule(name: string): void {
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, NAME);
    this.host.filterState.set("mcp.rule", NAME, name.length);
  }
}

function count(stream: ObservedStream, call: Call, rule: i32, isDenied: bool, isShadow: bool, unit: Unit): void {
  const reader = call.reader;
  // A request that brings answers is still one by its own method.
  const isAnswer = reader.form == MessageForm.Response;
  const at = isAnswer ? call.method : reader.textAt(Slot.Method);
  const length = isAnswer ? call.methodLength : reader.textLength(Slot.Method);
  const known = methodOf(at, length);
  const method = known == Method.None && length ? Method.Other : known;
  unit.decisions.decided(
    stream,
    method,
    reader.textAt(Slot.Name),
    reader.textLength(Slot.Name),
    rule,
    isDenied,
    isShadow,
  );
}
