import { GateRequest } from "../../gate/stage/request";
import { Clock } from "../../host/clock";
import { FilterState } from "../../host/filter_state";
import { LimitDecision } from "../../mcp/protocol/limit_decision";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../../memory/elapsed";
import { RequestState } from "../../rules/request_state";
import { RequestFault } from "../../rules/message/request_fault";
import { StrictReader } from "../../rules/message/strict_reader";
import { sessionOf } from "../../rules/message_session";
import { spanOfMessage } from "../../rules/message_trace";
import { nameCaller } from "../../rules/named_caller";
import { Ledger } from "../ledger/ledger";
import { LimitFacts } from "./limit_facts";
import { LimitRules } from "../rules/limit_rules";
import { Rejection } from "../rules/rejection";
import { SpecialLimit, specialLimitName } from "../rules/special_limit";

/** Records rejections by limits: in statistics, in the audit log and in access-log fields. */
export class LimitReporter {
  /** @param fields destination of the access-log fields */
  constructor(
    private rules: LimitRules,
    private fields: FilterState,
    private clock: Clock,
  ) {}

  /** Records that a rule limits the message in the reader, or would in shadow mode. `reader` is null for a stream
   *  opened by GET. */
  limited(state: RequestState, request: GateRequest, reader: StrictReader | null, rejection: Rejection): void {
    const rule = rejection.rule!;
    this.show(rule.name);
    const facts = changetype<LimitFacts>(state.facts);
    const ledger = changetype<Ledger>(facts.ledger);
    const began = ledger.limited.limited(rule.scope, facts.owner, rejection.index, this.clock.milliseconds);
    if (!began) return;
    const session = reader ? sessionOf(request, reader) : 0;
    const span = reader ? spanOfMessage(request, reader, session, !rule.isShadow) : null;
    ledger.audit.started(began, state, rejection, span);
  }

  /** Records that the rule of this index rejects the message in the reader; null for a stream opened by GET. */
  count(request: GateRequest, reader: StrictReader | null, rule: i32): void {
    const session = reader ? sessionOf(request, reader) : 0;
    if (session) this.fields.setHash("mcp.session", session);
    this.report(request, reader, rule, LimitDecision.Limited);
  }

  /** Records that the request waits for the rule of this index. `reader` has its last message. */
  queued(request: GateRequest, reader: StrictReader, rule: i32): void {
    this.report(request, reader.isBatch ? null : reader, rule, LimitDecision.Queued);
  }

  /** Records the wait of a request since `arrivedAt`, in nanoseconds. Host calls refer to its stream. */
  waited(arrivedAt: u64): void {
    const durationMs = elapsed(arrivedAt, this.clock.now()) / NANOSECONDS_PER_MILLISECOND;
    this.fields.setNumber("mcp.wait_ms", durationMs);
  }

  /** Records that the request no longer waits for the rule of this index. `beganAt` is when that wait began, in
   *  nanoseconds. */
  left(request: GateRequest, rule: i32, beganAt: u64): void {
    const durationMs = elapsed(beganAt, this.clock.now()) / NANOSECONDS_PER_MILLISECOND;
    request.services.events.limitWaited(request.exchange.stream, rule, durationMs);
  }

  /** Records that the messages of the request cannot be decided. `member` is the address of the Key of the member at
   *  fault; 0 for none. */
  refused(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): void {
    const isOverload = fault == RequestFault.Overload;
    const limit = isOverload ? SpecialLimit.Held : SpecialLimit.Refused;
    const name = specialLimitName(limit);
    this.show(name);
    this.report(request, null, limit, this.rules.isEnforced ? LimitDecision.Limited : LimitDecision.ShadowLimited);
    changetype<Ledger>(changetype<LimitFacts>(state.facts).ledger).audit.refused(state, fault, member, name);
  }

  /** Records that Envoy's own rate limit has rejected the request. */
  limitedElsewhere(request: GateRequest): void {
    this.show(specialLimitName(SpecialLimit.Global));
    this.report(request, null, SpecialLimit.Global, LimitDecision.Limited);
  }

  /** @param reader the message; null if it could not be read */
  private report(request: GateRequest, reader: StrictReader | null, rule: i32, decision: LimitDecision): void {
    nameCaller(request, reader);
    request.services.events.limitDecided(request.exchange.stream, rule, decision);
  }

  private show(name: string): void {
    this.fields.setText("mcp.limit", name);
  }
}
