import { GateRequest } from "../gate/stage/request";
import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { LimitDecision } from "../mcp/protocol/limit_decision";
import { CheckedRequest } from "../rules/checked_request";
import { RequestRefusal } from "../rules/message/refusal";
import { Ledger } from "./ledger";
import { LimitFacts } from "./limit_facts";
import { LimitRules } from "./limit_rules";
import { Rejection } from "./rejection";
import { SpecialLimit, specialLimitName } from "./special_limit";

/** Room for the name of a rule. */
const NAME: usize = heap.alloc(64);

/** Counts, audits and leaves in the access log what limits reject. */
export class LimitLog {
  constructor(
    private rules: LimitRules,
    private filterState: FilterState,
    private clock: Clock,
  ) {}

  /** A rule limits the request, or would. */
  limited(check: CheckedRequest, rejection: Rejection): void {
    const rule = rejection.rule!;
    this.show(rule.name);
    const facts = changetype<LimitFacts>(check.facts);
    const ledger = changetype<Ledger>(facts.ledger);
    const began = ledger.limited.limited(rule.scope, facts.owner, rejection.index, this.clock.milliseconds);
    if (began) ledger.audit.started(began, check, rejection);
  }

  /** A message of the request is rejected by the rule of this index. */
  count(request: GateRequest, rule: i32): void {
    this.report(request, rule, LimitDecision.Limited);
  }

  /** The messages of the request cannot be decided. `member`: the address of the Key of the member at fault; 0 for none. */
  refused(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): void {
    const isOverload = refusal == RequestRefusal.Overload;
    const limit = isOverload ? SpecialLimit.Held : SpecialLimit.Refused;
    const name = specialLimitName(limit);
    this.show(name);
    this.report(request, limit, this.rules.isEnforced ? LimitDecision.Limited : LimitDecision.ShadowLimited);
    changetype<Ledger>(changetype<LimitFacts>(check.facts).ledger).audit.refused(check, refusal, member, name);
  }

  private report(request: GateRequest, rule: i32, decision: LimitDecision): void {
    const stream = request.exchange.stream;
    const services = request.services;
    services.participants.serverOf(stream);
    services.events.limitDecided(stream, rule, decision);
  }

  private show(name: string): void {
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, NAME);
    this.filterState.set("mcp.limit", NAME, name.length);
  }
}
