import { RuleAction } from "../../config/access/access_config";
import { GateRequest } from "../../gate/stage/request";
import { RequestFields } from "../../gate/stage/request_fields";
import { StageHost } from "../../gate/stage/stage_host";
import { RuleMode } from "../../config/rules/rule_config";
import { Method, methodOf } from "../../mcp/protocol/methods";
import { Stream } from "../../mcp/state/stream";
import { RequestState } from "../../rules/request_state";
import { RuleInput } from "../../rules/message/rule_input";
import { RequestFault } from "../../rules/message/request_fault";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { MessageForm } from "../../rules/message/strict_reader";
import { sessionOf } from "../../rules/message_session";
import { spanOfMessage } from "../../rules/message_trace";
import { nameCaller } from "../../rules/named_caller";
import { DEFAULT_RULE, PIN_RULE, Policy } from "../policy/policy";
import { SpecialRule, specialRuleName } from "../policy/special_rule";
import { Audit } from "../report/audit";
import { Explanation } from "../report/explanation";
import { RuleTrace } from "../report/rule_trace";
import { PinMatcher, PinState, pinStateName } from "./pin_matcher";
import { ServerName } from "./server_name";

/**
 * Records the decisions of the access policy: in statistics, in the audit log, in rule traces and in access-log fields.
 */
export class DecisionReporter {
  private audit: Audit;
  private trace: RuleTrace;

  /**
   * @param fields what logs show of requests
   * @param isNewer the policy belongs to the leading configuration, but the instance applies an older one: its denials
   * count under a separate rule, and the instance's own policy records what it allows
   */
  constructor(
    private policy: Policy,
    private pins: PinMatcher,
    private serverName: ServerName,
    host: StageHost,
    private fields: RequestFields,
    private isNewer: bool,
  ) {
    const explanation = new Explanation(policy, host.properties);
    this.audit = new Audit(explanation, host.log, host.clock);
    this.trace = new RuleTrace(explanation, host.log);
  }

  /** Records the caller of a request, as far as known. */
  caller(stream: Stream, state: RequestState): void {
    const length = state.shownPrincipalLength;
    if (length) this.fields.principal(stream, state.principal, length);
  }

  /** Records that this rule decided the message in `input`. */
  message(request: GateRequest, state: RequestState, input: RuleInput, rule: i32): void {
    const isShadow = !this.policy.isEnforced;
    const isDenied = this.policy.actionOf(rule, input) == RuleAction.Deny;
    if (this.isNewer && !isDenied) return;
    const label = this.labelOf(rule);
    count(request, input, this.isNewer ? SpecialRule.Newer : label, isDenied, isShadow);
    const stream = request.exchange.stream;
    this.fields.rule(stream, this.nameOf(label));
    if (this.trace.isEnabled) this.trace.decided(state, input, rule);
    const session = isDenied && !isShadow ? sessionOf(request, input.reader) : 0;
    this.fields.deniedSession(stream, session);
    if (isDenied) this.deny(request, state, input, rule, isShadow, session);
    if (this.isNewer) return;
    const shadows = this.policy.shadowsAbout(input);
    for (let shadow = shadows.next(0); shadow >= 0; shadow = shadows.next(shadow + 1)) {
      if (!this.policy.appliesTo(shadow, state.matches, input)) continue;
      const wouldDeny = this.policy.actionOf(shadow, input) == RuleAction.Deny;
      count(request, input, shadow, wouldDeny, true);
      if (wouldDeny) this.deny(request, state, input, shadow, true, session);
    }
    if (isDenied || this.pins.stateOf(state, request, input) == PinState.Pinned) return;
    // Enforced pins would have denied the message.
    count(request, input, SpecialRule.Pin, true, true);
    if (this.trace.isEnabled) this.trace.pinned(state, input, RuleMode.Shadow, false);
    this.deny(request, state, input, PIN_RULE, true, session);
  }

  /** Records that this rule decided about an element of a list, whose uses `input` represents. */
  element(state: RequestState, input: RuleInput, rule: i32): void {
    if (this.trace.isEnabled) this.trace.decided(state, input, rule);
  }

  /** Records that this rule denies the server request in `input`. */
  serverRequest(request: GateRequest, state: RequestState, input: RuleInput, rule: i32): void {
    const isShadow = !this.policy.isEnforced;
    const known = methodOf(input.method, input.methodLength);
    const method = known == Method.None ? Method.Other : known;
    const stream = request.exchange.stream;
    const services = request.services;
    nameCaller(request, null);
    services.events.decided(stream, method, 0, 0, this.isNewer ? SpecialRule.Newer : rule, true, isShadow);
    if (this.trace.isEnabled) this.trace.decided(state, input, rule);
    if (!this.audit.admits()) return;
    this.serverName.setForLog(input);
    const session = services.sessions.keyOrNone(stream);
    this.audit.denied(state, input, rule, this.ruleName(rule), isShadow, session);
  }

  /** Records that a request was rejected before its messages were decided. `member` is the address of the Key of the
   *  member at fault; 0 for none. `header` is the name of the header at fault; empty for none. */
  refused(
    request: GateRequest,
    state: RequestState,
    fault: RequestFault,
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
    this.fields.rule(stream, name);
    const session = services.sessions.keyOrNone(stream);
    if (!isShadow) {
      this.fields.deniedSession(stream, session);
      this.fields.refused(stream);
    }
    if (this.audit.admits()) this.audit.refused(state, fault, member, header, name, isShadow, session);
  }

  /** Sets the access log's rule to this one, which denies a message of a batch, in place of the rule of a later
   *  message. */
  showDenial(stream: Stream, rule: i32): void {
    this.fields.rule(stream, this.ruleName(rule));
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
  private deny(
    request: GateRequest,
    state: RequestState,
    input: RuleInput,
    rule: i32,
    isShadow: bool,
    session: u64,
  ): void {
    if (!this.audit.admits()) return;
    this.serverName.setForLog(input);
    if (session == 0) session = sessionOf(request, input.reader);
    const pin = rule == PIN_RULE ? pinStateName(this.pins.pinState) : "";
    const span = spanOfMessage(request, input.reader, session, !isShadow);
    this.audit.denied(state, input, rule, this.ruleName(rule), isShadow, session, span, pin);
  }

  private labelOf(rule: i32): i32 {
    if (rule == PIN_RULE) return SpecialRule.Pin;
    if (rule != DEFAULT_RULE) return rule;
    return this.policy.config.isClosed ? SpecialRule.Closed : SpecialRule.Default;
  }
}

function count(request: GateRequest, input: RuleInput, rule: i32, isDenied: bool, isShadow: bool): void {
  const reader = input.reader;
  // A continued request that contains responses still counts under its own method.
  const isAnswer = reader.form == MessageForm.Response;
  const at = isAnswer ? input.method : reader.textAt(MemberSlot.Method);
  const length = isAnswer ? input.methodLength : reader.textLength(MemberSlot.Method);
  const known = methodOf(at, length);
  const method = known == Method.None && length ? Method.Other : known;
  const stream = request.exchange.stream;
  nameCaller(request, reader);
  request.services.events.decided(
    stream,
    method,
    reader.textAt(MemberSlot.Name),
    reader.textLength(MemberSlot.Name),
    rule,
    isDenied,
    isShadow,
  );
}
