import { RuleAction } from "../../config/access/access_config";
import { GateRequest } from "../../gate/stage/request";
import { StageHost } from "../../gate/stage/stage_host";
import { RuleMode } from "../../config/rules/rule_config";
import { FilterState } from "../../host/filter_state";
import { Method, methodOf } from "../../mcp/protocol/methods";
import { CheckedRequest } from "../../rules/checked_request";
import { Call } from "../../rules/message/call";
import { RequestRefusal } from "../../rules/message/refusal";
import { Slot } from "../../rules/message/slots";
import { MessageForm } from "../../rules/message/strict_reader";
import { sessionOf } from "../../rules/message_session";
import { spanOfMessage } from "../../rules/message_trace";
import { nameCaller } from "../../rules/named_caller";
import { DEFAULT_RULE, PIN_RULE, Policy } from "../policy/policy";
import { SpecialRule, specialRuleName } from "../policy/special_rule";
import { Audit } from "../report/audit";
import { Explanation } from "../report/explanation";
import { RuleTrace } from "../report/rule_trace";
import { PinCheck, PinState, pinStateName } from "./pin_check";
import { ServerName } from "./server_name";

/**
 * Records the decisions of the access policy: in statistics, in the audit log, in rule traces and in access-log fields.
 */
export class DecisionLog {
  private audit: Audit;
  private trace: RuleTrace;

  /**
   * @param fields destination of the access-log fields
   * @param isNewer the policy belongs to the leading configuration, but the instance applies an older one: its denials
   * count under a separate rule, and the instance's own policy records what it allows
   */
  constructor(
    private policy: Policy,
    private pins: PinCheck,
    private serverName: ServerName,
    host: StageHost,
    private fields: FilterState,
    private isNewer: bool,
  ) {
    const explanation = new Explanation(policy, host.properties);
    this.audit = new Audit(explanation, host.log, host.clock);
    this.trace = new RuleTrace(explanation, host.log);
  }

  /** Records the caller of a request, as far as known. */
  caller(check: CheckedRequest): void {
    const length = check.shownPrincipalLength;
    if (length) this.fields.set("mcp.principal", check.principal, length);
  }

  /** Records that this rule decided the message in `call`. */
  message(request: GateRequest, check: CheckedRequest, call: Call, rule: i32): void {
    const isShadow = !this.policy.isEnforced;
    const isDenied = this.policy.actionOf(rule, call) == RuleAction.Deny;
    if (this.isNewer && !isDenied) return;
    const label = this.labelOf(rule);
    count(request, call, this.isNewer ? SpecialRule.Newer : label, isDenied, isShadow);
    this.showRule(this.nameOf(label));
    if (this.trace.isEnabled) this.trace.decided(check, call, rule);
    const session = isDenied && !isShadow ? sessionOf(request, call.reader) : 0;
    this.showSession(session);
    if (isDenied) this.deny(request, check, call, rule, isShadow, session);
    if (this.isNewer) return;
    const shadows = this.policy.shadowsAbout(call);
    for (let shadow = shadows.next(0); shadow >= 0; shadow = shadows.next(shadow + 1)) {
      if (!this.policy.appliesTo(shadow, check.matches, call)) continue;
      const wouldDeny = this.policy.actionOf(shadow, call) == RuleAction.Deny;
      count(request, call, shadow, wouldDeny, true);
      if (wouldDeny) this.deny(request, check, call, shadow, true, session);
    }
    if (isDenied || this.pins.stateOf(check, request, call) == PinState.Pinned) return;
    // Enforced pins would have denied the message.
    count(request, call, SpecialRule.Pin, true, true);
    if (this.trace.isEnabled) this.trace.pinned(check, call, RuleMode.Shadow, false);
    this.deny(request, check, call, PIN_RULE, true, session);
  }

  /** Records that this rule decided about an element of a list, whose uses `call` represents. */
  element(check: CheckedRequest, call: Call, rule: i32): void {
    if (this.trace.isEnabled) this.trace.decided(check, call, rule);
  }

  /** Records that this rule denies the server request in `call`. */
  serverRequest(request: GateRequest, check: CheckedRequest, call: Call, rule: i32): void {
    const isShadow = !this.policy.isEnforced;
    const known = methodOf(call.method, call.methodLength);
    const method = known == Method.None ? Method.Other : known;
    const stream = request.exchange.stream;
    const services = request.services;
    nameCaller(request, null);
    services.events.decided(stream, method, 0, 0, this.isNewer ? SpecialRule.Newer : rule, true, isShadow);
    if (this.trace.isEnabled) this.trace.decided(check, call, rule);
    if (!this.audit.admits()) return;
    this.serverName.setForLog(call);
    const session = services.sessions.keyOrNone(stream);
    this.audit.denied(check, call, rule, this.ruleName(rule), isShadow, session);
  }

  /** Records that a request was rejected before its messages were decided. `member` is the address of the Key of the
   *  member at fault; 0 for none. `header` is the name of the header at fault; empty for none. */
  refusal(
    request: GateRequest,
    check: CheckedRequest,
    refusal: RequestRefusal,
    member: usize = 0,
    header: string = "",
  ): void {
    const isShadow = !this.policy.isEnforced;
    const name = specialRuleName(SpecialRule.Refused);
    const label = this.isNewer ? SpecialRule.Newer : SpecialRule.Refused;
    const services = request.services;
    const stream = request.exchange.stream;
    nameCaller(request, null);
    services.events.decided(stream, Method.None, 0, 0, label, true, isShadow);
    this.showRule(name);
    const session = services.sessions.keyOrNone(stream);
    if (!isShadow) this.showSession(session);
    if (this.audit.admits()) this.audit.refused(check, refusal, member, header, name, isShadow, session);
  }

  /** Sets the access log's rule to this one, which denies a message of a batch, in place of the rule of a later
   *  message. */
  showDenial(rule: i32): void {
    this.showRule(this.ruleName(rule));
  }

  /** The name of a rule of the policy in answers and logs. */
  ruleName(rule: i32): string {
    return this.nameOf(this.labelOf(rule));
  }

  private nameOf(label: i32): string {
    const rules = this.policy.config.rules;
    return label < rules.length ? rules[label].name : specialRuleName(label);
  }

  /** Writes a denial to the audit log. `session` is the hash shown in logs; 0 if it has not been determined. */
  private deny(request: GateRequest, check: CheckedRequest, call: Call, rule: i32, isShadow: bool, session: u64): void {
    if (!this.audit.admits()) return;
    this.serverName.setForLog(call);
    if (session == 0) session = sessionOf(request, call.reader);
    const pin = rule == PIN_RULE ? pinStateName(this.pins.state) : "";
    const span = spanOfMessage(request, call.reader, session, !isShadow);
    this.audit.denied(check, call, rule, this.ruleName(rule), isShadow, session, span, pin);
  }

  private labelOf(rule: i32): i32 {
    if (rule == PIN_RULE) return SpecialRule.Pin;
    if (rule != DEFAULT_RULE) return rule;
    return this.policy.config.isClosed ? SpecialRule.Closed : SpecialRule.Default;
  }

  private showRule(name: string): void {
    this.fields.setText("mcp.rule", name);
  }

  /** Adds the session of a denied request to the access log, because the request may never become an operation. 0
   *  for none. */
  private showSession(session: u64): void {
    if (session) this.fields.setHash("mcp.session", session);
  }
}

function count(request: GateRequest, call: Call, rule: i32, isDenied: bool, isShadow: bool): void {
  const reader = call.reader;
  // A continued request that contains responses still counts under its own method.
  const isAnswer = reader.form == MessageForm.Response;
  const at = isAnswer ? call.method : reader.textAt(Slot.Method);
  const length = isAnswer ? call.methodLength : reader.textLength(Slot.Method);
  const known = methodOf(at, length);
  const method = known == Method.None && length ? Method.Other : known;
  const stream = request.exchange.stream;
  nameCaller(request, reader);
  request.services.events.decided(
    stream,
    method,
    reader.textAt(Slot.Name),
    reader.textLength(Slot.Name),
    rule,
    isDenied,
    isShadow,
  );
}
