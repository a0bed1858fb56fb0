import { Clock } from "../../host/clock";
import { Method } from "../../mcp/protocol/methods";
import { Admission } from "../../mcp/state/admission";
import { GateRequest } from "../../gate/stage/request";
import { RuleInput } from "../../rules/message/rule_input";
import { Charge, Charges } from "./charges";
import { Ledger } from "../ledger/ledger";
import { LimitFacts } from "./limit_facts";
import { LimitKeys } from "./limit_keys";
import { LimitKind, LimitRule, lineOf } from "../rules/limit_rule";
import { Rejection } from "../rules/rejection";
import { SpecialLimit } from "../rules/special_limit";
import { Settlement } from "../ledger/settlement";

/** Delay in nanoseconds that a rejection suggests if the time of the next free permit is unknown. */
const PERMIT_RETRY_NS: u64 = 1_000_000_000;

/** Number of the decision of a rule, with an index below 256, about a message. Later decisions have larger numbers. */
export function decisionOf(message: i32, rule: i32): i32 {
  return (message << 8) | rule;
}

/** Charges the allowances of rules for the messages of one request, and refunds the charges of rejected messages. */
export class Charger {
  /** Why the last rule did not admit its message. */
  readonly rejection: Rejection = new Rejection();
  /** The last rule that admitted its message used a shared allowance, because there was no room for a separate one. */
  isShared: bool = false;
  private charges: Charges = new Charges();
  /** Index of the first charge of the current message. */
  private ofMessage: i32 = 0;
  private keys: LimitKeys = new LimitKeys();
  private ledger: Ledger | null = null;
  private nowNs: u64 = 0;
  private method: Method = Method.None;
  /** The current message is a tool call. */
  isToolCall: bool = false;
  /** Number of admitted tool calls among the request's messages so far. */
  private calls: u32 = 0;
  /** The last decision that the request has waited for, -1 for none. For that one and earlier ones it has its turn,
   *  even if others wait. */
  private reached: i32 = -1;
  /** Index of the rule that the request must not wait for any longer; -1 for none. */
  private overdue: i32 = -1;

  constructor(private clock: Clock) {}

  /** Sets that the following request has waited for its turn at decisions up to `reached`: see {@link decisionOf}.
   *  `overdue` is the index of the rule that it must not wait for any longer; -1 if it may wait. */
  beginWaiting(reached: i32, overdue: i32): void {
    this.reached = reached;
    this.overdue = overdue;
  }

  /** Sets that the following requests have not waited. */
  endWaiting(): void {
    this.reached = -1;
    this.overdue = -1;
  }

  /** Begins another request. Earlier charges remain. */
  begin(ledger: Ledger): void {
    this.ledger = ledger;
    this.nowNs = this.clock.now();
    this.charges.clear();
    this.calls = 0;
  }

  /** Begins the request's next message, of this method. */
  beginMessage(method: Method): void {
    this.ofMessage = this.charges.length;
    this.method = method;
    this.isToolCall = method == Method.ToolsCall;
    this.keys.begin(this.ledger!, method);
  }

  /** Charges the message of this index to the rule of this index. Returns false if the rule does not
   *  admit the message. Then nothing is charged, and `rejection` has the reason. */
  charge(rule: LimitRule, index: i32, message: i32, request: GateRequest, facts: LimitFacts, input: RuleInput): bool {
    const first = this.charges.length;
    const key = this.keys.of(rule, request, facts, input);
    const owner = this.keys.isByCaller ? facts.owner : 0;
    this.isShared = false;
    if (rule.queue && !this.mayTry(rule, index, message, key)) return false;
    if (
      this.chargeRequest(rule, index, message, key, owner) &&
      // Always by caller, whatever the key: callers may invent calls, and must not evict those of others.
      this.chargeRepeat(rule, index, message, key, facts.owner, input) &&
      this.acquirePermit(rule, index, message, key, owner) &&
      this.admitsTokens(rule, index, message, key, owner)
    ) {
      return true;
    }
    this.undo(first);
    return false;
  }

  /** Whether the server can process a tool call, the message of this index. True for other messages. If false,
   *  `rejection` has the reason. */
  admitsCall(message: i32, request: GateRequest, input: RuleInput): bool {
    if (!this.isToolCall) return true;
    const ledger = this.ledger!;
    const adaptive = ledger.adaptive;
    const server = request.services.participants.serverOf(request.exchange.stream);
    const tools = adaptive.classOf(server, this.keys.namedTool(input));
    const line = adaptive.lineOf(tools);
    const decision = decisionOf(message, SpecialLimit.Adaptive);
    const hasWaited = decision <= this.reached;
    const isAwaited = adaptive.isEnforced && !hasWaited && ledger.queues.isAwaitedHere(line);
    if (!isAwaited && this.mayBeTried(decision, SpecialLimit.Adaptive) && adaptive.admits(tools, this.calls)) {
      this.calls++;
      return true;
    }
    // In shadow mode no limit can be tried, and one that is not measured yet says nothing.
    if (!adaptive.isEnforced && !tools.limit.isKnown) return true;
    const rejection = this.rejection;
    rejection.set(ledger.rules.adaptive, SpecialLimit.Adaptive, LimitKind.Concurrency, PERMIT_RETRY_NS, 0, false);
    rejection.line = line;
    rejection.isAwaited = isAwaited;
    rejection.limit = adaptive.limitOf(tools);
    return false;
  }

  /** Whether a rule with a queue may be checked now. Requests that wait for it come first. */
  private mayTry(rule: LimitRule, index: i32, message: i32, key: u64): bool {
    const line = lineOf(rule.permitOf(key));
    this.rejection.line = line;
    const decision = decisionOf(message, index);
    if (this.mayBeTried(decision, index)) {
      if (decision <= this.reached || !this.ledger!.queues.isAwaited(line)) return true;
    }
    this.rejection.set(rule, index, rule.firstKind, PERMIT_RETRY_NS, 0, false);
    this.rejection.isAwaited = true;
    return false;
  }

  /** Whether a rule of this index may still be checked for this decision. A batch that must not wait for a message
   *  any longer has already had its turn for earlier messages. */
  private mayBeTried(decision: i32, index: i32): bool {
    return index != this.overdue || decision < this.reached;
  }

  /** Refunds the charges of the current message. */
  undoMessage(): void {
    this.undo(this.ofMessage);
  }

  /** Refunds all charges of the request. */
  undoAll(): void {
    this.undo(0);
  }

  /** Adds to the admission of the message of this index what must be settled when its operation ends. */
  settleLater(message: i32, admission: Admission): void {
    const rules = this.ledger!.rules.rules;
    const holder = this.ledger!.permits.holder;
    for (let i = 0; i < this.charges.length; i++) {
      const charge = this.charges.get(i);
      if (charge.message != message) continue;
      const scope = rules[charge.rule].scope;
      const kind = charge.kind;
      if (kind == LimitKind.Concurrency) Settlement.add(admission, kind, scope, charge.key, holder);
      if (kind == LimitKind.Tokens) Settlement.add(admission, kind, scope, charge.key, charge.owner);
    }
  }

  /** Whether the message of this index has something to settle. */
  settles(message: i32): bool {
    for (let i = 0; i < this.charges.length; i++) {
      const charge = this.charges.get(i);
      if (charge.message == message && charge.kind >= LimitKind.Concurrency) return true;
    }
    return false;
  }

  private chargeRequest(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64): bool {
    const rate = rule.requests;
    if (!rate) return true;
    const allowances = this.ledger!.allowances;
    const scope = rule.scopeOf(LimitKind.Requests);
    if (!allowances.spend(scope, key, owner, 1, rate, this.nowNs)) {
      const isExact = this.keys.isIdentifying && !allowances.isShared;
      const rejection = this.rejection;
      rejection.set(rule, index, LimitKind.Requests, allowances.retryAfterNs, allowances.remaining, isExact);
      // A batch that is larger than the burst is never admitted.
      rejection.isTooMuch = <u32>message >= rate.burst;
      return false;
    }
    if (allowances.isShared) this.isShared = true;
    this.charges.add(LimitKind.Requests, index, message, allowances.id, owner);
    return true;
  }

  private chargeRepeat(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64, input: RuleInput): bool {
    const rate = rule.repeats;
    if (!rate || !this.isToolCall) return true;
    const repeats = this.ledger!.repeats;
    const scope = rule.scopeOf(LimitKind.Repeats);
    if (!repeats.spend(scope, this.keys.repeatOf(key, input), owner, 1, rate, this.nowNs)) {
      const isExact = this.keys.isIdentifying && !repeats.isShared;
      this.rejection.set(rule, index, LimitKind.Repeats, repeats.retryAfterNs, repeats.remaining, isExact);
      return false;
    }
    if (repeats.isShared) this.isShared = true;
    this.charges.add(LimitKind.Repeats, index, message, repeats.id, owner);
    return true;
  }

  private acquirePermit(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64): bool {
    if (!rule.limitsConcurrency(this.method)) return true;
    const permit = rule.permitOf(key);
    if (!this.ledger!.acquire(permit, owner, rule.concurrency)) {
      const isExact = this.keys.isIdentifying;
      this.rejection.set(rule, index, LimitKind.Concurrency, PERMIT_RETRY_NS, 0, isExact);
      this.rejection.isTooMuch = <u32>message >= rule.concurrency;
      return false;
    }
    this.charges.add(LimitKind.Concurrency, index, message, permit, owner);
    return true;
  }

  private admitsTokens(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64): bool {
    const rate = rule.tokens;
    if (!rate) return true;
    const allowances = this.ledger!.allowances;
    if (!allowances.hasBalance(rule.scopeOf(LimitKind.Tokens), key, owner, rate, this.nowNs)) {
      const isExact = this.keys.isIdentifying && !allowances.isShared;
      this.rejection.set(rule, index, LimitKind.Tokens, allowances.retryAfterNs, allowances.remaining, isExact);
      return false;
    }
    if (allowances.isShared) this.isShared = true;
    this.charges.add(LimitKind.Tokens, index, message, key, owner);
    return true;
  }

  /** Refunds the charges from this index on. */
  private undo(first: i32): void {
    const ledger = this.ledger!;
    const rules = ledger.rules.rules;
    for (let i = this.charges.length - 1; i >= first; i--) {
      const charge = this.charges.get(i);
      const rule = rules[charge.rule];
      const nowNs = this.nowNs;
      switch (charge.kind) {
        case LimitKind.Requests:
          ledger.allowances.refund(charge.key, 1, rule.requests!, nowNs, nowNs);
          break;
        case LimitKind.Repeats:
          ledger.repeats.refund(charge.key, 1, rule.repeats!, nowNs, nowNs);
          break;
        case LimitKind.Concurrency:
          this.giveBack(charge);
          break;
      }
    }
    this.charges.length = first;
  }

  /** Releases a permit. Does not wake requests that wait for the same permits if this request is one of them and did
   *  not get enough. Otherwise two requests that each need more than is free would wake each other forever. */
  private giveBack(charge: Charge): void {
    const ledger = this.ledger!;
    const rejection = this.rejection;
    const isAwaitedHere = charge.rule == rejection.index && lineOf(charge.key) == rejection.line;
    if (isAwaitedHere) ledger.permits.release(charge.key, ledger.permits.holder);
    else ledger.giveBack(charge.key, ledger.permits.holder);
  }
}
