import { GateRequest } from "../../gate/stage/request";
import { EDIT, PASS, Verdict } from "../../gate/stage/verdict";
import { Servers } from "../../identity/servers";
import { Token } from "../../json/token";
import { IdKind } from "../../jsonrpc/id";
import { LimitDecision } from "../../mcp/protocol/limit_decision";
import { Method, methodOf } from "../../mcp/protocol/methods";
import { Admission } from "../../mcp/state/admission";
import { RequestState } from "../../rules/request_state";
import { RuleInput } from "../../rules/message/rule_input";
import { RequestFault } from "../../rules/message/request_fault";
import { MemberSlot } from "../../rules/message/deciding_keys";
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
import { LimitReporter } from "./limit_reporter";
import { LimitRules } from "../rules/limit_rules";
import { LimitedMessages } from "../rules/limited_messages";
import { SpecialLimit } from "../rules/special_limit";

/** Decides about messages by the limits: every rule that covers a request must admit it. */
export class LimitJudge extends MessageJudge {
  private input: RuleInput = new RuleInput();
  /** The decisions of the rules about the current request. */
  private decisions: Decisions = new Decisions();
  /** What the current request waits for, and whether it may still wait. */
  private wait: Wait = new Wait();
  private mayWait: bool = true;
  /** A rule in shadow mode would limit the request, and the access log shows that rule. */
  private isShown: bool = false;
  /** Number of requests among its messages so far, without those that the access policy has rejected. */
  private count: i32 = 0;
  /** The messages of the current batch that are rejected while others may pass. */
  private limited: LimitedMessages = new LimitedMessages();
  /** A message of the current batch would have to wait. Later messages are not decided. */
  private hasStopped: bool = false;
  /** The current batch must not wait, because there is no room. */
  private isDecidedAgain: bool = false;
  /** The gate answers the current batch, all messages of which are rejected. */
  private isAnswered: bool = false;

  constructor(
    private rules: LimitRules,
    private servers: Servers,
    private charger: Charger,
    private reporter: LimitReporter,
    private answers: LimitAnswers,
    private handOn: HandOn,
  ) {
    super();
  }

  /** Sets that the following request has waited. `isOver`: it must not wait any longer. */
  beginWaiting(waiter: Waiter, isOver: bool): void {
    this.mayWait = !isOver;
    this.charger.beginWaiting(waiter.reached, isOver ? waiter.rule : -1);
  }

  /** Sets that the following requests have not waited. */
  endWaiting(): void {
    this.mayWait = true;
    this.charger.endWaiting();
  }

  /** Whether the last request that has waited was admitted in its place: as a whole, or without messages that need
   *  not wait. */
  get isServed(): bool {
    return this.mayWait && !this.isDecidedAgain;
  }

  begin(state: RequestState): void {
    this.isDecidedAgain = false;
    this.reset(state);
  }

  beginAgain(state: RequestState): void {
    this.isDecidedAgain = true;
    this.reset(state);
  }

  private reset(state: RequestState): void {
    const facts = factsOf(state);
    this.count = 0;
    this.limited.clear();
    this.hasStopped = false;
    this.isShown = false;
    this.decisions.clear();
    this.charger.begin(changetype<Ledger>(facts.ledger));
    if (!this.rules.needsServer) return;
    this.servers.resolve();
    this.input.setServer(this.servers.at, this.servers.isFallback ? 0 : this.servers.length);
  }

  /** Charges the rules for the message. Notifications and responses are never limited. */
  decide(state: RequestState, request: GateRequest, reader: StrictReader): bool {
    if (reader.form != MessageForm.Request || this.hasStopped) return false;
    this.input.setRequest(reader);
    const method = methodOf(reader.textAt(MemberSlot.Method), reader.textLength(MemberSlot.Method));
    const decided = this.decisions.length;
    if (this.admits(state, request, method, false)) return false;
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

  /** Decides about a stream opened by GET. Returns false if it is rejected. */
  admitsGet(state: RequestState, request: GateRequest, method: usize, methodLength: i32): bool {
    this.begin(state);
    const input = this.input;
    input.reader = changetype<StrictReader>(0);
    input.method = method;
    input.methodLength = methodLength;
    const isAdmitted = this.admits(state, request, Method.Other, true);
    if (isAdmitted) {
      const facts = factsOf(state);
      const admission = Admission.acquire(IdKind.Absent, 0);
      this.charger.settleLater(0, admission);
      facts.admission = changetype<usize>(admission);
      this.report(request);
    } else {
      this.reject(state, request, null);
      this.reporter.count(request, null, this.charger.rejection.index);
    }
    return isAdmitted;
  }

  /** @param isGet whether the request opens a stream by GET; only rules that name such streams cover it */
  private admits(state: RequestState, request: GateRequest, method: Method, isGet: bool): bool {
    const facts = factsOf(state);
    const rules = this.rules.rules;
    const message = this.count++;
    this.charger.beginMessage(method);
    for (let i = 0; i < rules.length; i++) {
      const rule = unchecked(rules[i]);
      if (!load<u8>(state.matches + i) || !rule.covers(this.input, method)) continue;
      if (isGet && !rule.namesGet) continue;
      if (this.charger.charge(rule, i, message, request, facts, this.input)) {
        this.decisions.add(i, LimitDecision.Admitted, this.charger.isShared);
      } else if (rule.isShadow) {
        this.decisions.add(i, LimitDecision.ShadowLimited, false);
        this.reporter.limited(state, request, isGet ? null : this.input.reader, this.charger.rejection);
        this.isShown = true;
      } else {
        return false;
      }
    }
    return isGet || this.admitsCall(state, request, message);
  }

  /** Whether the server can process a tool call. True for other messages. */
  private admitsCall(state: RequestState, request: GateRequest, message: i32): bool {
    const adaptive = this.rules.adaptive;
    const isAdmitted = this.charger.admitsCall(message, request, this.input);
    if (adaptive.isShadow && !isAdmitted) {
      this.decisions.add(SpecialLimit.Adaptive, LimitDecision.ShadowLimited, false);
      if (!this.isShown) this.reporter.limited(state, request, this.input.reader, this.charger.rejection);
    } else if (!adaptive.isShadow && isAdmitted && this.charger.isToolCall) {
      this.decisions.add(SpecialLimit.Adaptive, LimitDecision.Admitted, false);
    }
    return isAdmitted || adaptive.isShadow;
  }

  waits(state: RequestState, request: GateRequest, reader: StrictReader): bool {
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
    const facts = factsOf(state);
    const queues = changetype<Ledger>(facts.ledger).queues;
    if (facts.waiter) {
      const known = changetype<Waiter>(facts.waiter);
      const key = known.key;
      if (!queues.keep(known, wait)) return false;
      known.reached = max(known.reached, reached);
      if (known.key != key) this.reporter.queued(request, reader, rejection.index);
      return true;
    }
    const waiter = queues.add(request, state, wait);
    if (!waiter) return false;
    waiter.reached = reached;
    facts.waiter = changetype<usize>(waiter);
    request.exchange.stream.isQueued = true;
    this.reporter.queued(request, reader, rejection.index);
    return true;
  }

  concludeMessage(state: RequestState, request: GateRequest, reader: StrictReader, isRejected: bool): Verdict {
    if (!isRejected) {
      if (reader.form == MessageForm.Request) this.keep(request, reader, 0);
      this.report(request);
      this.hand(state, request, reader);
      return PASS;
    }
    const rejection = this.charger.rejection;
    this.reject(state, request, reader);
    this.reporter.count(request, reader, rejection.index);
    if (state.isRewritable) {
      this.answers.reject(state, request, reader, rejection);
      return EDIT;
    }
    this.answers.begin(false);
    this.answers.add(reader, rejection);
    return this.answers.finish(state, rejection);
  }

  beginBatch(isAnswered: bool): void {
    this.isAnswered = isAnswered;
    this.count = 0;
    if (isAnswered) this.answers.begin(true);
  }

  batchMessage(state: RequestState, request: GateRequest, reader: StrictReader): void {
    if (reader.form != MessageForm.Request) return;
    const message = this.count++;
    const rejection = this.limited.find(message);
    if (!rejection) return this.keep(request, reader, message);
    this.reporter.limited(state, request, reader, rejection);
    this.reporter.count(request, reader, rejection.index);
    if (this.isAnswered) this.answers.add(reader, rejection);
    else this.answers.reject(state, request, reader, rejection);
  }

  rejectedEarlier(request: GateRequest, reader: StrictReader): void {
    this.answers.repeat(request, reader);
  }

  concludeBatch(state: RequestState, request: GateRequest): Verdict {
    if (this.isAnswered) return this.answers.finish(state, this.limited.first);
    this.report(request);
    this.handOn.batch(request, state, this.count - this.limited.length);
    return this.limited.length ? EDIT : PASS;
  }

  refuse(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): Verdict {
    this.charger.undoAll();
    this.reporter.refused(state, request, fault, member);
    return this.answers.refuse(state, fault);
  }

  passing(state: RequestState, request: GateRequest, reader: StrictReader): void {
    if (this.decide(state, request, reader)) return;
    if (reader.form == MessageForm.Request) this.keep(request, reader, 0);
    this.report(request);
  }

  passed(state: RequestState, request: GateRequest, reader: StrictReader): void {
    if (!reader.isBatch) this.hand(state, request, reader);
    else this.handOn.batch(request, state, reader.count);
  }

  passingFault(state: RequestState, request: GateRequest, fault: RequestFault, member: usize): void {
    this.reporter.refused(state, request, fault, member);
  }

  /** Keeps the charges for the message of this index that its operation settles at its end. */
  private keep(request: GateRequest, reader: StrictReader, message: i32): void {
    if (!this.charger.settles(message)) return;
    const kind = messageIdKind(reader);
    const admission = Admission.acquire(kind, messageIdHash(reader, kind));
    this.charger.settleLater(message, admission);
    request.exchange.stream.addAdmission(admission);
  }

  /** Reports the decisions of the rules about a passing request. */
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

  /** Describes the only message of a passing request to other filters. */
  private hand(state: RequestState, request: GateRequest, reader: StrictReader): void {
    this.input.setRequest(reader);
    const facts = factsOf(state);
    this.handOn.message(request, state, this.input, changetype<Ledger>(facts.ledger).tools);
    if (reader.form != MessageForm.Request) return;
    facts.keepId(
      reader.textAt(MemberSlot.Id),
      reader.textLength(MemberSlot.Id),
      reader.token(MemberSlot.Id) == Token.String,
    );
  }

  private reject(state: RequestState, request: GateRequest, reader: StrictReader | null): void {
    this.charger.undoAll();
    this.reporter.limited(state, request, reader, this.charger.rejection);
  }
}

function factsOf(state: RequestState): LimitFacts {
  return changetype<LimitFacts>(state.facts);
}
