import { Replies } from "../host/replies";
import { StreamControl } from "../host/stream_control";
import { HeldBudget } from "./held_budget";
import { LaterVerdicts } from "./stage/later_verdicts";
import { GateRequest, StageState } from "./stage/request";
import { Verdict, VerdictKind } from "./stage/verdict";

/** Carries out verdicts. */
export class Enforcement extends LaterVerdicts {
  constructor(
    private replies: Replies,
    private streams: StreamControl,
    private budget: HeldBudget,
  ) {
    super();
  }

  /** Answers the request if the verdict says so: host calls must refer to its stream. False where it is answered. */
  lets(request: GateRequest, verdict: Verdict): bool {
    if (verdict.kind != VerdictKind.Answer) return true;
    request.isAnswered = true;
    this.budget.remove(request);
    request.exchange.reject(verdict.outcome, request.services);
    this.replies.send(verdict.status, verdict.details, verdict.at, verdict.length, verdict.headers!);
    return false;
  }

  open(request: GateRequest): bool {
    return !request.isAnswered && this.streams.makeCurrent(request.stream);
  }

  decide(request: GateRequest, state: StageState, verdict: Verdict): void {
    if (!this.lets(request, verdict)) return;
    state.holds = verdict.kind == VerdictKind.Hold;
    if (request.isHeld) return;
    this.budget.remove(request);
    request.exchange.admit(request.services);
    this.streams.continueRequest();
  }
}
