import { GateRequest } from "../../gate/stage/request";
import { EDIT, PASS, Verdict } from "../../gate/stage/verdict";
import { Servers } from "../../identity/servers";
import { Token } from "../../json/token";
import { IdKind } from "../../jsonrpc/id";
import { LimitDecision } from "../../mcp/protocol/limit_decision";
import { Method, methodOf } from "../../mcp/protocol/methods";
import { Admission } from "../../mcp/state/admission";
import { CheckedRequest } from "../../rules/checked_request";
import { Call } from "../../rules/message/call";
import { RequestRefusal } from "../../rules/message/refusal";
import { Slot } from "../../rules/message/slots";
import { messageIdHash, messageIdKind } from "../../rules/message_id";
import { MessageForm, StrictReader } from "../../rules/message/strict_reader";
import { MessageJudge } from "../../rules/message_judge";
import { Charger, decisionOf } from "./charger";
import { Decisions } from "./decisions";
import { Wait } from "../queue/wait";
import { Waiter } from "../queue/waiter";
import { HandOn } from "../hand_on/hand_on";
import { Ledger } from "../ledger/ledger";
import { LimitAnswers } from "./limit_answers";
import { LimitFacts } from "./limit_facts";
import { LimitLog } from "./limit_log";
import { LimitRules } from "../rules/limit_rules";
import { LimitedMessages } from "../rules/limited_messages";
import { SpecialLimit } from "../rules/special_limit";

/** Decides messages by the limits: every rule that applies must admit a request. */
export class LimitJudge extends MessageJudge {
  private call: Call = new Call();
  /** What the rules have decided about the current request. */
  private decisions: Decisions = new Decisions();
  /** What the current request waits for, if it does not wait for too long. */
  private wait: Wait = new Wait();
  private mayWait: bool = true;
  /** A rule in shadow mode would limit it: the log shows that rule. */
  private isShown: bool = false;
  /** Requests among its messages so far, without those that the access policy has rejected. */
  private count: i32 = 0;
  /** Those of the current batch that are rejected while others may pass. */
  private limited: LimitedMessages = new LimitedMessages();
  /** A message of the current batch would have to wait: those behind it are not decided. */
  private hasStopped: bool = false;
  /** The current batch must not wait, since there is no room. */
  private isDecidedAgain: bool = false;
  /** The gate answers the current batch, of which all is rejected. */
  private isAnswered: bool = false;

  constructor(
    private rules: LimitRules,
    private servers: Servers,
    private charger: Charger,
    private log: LimitLog,
    private answers: LimitAnswers,
    private handOn: HandOn,
  ) {
    super();
  }

  /** The request that follows has waited. `isOver`: it must not wait any longer. */
  beginWaiting(waiter: Waiter, isOver: bool): void {
    this.mayWait = !isOver;
    this.charger.beginWaiting(waiter.reached, isOver ? waiter.rule : -1);
  }

  /** Requests that follow have not waited. */
  endWaiting(): void {
    this.mayWait = true;
    this.charger.endWaiting();
  }

  /** Whether the last request that has waited is admitted where it was: as a whole, or but for messages that need not wait. */
  get isServed(): bool {
    return this.mayWait && !this.isDecidedAgain;
  }

  begin(check: CheckedRequest): void {
    this.isDecidedAgain = false;
    this.reset(check);
  }

  beginAgain(check: CheckedRequest): void {
    this.isDecidedAgain = true;
    this.reset(check);
  }

  private reset(check: CheckedRequest): void {
    const facts = factsOf(check);
    this.count = 0;
    this.limited.clear();
    this.hasStopped = false;
    this.isShown = false;
    this.decisions.clear();
    this.charger.begin(changetype<Ledger>(facts.ledger));
    if (!this.rules.needsServer) return;
    this.servers.resolve();
    this.call.setServer(this.servers.at, this.servers.isFallback ? 0 : this.servers.length);
  }

  /** Charges what rules take for the message. Notifications and answers are never limited. */
  decide(check: CheckedRequest, request: GateRequest, reader: StrictReader): bool {
    if (reader.form != MessageForm.Request || this.hasStopped) return false;
    this.call.setRequest(reader);
    const method = methodOf(reader.textAt(Slot.Method), reader.textLength(Slot.Method));
    const decided = this.decisions.length;
    if (this.admits(check, request, method, false)) return false;
    if (!reader.isBatch) return true;
    if (this.mayWaitNow) {
      this.hasStopped = true;
      return true;
    }
    this.charger.undoMessage();
    this.decisions.length = decided;
    this.limited.add(this.count - 1, this.charger.rejection);
    return true;
  }

  get hasDecidedAll(): bool {
    return !this.hasStopped;
  }

  /** Whether the request may wait for what has not admitted its last message. */
  private get mayWaitNow(): bool {
    const rejection = this.charger.rejection;
    return rejection.rule!.queue != null && this.mayWait && !this.isDecidedAgain && rejection.maySucceed;
  }

  /** Decides a stream that a GET opens. False where it is rejected: then the answers need no message. */
  admitsGet(check: CheckedRequest, request: GateRequest, method: usize, methodLength: i32): bool {
    this.begin(check);
    const call = this.call;
    call.reader = changetype<StrictReader>(0);
    call.method = method;
    call.methodLength = methodLength;
    const isAdmitted = this.admits(check, request, Method.Other, true);
    if (isAdmitted) {
      const facts = factsOf(check);
      const admission = Admission.take(IdKind.Absent, 0);
      this.charger.settleLater(0, admission);
      facts.admission = changetype<usize>(admission);
      this.report(request);
    } else {
      this.reject(check, request, null);
      this.log.count(request, null, this.charger.rejection.index);
    }
    return isAdmitted;
  }

  /** @param isGet whether the request opens a stream by GET: only rules are about those that name them. */
  private admits(check: CheckedRequest, request: GateRequest, method: Method, isGet: bool): bool {
    const facts = factsOf(check);
    const rules = this.rules.rules;
    const message = this.count++;
    this.charger.beginMessage(method);
    for (let i = 0; i < rules.length; i++) {
      const rule = unchecked(rules[i]);
      if (!load<u8>(check.matches + i) || !rule.covers(this.call, method)) continue;
      if (isGet && !rule.namesGet) continue;
      if (this.charger.charge(rule, i, message, request, facts, this.call)) {
        this.decisions.add(i, LimitDecision.Admitted, this.charger.isShared);
      } else if (rule.isShadow) {
        this.decisions.add(i, LimitDecision.ShadowLimited, false);
        this.log.limited(check, request, isGet ? null : this.call.reader, this.charger.rejection);
        this.isShown = true;
      } else {
        return false;
      }
    }
    return isGet || this.admitsCall(check, request, message);
  }

  /** Asks for a tool's call whether its server can do another one. */
  private admitsCall(check: CheckedRequest, request: GateRequest, message: i32): bool {
    const adaptive = this.rules.adaptive;
    const isAdmitted = this.charger.admitsCall(message, request, this.call);
    if (adaptive.isShadow && !isAdmitted) {
      this.decisions.add(SpecialLimit.Adaptive, LimitDecision.ShadowLimited, false);
      if (!this.isShown) this.log.limited(check, request, this.call.reader, this.charger.rejection);
    } else if (!adaptive.isShadow && isAdmitted && this.charger.isToolCall) {
      this.decisions.add(SpecialLimit.Adaptive, LimitDecision.Admitted, false);
    }
    return isAdmitted || adaptive.isShadow;
  }

  waits(check: CheckedRequest, request: GateRequest, reader: StrictReader): bool {
    const rejection = this.charger.rejection;
    if ((reader.isBatch && !this.hasStopped) || !this.mayWaitNow) return false;
    const queue = rejection.rule!.queue!;
    this.charger.undoAll();
    const wait = this.wait;
    wait.key = rejection.line;
    wait.rule = rejection.index;
    wait.kind = rejection.kind;
    wait.retryAfterNs = rejection.leastWaitNs;
    wait.maxWaitMs = queue.maxWaitMs;
    wait.maxLength = queue.maxLength;
    wait.isShared = rejection.index != SpecialLimit.Adaptive;
    // The rejected message is the last one that was decided.
    const reached = decisionOf(this.count - 1, rejection.index);
    const facts = factsOf(check);
    const queues = changetype<Ledger>(facts.ledger).queues;
    if (facts.waiter) {
      const known = changetype<Waiter>(facts.waiter);
      const key = known.key;
      if (!queues.keep(known, wait)) return false;
      known.reached = max(known.reached, reached);
      if (known.key != key) this.log.queued(request, reader, rejection.index);
      return true;
    }
    const waiter = queues.add(request, check, wait);
    if (!waiter) return false;
    waiter.reached = reached;
    facts.waiter = changetype<usize>(waiter);
    request.exchange.stream.isQueued = true;
    this.log.queued(request, reader, rejection.index);
    return true;
  }

  concludeMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader, isRejected: bool): Verdict {
    if (!isRejected) {
      if (reader.form == MessageForm.Request) this.keep(request, reader, 0);
      this.report(request);
      this.hand(check, request, reader);
      return PASS;
    }
    const rejection = this.charger.rejection;
    this.reject(check, request, reader);
    this.log.count(request, reader, rejection.index);
    if (check.isRewritable) {
      this.answers.reject(check, request, reader, rejection);
      return EDIT;
    }
    this.answers.begin(false);
    this.answers.add(reader, rejection);
    return this.answers.finish(check, rejection);
  }

  beginBatch(isAnswered: bool): void {
    this.isAnswered = isAnswered;
    this.count = 0;
    if (isAnswered) this.answers.begin(true);
  }

  batchMessage(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    if (reader.form != MessageForm.Request) return;
    const message = this.count++;
    const rejection = this.limited.find(message);
    if (!rejection) return this.keep(request, reader, message);
    this.log.limited(check, request, reader, rejection);
    this.log.count(request, reader, rejection.index);
    if (this.isAnswered) this.answers.add(reader, rejection);
    else this.answers.reject(check, request, reader, rejection);
  }

  rejectedEarlier(request: GateRequest, reader: StrictReader): void {
    this.answers.repeat(request, reader);
  }

  concludeBatch(check: CheckedRequest, request: GateRequest): Verdict {
    if (this.isAnswered) return this.answers.finish(check, this.limited.first);
    this.report(request);
    this.handOn.batch(request, check, this.count - this.limited.length);
    return this.limited.length ? EDIT : PASS;
  }

  refuse(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): Verdict {
    this.charger.undoAll();
    this.log.refused(check, request, refusal, member);
    return this.answers.refuse(check, refusal);
  }

  passing(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    if (this.decide(check, request, reader)) return;
    if (reader.form == MessageForm.Request) this.keep(request, reader, 0);
    this.report(request);
  }

  passed(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    if (!reader.isBatch) this.hand(check, request, reader);
    else this.handOn.batch(request, check, reader.count);
  }

  passingRefused(check: CheckedRequest, request: GateRequest, refusal: RequestRefusal, member: usize): void {
    this.log.refused(check, request, refusal, member);
  }

  /** Keeps the charges of the message of this index that its operation settles at its end. */
  private keep(request: GateRequest, reader: StrictReader, message: i32): void {
    if (!this.charger.settles(message)) return;
    const kind = messageIdKind(reader);
    const admission = Admission.take(kind, messageIdHash(reader, kind));
    this.charger.settleLater(message, admission);
    request.exchange.stream.addAdmission(admission);
  }

  /** Reports what the rules have decided about a request that passes. */
  private report(request: GateRequest): void {
    const decisions = this.decisions;
    if (decisions.length == 0) return;
    const stream = request.exchange.stream;
    const services = request.services;
    services.participants.serverOf(stream);
    for (let i = 0; i < decisions.length; i++) {
      services.events.limitDecided(stream, decisions.rule(i), decisions.decision(i));
      if (decisions.isShared(i)) services.events.limitShared(stream, decisions.rule(i));
    }
  }

  /** Hands on the only message of a request that passes. */
  private hand(check: CheckedRequest, request: GateRequest, reader: StrictReader): void {
    this.call.setRequest(reader);
    const facts = factsOf(check);
    this.handOn.message(request, check, this.call, changetype<Ledger>(facts.ledger).tools);
    if (reader.form != MessageForm.Request) return;
    facts.keepId(reader.textAt(Slot.Id), reader.textLength(Slot.Id), reader.token(Slot.Id) == Token.String);
  }

  private reject(check: CheckedRequest, request: GateRequest, reader: StrictReader | null): void {
    this.charger.undoAll();
    this.log.limited(check, request, reader, this.charger.rejection);
  }
}

function factsOf(check: CheckedRequest): LimitFacts {
  return changetype<LimitFacts>(check.facts);
}
