import { Clock } from "../../host/clock";
import { Method } from "../../mcp/protocol/methods";
import { Admission } from "../../mcp/state/admission";
import { GateRequest } from "../../gate/stage/request";
import { Call } from "../../rules/message/call";
import { Charge, Charges } from "./charges";
import { Ledger } from "../ledger/ledger";
import { LimitFacts } from "./limit_facts";
import { LimitKeys } from "./limit_keys";
import { LimitKind, LimitRule, lineOf } from "../rules/limit_rule";
import { Rejection } from "../rules/rejection";
import { SpecialLimit } from "../rules/special_limit";
import { Settlement } from "../ledger/settlement";

/** How long a caller is asked to wait where nothing tells when a permit will be free. */
const PERMIT_RETRY_NS: u64 = 1_000_000_000;

/** Stands for the decision of the rule of this index, below 256, about the message of this index: the later decision has the
 *  larger number. */
export function decisionOf(message: i32, rule: i32): i32 {
  return (message << 8) | rule;
}

/** Takes from the allowances of rules for the messages of one request, and gives back what it took for those that are rejected. */
export class Charger {
  /** Why the last rule did not admit its message. */
  readonly rejection: Rejection = new Rejection();
  /** The last rule that admitted its message used an allowance that is shared for want of room. */
  isShared: bool = false;
  private charges: Charges = new Charges();
  /** The charges of the current message are those from this index on. */
  private ofMessage: i32 = 0;
  private keys: LimitKeys = new LimitKeys();
  private ledger: Ledger | null = null;
  private nowNs: u64 = 0;
  private method: Method = Method.None;
  /** The current message calls a tool. */
  isToolCall: bool = false;
  /** Calls of tools among the request's messages so far. */
  private calls: u32 = 0;
  /** The last decision that the request has waited for, -1 for none: it has its turn there and before, whoever else waits. */
  private reached: i32 = -1;
  /** The index of the rule that it must not wait for any longer; -1 for none. */
  private overdue: i32 = -1;

  constructor(private clock: Clock) {}

  /** The request that follows has waited for its turn at decisions up to the one that `reached` stands for: see
   *  {@link decisionOf}. `overdue`: the index of the rule that it must not wait for any longer; -1 where it may wait on. */
  beginWaiting(reached: i32, overdue: i32): void {
    this.reached = reached;
    this.overdue = overdue;
  }

  /** Requests that follow have not waited. */
  endWaiting(): void {
    this.reached = -1;
    this.overdue = -1;
  }

  /** Another request: what was charged before stays so. */
  begin(ledger: Ledger): void {
    this.ledger = ledger;
    this.nowNs = this.clock.now();
    this.charges.clear();
    this.calls = 0;
  }

  /** The request's next message, of this method. */
  beginMessage(method: Method): void {
    this.ofMessage = this.charges.length;
    this.method = method;
    this.isToolCall = method == Method.ToolsCall;
    this.keys.begin(this.ledger!, method);
  }

  /** Charges what a rule of this index takes for the message of this index. False where the rule does not admit it: then it has
   *  taken nothing, and `rejection` says why. */
  charge(rule: LimitRule, index: i32, message: i32, request: GateRequest, facts: LimitFacts, call: Call): bool {
    const first = this.charges.length;
    const key = this.keys.of(rule, request, facts, call);
    const owner = this.keys.isByCaller ? facts.owner : 0;
    this.isShared = false;
    if (rule.queue && !this.mayTry(rule, index, message, key)) return false;
    if (
      this.takeRequest(rule, index, message, key, owner) &&
      // Whatever the key: callers invent calls, and shall not push out those of others.
      this.takeRepeat(rule, index, message, key, facts.owner, call) &&
      this.takePermit(rule, index, message, key, owner) &&
      this.takeTokens(rule, index, message, key, owner)
    ) {
      return true;
    }
    this.undo(first);
    return false;
  }

  /** Asks for a tool's call, the message of this index, whether its server can do another one. False where it cannot: `rejection`
   *  says so. */
  admitsCall(message: i32, request: GateRequest, call: Call): bool {
    if (!this.isToolCall) return true;
    const ledger = this.ledger!;
    const adaptive = ledger.adaptive;
    const server = request.services.participants.serverOf(request.exchange.stream);
    const tools = adaptive.classOf(server, this.keys.namedTool(call));
    const line = adaptive.lineOf(tools);
    const decision = decisionOf(message, SpecialLimit.Adaptive);
    const hasWaited = decision <= this.reached;
    const isAwaited = adaptive.isEnforced && !hasWaited && ledger.queues.isAwaitedHere(line);
    if (!isAwaited && this.mayBeTried(decision, SpecialLimit.Adaptive) && adaptive.admits(tools, this.calls)) {
      this.calls++;
      return true;
    }
    // In shadow mode no limit can be tried: one that is not known yet says nothing.
    if (!adaptive.isEnforced && !tools.limit.isKnown) return true;
    const rejection = this.rejection;
    rejection.set(ledger.rules.adaptive, SpecialLimit.Adaptive, LimitKind.Concurrency, PERMIT_RETRY_NS, 0, false);
    rejection.line = line;
    rejection.isAwaited = isAwaited;
    rejection.limit = adaptive.limitOf(tools);
    return false;
  }

  /** Whether a rule with a queue may be asked: those who wait for it come first. */
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

  /** Whether a rule of this index may still be asked for this decision. A batch that must not wait any longer for a message has had
   *  the turn of those before it. */
  private mayBeTried(decision: i32, index: i32): bool {
    return index != this.overdue || decision < this.reached;
  }

  /** Gives back what was charged for the current message. */
  undoMessage(): void {
    this.undo(this.ofMessage);
  }

  /** Gives back all that was charged for the request. */
  undoAll(): void {
    this.undo(0);
  }

  /** Adds to the admission of the message of this index what is settled when its operation ends. */
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

  private takeRequest(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64): bool {
    const rate = rule.requests;
    if (!rate) return true;
    const allowances = this.ledger!.allowances;
    const scope = rule.scopeOf(LimitKind.Requests);
    if (!allowances.take(scope, key, owner, 1, rate, this.nowNs)) {
      const isExact = this.keys.isIdentifying && !allowances.isShared;
      const rejection = this.rejection;
      rejection.set(rule, index, LimitKind.Requests, allowances.retryAfterNs, allowances.remaining, isExact);
      // A batch of more than can be admitted at once never is.
      rejection.isTooMuch = <u32>message >= rate.burst;
      return false;
    }
    if (allowances.isShared) this.isShared = true;
    this.charges.add(LimitKind.Requests, index, message, allowances.id, owner);
    return true;
  }

  private takeRepeat(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64, call: Call): bool {
    const rate = rule.repeats;
    if (!rate || !this.isToolCall) return true;
    const repeats = this.ledger!.repeats;
    const scope = rule.scopeOf(LimitKind.Repeats);
    if (!repeats.take(scope, this.keys.repeatOf(key, call), owner, 1, rate, this.nowNs)) {
      const isExact = this.keys.isIdentifying && !repeats.isShared;
      this.rejection.set(rule, index, LimitKind.Repeats, repeats.retryAfterNs, repeats.remaining, isExact);
      return false;
    }
    if (repeats.isShared) this.isShared = true;
    this.charges.add(LimitKind.Repeats, index, message, repeats.id, owner);
    return true;
  }

  private takePermit(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64): bool {
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

  private takeTokens(rule: LimitRule, index: i32, message: i32, key: u64, owner: u64): bool {
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

  /** Gives back the charges from this index on. */
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

  /** Gives back a permit. Those who wait for more of the same are not woken: the request was one of them, and did not get enough.
   *  Of two that need more than is free, each would wake the other one for ever. */
  private giveBack(charge: Charge): void {
    const ledger = this.ledger!;
    const rejection = this.rejection;
    const isAwaitedHere = charge.rule == rejection.index && lineOf(charge.key) == rejection.line;
    if (isAwaitedHere) ledger.permits.release(charge.key, ledger.permits.holder);
    else ledger.giveBack(charge.key, ledger.permits.holder);
  }
}
