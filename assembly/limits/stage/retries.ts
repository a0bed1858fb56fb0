import { LaterVerdicts } from "../../gate/stage/later_verdicts";
import { GateRequest } from "../../gate/stage/request";
import { Verdict, VerdictKind } from "../../gate/stage/verdict";
import { RequestState } from "../../rules/request_state";
import { HeldBody } from "../../rules/held_body";
import { Decider } from "../queue/decider";
import { Waiter } from "../queue/waiter";
import { Ledger } from "../ledger/ledger";
import { LimitAnswers } from "./limit_answers";
import { LimitFacts } from "./limit_facts";
import { LimitJudge } from "./limit_judge";
import { LimitReporter } from "./limit_reporter";

/** Decides about waiting requests again, from their messages. */
export class Retries extends Decider {
  constructor(
    private later: LaterVerdicts,
    private judge: LimitJudge,
    private held: HeldBody,
    private answers: LimitAnswers,
    private reporter: LimitReporter,
  ) {
    super();
  }

  decide(waiter: Waiter, isOver: bool): bool {
    const request = waiter.request;
    const state = waiter.state;
    const key = waiter.key;
    if (!this.later.open(request)) {
      this.end(waiter, false);
      return true;
    }
    const verdict = this.verdictOf(waiter, request, state, isOver);
    if (verdict.kind == VerdictKind.Hold) {
      this.judge.endWaiting();
      return waiter.key != key;
    }
    const isServed = verdict.kind == VerdictKind.Pass || (verdict.kind == VerdictKind.Edit && this.judge.isServed);
    this.judge.endWaiting();
    this.end(waiter, isServed);
    this.later.decide(request, state, verdict);
    return true;
  }

  left(waiter: Waiter): void {
    this.reporter.left(waiter.request, waiter.rule, waiter.beganAt);
  }

  /** Handles the end of the stream of a waiting request. Host calls refer to it. */
  abandon(waiter: Waiter): void {
    this.end(waiter, false);
  }

  private verdictOf(waiter: Waiter, request: GateRequest, state: RequestState, isOver: bool): Verdict {
    const isCancelled = waiter.isCancelled || request.services.pairing.isOnlyCancelled(request.exchange.stream);
    if (isCancelled) return this.answers.cancelled(state);
    this.judge.beginWaiting(waiter, isOver);
    return this.held.conclude(state, request);
  }

  /** Ends the wait of a request. */
  private end(waiter: Waiter, isServed: bool): void {
    const facts = changetype<LimitFacts>(waiter.state.facts);
    facts.waiter = 0;
    this.reporter.waited(waiter.arrivedAt);
    changetype<Ledger>(facts.ledger).queues.remove(waiter, isServed);
  }
}
