import { Clock } from "../../host/clock";
import { Level, Log } from "../../host/log";
import { Properties } from "../../host/properties";
import { TraceContext } from "../../http/trace_context";
import { findPeerAddress } from "../../identity/peer_address";
import { writeTimestamp } from "../../json/timestamp";
import { JsonWriter } from "../../json/writer";
import { RequestState } from "../../rules/request_state";
import { LineBudget } from "../../rules/line_budget";
import { writeSpan } from "../../rules/message_trace";
import { Key } from "../../rules/message/keys";
import { RequestFault, requestFaultName } from "../../rules/message/request_fault";
import { limitKindName } from "../rules/limit_rule";
import { LimitRules } from "../rules/limit_rules";
import { LimitedCaller, LimitedCallerListener } from "./limited_callers";
import { Rejection } from "../rules/rejection";

/** Maximum number of lines per second. */
const LINES_PER_SECOND: i32 = 10;

/**
 * Writes JSON lines to the proxy's log when a rule begins to limit a caller and when it stops, rather than for each
 * request; and for requests that cannot be decided. Writes a limited number per second, and how many were dropped.
 */
export class LimitAudit extends LimitedCallerListener {
  private writer: JsonWriter = new JsonWriter();
  private lines: LineBudget;

  constructor(
    private rules: LimitRules,
    private log: Log,
    private clock: Clock,
    private properties: Properties,
  ) {
    super();
    this.lines = new LineBudget(clock, LINES_PER_SECOND);
  }

  /** Writes that a rule begins to limit the caller of the current stream. `span` is that of the first limited
   *  message; null for none. */
  started(caller: LimitedCaller, state: RequestState, rejection: Rejection, span: TraceContext | null): void {
    const rule = rejection.rule!;
    const properties = this.properties;
    const hasAddress = findPeerAddress(properties);
    caller.keep(state.principal, state.principalLength, properties.at, hasAddress ? properties.length : 0);
    if (!this.lines.admits()) return;
    this.begin("mcp_limit_started", rule.name, rule.isShadow);
    this.writer.textMember("scope", limitKindName(rejection.kind));
    this.writer.bytesMember("request_id", state.requestId, state.requestIdLength);
    if (span) writeSpan(this.writer, span.traceHigh, span.traceLow, span.spanId);
    this.writeCaller(caller);
    this.end();
  }

  stopped(caller: LimitedCaller, durationMs: u64): void {
    const rule = this.rules.at(caller.rule);
    if (!rule || !this.lines.admits()) return;
    this.begin("mcp_limit_stopped", rule.name, rule.isShadow);
    this.writer.numberMember("duration_ms", durationMs);
    this.writeCaller(caller);
    this.end();
  }

  /** Writes that the current request cannot be decided. `member` is the address of the Key of the member at fault; 0
   *  for none. `name` stands for the rule. */
  refused(state: RequestState, fault: RequestFault, member: usize, name: string): void {
    if (!this.lines.admits()) return;
    const writer = this.writer;
    this.begin("mcp_limit_refused", name, !this.rules.isEnforced);
    writer.textMember("reason", requestFaultName(fault));
    if (member) {
      const path = String.UTF8.encode(changetype<Key>(member).path);
      writer.bytesMember("member", changetype<usize>(path), path.byteLength);
    }
    writer.bytesMember("request_id", state.requestId, state.requestIdLength);
    writer.bytesMember("principal", state.principal, state.shownPrincipalLength);
    if (findPeerAddress(this.properties)) writer.bytesMember("address", this.properties.at, this.properties.length);
    this.end();
  }

  private begin(event: string, rule: string, isShadow: bool): void {
    const writer = this.writer;
    writer.clear();
    writer.raw('{"event":"' + event + '","mode":"' + (isShadow ? "shadow" : "enforce") + '","rule":"' + rule);
    writer.raw('","time":');
    writeTimestamp(writer, this.clock.wallNow());
    if (this.lines.dropped) writer.numberMember("dropped", this.lines.dropped);
    this.lines.dropped = 0;
  }

  private writeCaller(caller: LimitedCaller): void {
    this.writer.bytesMember("principal", caller.principal, caller.principalLength);
    this.writer.bytesMember("address", caller.address, caller.addressLength);
  }

  private end(): void {
    this.writer.raw("}");
    this.log.writeBytes(Level.Warn, this.writer.at, this.writer.length);
  }
}
