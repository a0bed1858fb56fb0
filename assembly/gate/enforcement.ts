import { Replies } from "../host/replies";
import { StreamControl } from "../host/stream_control";
import { LaterVerdicts } from "./stage/later_verdicts";
import { GateRequest, StageState } from "./stage/request";
import { Verdict, VerdictKind } from "./stage/verdict";

/** Carries out verdicts. */
export class Enforcement extends LaterVerdicts {
  constructor(
    private replies: Replies,
    private streams: StreamControl,
  ) {
    super();
  }

  /** Answers the request if the verdict says so: host calls must refer to its stream. False where it is answered. */
  lets(request: GateRequest, verdict: Verdict): bool {
    if (verdict.kind != VerdictKind.Answer) return true;
    request.isAnswered = true;
    request.exchange.reject(verdict.outcome, request.services);
    this.replies.send(verdict.status, verdict.details, verdict.at, verdict.length, verdict.headers!);
    return false;
  }

  decide(request: GateRequest, state: StageState, verdict: Verdict, current: u32): void {
    // Of a stream that is gone, host calls would be about another one.
    if (request.isAnswered || !this.streams.makeCurrent(request.stream)) return;
    state.holds = false;
    if (this.lets(request, verdict) && !request.isHeld) this.streams.continueRequest();
    this.streams.makeCurrent(current);
  }
}
