import { RuleMode } from "../../config/rules/rule_config";
import { Clock } from "../../host/clock";
import { Level, Log } from "../../host/log";
import { writeTimestamp } from "../../json/timestamp";
import { TraceContext } from "../../http/trace_context";
import { Token } from "../../json/token";
import { JsonWriter } from "../../json/writer";
import { methodOf } from "../../mcp/protocol/methods";
import { shownLength } from "../../mcp/protocol/shown_target";
import { HEX_SIZE, writeHex } from "../../memory/hex";
import { RuleInput } from "../../rules/message/rule_input";
import { RequestState } from "../../rules/request_state";
import { Explanation, NO_RULE } from "./explanation";
import { Key } from "../../rules/message/keys";
import { Match } from "../../rules/match/match";
import { DEFAULT_RULE, PIN_RULE } from "../policy/policy";
import { RequestFault, requestFaultName } from "../../rules/message/request_fault";
import { LineBudget } from "../../rules/line_budget";
import { writeSpan } from "../../rules/message_trace";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { StrictReader } from "../../rules/message/strict_reader";

const hexText: usize = memory.data(16);

/**
 * Writes a JSON line to the proxy's log for each denial: a limited number per second, and how many were dropped. Never
 * writes arguments, unless the operator enabled those that rules name.
 */
export class Audit {
  private writer: JsonWriter = new JsonWriter();
  private lines: LineBudget;

  constructor(
    private explanation: Explanation,
    private log: Log,
    private clock: Clock,
  ) {
    this.lines = new LineBudget(clock, explanation.policy.config.auditPerSecond);
  }

  /** Whether another line may be written in this second. Counts the line as written or dropped. */
  admits(): bool {
    return this.lines.admits();
  }

  /** Writes the line of a denied message. `rule` is the index of the denying rule, {@link DEFAULT_RULE} or {@link
   *  PIN_RULE}. `session` is the hash shown in logs; 0 for none. `span` is the message's span; null for none. `pin`
   *  is the state of the tool's definition, for {@link PIN_RULE}. */
  denied(
    state: RequestState,
    input: RuleInput,
    rule: i32,
    ruleName: string,
    isShadow: bool,
    session: u64,
    span: TraceContext | null = null,
    pin: string = "",
  ): void {
    this.explanation.begin(state, input);
    this.begin(state, ruleName, isShadow, session);
    if (span) writeSpan(this.writer, span.traceHigh, span.traceLow, span.spanId);
    this.writer.bytesMember("method", input.method, input.methodLength);
    const length = input.targetLength;
    if (length) {
      const at = input.targetAt;
      this.writer.bytesMember("target", at, shownLength(methodOf(input.method, input.methodLength), at, length));
    }
    if (this.explanation.policy.config.auditArguments && input.hasMessage) this.appendArguments(input.reader);
    this.writer.bytesMember("server", input.server, input.serverLength);
    if (rule == PIN_RULE) this.writer.textMember("pin", pin);
    else this.appendReason(rule);
    this.end();
  }

  /** Writes the line of a request that is rejected before its messages are decided. `member` is the address of the
   *  {@link Key} of the member at fault; 0 for none. `header` is the name of the header at fault; empty for none. */
  refused(
    state: RequestState,
    fault: RequestFault,
    member: usize,
    header: string,
    ruleName: string,
    isShadow: bool,
    session: u64,
  ): void {
    this.explanation.beginRequest(state);
    this.begin(state, ruleName, isShadow, session);
    const writer = this.writer;
    writer.textMember("reason", requestFaultName(fault));
    if (member) {
      const path = String.UTF8.encode(changetype<Key>(member).path);
      this.writer.bytesMember("member", changetype<usize>(path), path.byteLength);
    }
    if (header.length) writer.textMember("header", header);
    if (fault == RequestFault.TooLarge) {
      writer.numberMember("limit", this.explanation.policy.hold.maxBodyBytes);
    }
    this.end();
  }

  /** Begins a line with the data that every request has. */
  private begin(state: RequestState, ruleName: string, isShadow: bool, session: u64): void {
    const writer = this.writer;
    const caller = this.explanation.caller;
    writer.clear();
    writer.raw('{"event":"mcp_access_denied","mode":"');
    writer.raw(isShadow ? "shadow" : "enforce");
    writer.raw('","rule":"');
    writer.raw(ruleName);
    writer.raw('","time":');
    writeTimestamp(writer, this.clock.wallNow());
    this.writer.bytesMember("request_id", state.requestId, state.requestIdLength);
    if (session) {
      writeHex(hexText, session);
      this.writer.bytesMember("session", hexText, HEX_SIZE);
    }
    this.writer.bytesMember("principal", state.principal, state.shownPrincipalLength);
    this.writer.bytesMember("address", caller.addressText, caller.addressTextLength);
    if (this.lines.dropped) writer.numberMember("dropped", this.lines.dropped);
    this.lines.dropped = 0;
  }

  /** Writes which part could not be determined, if a DENY rule applies only for that reason, and the ALLOW rule
   *  before it that came nearest. */
  private appendReason(rule: i32): void {
    const explanation = this.explanation;
    const writer = this.writer;
    if (rule != DEFAULT_RULE && explanation.match(rule) == Match.Unknown) {
      writer.raw(',"undetermined":"');
      explanation.writeFailed(rule, writer);
      writer.raw('"');
    }
    const rules = explanation.policy.rules;
    // A rule in shadow mode decides nothing, so a rule before it may allow the message.
    if (rule != DEFAULT_RULE && rules[rule].mode == RuleMode.Shadow) return;
    const nearest = explanation.nearestAllow(rule);
    if (nearest == NO_RULE) return;
    writer.raw(',"nearest":{"rule":"');
    writer.raw(rules[nearest].name);
    writer.raw('","failed":"');
    explanation.writeFailed(nearest, writer);
    writer.raw(explanation.match(nearest) == Match.Unknown ? '","unknown":true}' : '"}');
  }

  private appendArguments(reader: StrictReader): void {
    const writer = this.writer;
    const keys = this.explanation.policy.keys;
    writer.raw(',"arguments":{');
    let count = 0;
    for (let slot: i32 = MemberSlot.FirstArgument; slot < keys.end; slot++) {
      const token = reader.token(slot);
      if (token != Token.String && token != Token.Number) continue;
      if (count++) writer.raw(",");
      const path = String.UTF8.encode(keys.argumentPath(slot));
      writer.text(changetype<usize>(path), path.byteLength);
      writer.raw(":");
      writer.text(reader.textAt(slot), reader.textLength(slot));
    }
    writer.raw("}");
  }

  private end(): void {
    this.writer.raw("}");
    this.log.writeBytes(Level.Warn, this.writer.at, this.writer.length);
  }
}
