import { Audit } from "../access/report/audit";
import { Call } from "../access/message/call";
import { AccessCheck } from "../access/check";
import { Explanation } from "../access/report/explanation";
import { DEFAULT_RULE, Policy } from "../access/policy/policy";
import { AccessRefusal } from "../access/message/refusal";
import { RuleTrace } from "../access/report/rule_trace";
import { Slot } from "../access/message/slots";
import { MessageForm, StrictReader } from "../access/message/strict_reader";
import { RuleAction } from "../config/access/access_config";
import { Log } from "../host/log";
import { Token } from "../json/token";
import { Exchange } from "../mcp/exchange/exchange";
import { Method, methodOf } from "../mcp/protocol/methods";
import { ObservedStream } from "../mcp/exchange/observed_stream";
import { CLIENT_NAME_LIMIT } from "../mcp/protocol/limits";
import { UNKNOWN_REVISION, revisionOf } from "../mcp/protocol/revisions";
import { HEX_SIZE, writeHex } from "../memory/hex";
import { SpecialRule } from "../stats/labels";
import { Host, Unit } from "./unit";

/** Room for the name of a rule, and for a session's hash. */
const TEXT: usize = heap.alloc(64);

/** Counts, audits, traces and leaves in the access log what the access policy decides. */
export class DecisionLog {
  private audit: Audit;
  private trace: RuleTrace;

  /** @param isNewer the policy is the leading one, on an instance that applies an older configuration: its denials count
   *  under a rule of their own, and what it allows is left to the instance's own policy. */
  constructor(
    private policy: Policy,
    private host: Host,
    log: Log,
    private isNewer: bool,
  ) {
    const explanation = new Explanation(policy, host.properties);
    this.audit = new Audit(explanation, log, host.clock);
    this.trace = new RuleTrace(explanation, log);
  }

  /** The caller of a request is known, as far as it can be. */
  caller(check: AccessCheck): void {
    const length = check.shownPrincipalLength;
    if (length) this.host.filterState.set("mcp.principal", check.principal, length);
  }

  /** The message in `call` was decided by this rule. `isCollateral`: it is denied since another one of its batch is. */
  message(exchange: Exchange, check: AccessCheck, call: Call, rule: i32, isCollateral: bool, unit: Unit): void {
    const isShadow = !this.policy.isEnforced;
    const isDenied = isCollateral || this.policy.actionOf(rule, call) == RuleAction.Deny;
    if (this.isNewer && !isDenied) return;
    const label = isCollateral ? SpecialRule.Batch : this.labelOf(rule);
    count(exchange, call, this.isNewer ? SpecialRule.Newer : label, isDenied, isShadow, unit);
    this.showRule(this.nameOf(label, unit));
    if (this.trace.isEnabled) this.trace.decided(check, call, rule);
    const session = isDenied && !isShadow ? sessionOf(exchange, call.reader, unit) : 0;
    this.showSession(session);
    if (isDenied && !isCollateral) this.deny(exchange, check, call, rule, isShadow, session, unit);
    if (this.isNewer) return;
    const shadows = this.policy.shadowRules;
    for (let i = 0; i < shadows.length; i++) {
      const shadow = unchecked(shadows[i]);
      if (!this.policy.appliesTo(shadow, check.matches, call)) continue;
      const wouldDeny = this.policy.actionOf(shadow, call) == RuleAction.Deny;
      count(exchange, call, shadow, wouldDeny, true, unit);
      if (wouldDeny) this.deny(exchange, check, call, shadow, true, session, unit);
    }
  }

  /** A request was refused before its messages were decided. `member`: the address of the Key of the member at fault; 0 for
   *  none. `header`: the name of the header at fault; empty for none. */
  refusal(
    exchange: Exchange,
    check: AccessCheck,
    refusal: AccessRefusal,
    unit: Unit,
    member: usize = 0,
    header: string = "",
  ): void {
    const isShadow = !this.policy.isEnforced;
    const name = unit.labels.rule(SpecialRule.Refused);
    const label = this.isNewer ? SpecialRule.Newer : SpecialRule.Refused;
    unit.decisions.decided(exchange, Method.None, 0, 0, label, true, isShadow);
    this.showRule(name);
    const session = exchange.sessionOf(unit);
    if (!isShadow) this.showSession(session);
    if (this.audit.admits()) this.audit.refused(check, refusal, member, header, name, isShadow, session);
  }

  /** The name of a rule of the policy in answers and logs. */
  ruleName(rule: i32, unit: Unit): string {
    return this.nameOf(this.labelOf(rule), unit);
  }

  /** The unit's labels know the rules of the instance's own policy. */
  private nameOf(label: i32, unit: Unit): string {
    const rules = this.policy.config.rules;
    return label < rules.length ? rules[label].name : unit.labels.rule(label);
  }

  /** Audits a denial. `session`: the hash that logs show; 0 where it has not been determined. */
  private deny(
    exchange: Exchange,
    check: AccessCheck,
    call: Call,
    rule: i32,
    isShadow: bool,
    session: u64,
    unit: Unit,
  ): void {
    if (!this.audit.admits()) return;
    if (session == 0) session = sessionOf(exchange, call.reader, unit);
    this.audit.denied(check, call, rule, this.ruleName(rule, unit), isShadow, session);
  }

  private labelOf(rule: i32): i32 {
    if (rule != DEFAULT_RULE) return rule;
    return this.policy.config.isClosed ? SpecialRule.Closed : SpecialRule.Default;
  }

  private showRule(name: string): void {
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, TEXT);
    this.host.filterState.set("mcp.rule", TEXT, name.length);
  }

  /** Leaves the session of a denied request, which may never become an operation, in the access log. 0: none. */
  private showSession(session: u64): void {
    if (session == 0) return;
    writeHex(TEXT, session);
    this.host.filterState.set("mcp.session", TEXT, HEX_SIZE);
  }
}

/** The session that logs show of a message: for a request without one, its caller's activity window. 0 for none. */
function sessionOf(exchange: Exchange, reader: StrictReader, unit: Unit): u64 {
  if (reader.form != MessageForm.Request) return exchange.sessionOf(unit);
  const isNamed = reader.token(Slot.MetaVersion) == Token.String;
  const version = reader.textAt(Slot.MetaVersion);
  const revision = isNamed ? revisionOf(version, reader.textLength(Slot.MetaVersion)) : UNKNOWN_REVISION;
  const isClientNamed =
    reader.token(Slot.MetaClientName) == Token.String && reader.textTotal(Slot.MetaClientName) <= CLIENT_NAME_LIMIT;
  const clientLength = isClientNamed ? reader.textLength(Slot.MetaClientName) : 0;
  return exchange.loggedSession(revision, reader.textAt(Slot.MetaClientName), clientLength, unit);
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
