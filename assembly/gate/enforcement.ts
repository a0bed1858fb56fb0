import { BodyRewriter } from "../edit/request/body_rewriter";
import { RejectedRequest } from "../edit/request/rejected_request";
import { Clock } from "../host/clock";
import { Replies } from "../host/replies";
import { StreamControl } from "../host/stream_control";
import { Outcome } from "../mcp/protocol/outcome";
import { HeldBudget } from "./held_budget";
import { withOutcome } from "./outcome_headers";
import { LaterVerdicts } from "./stage/later_verdicts";
import { GateRequest, StageState } from "./stage/request";
import { stageOf } from "./stage/stage";
import { Verdict, VerdictKind } from "./stage/verdict";

/** Carries out the verdicts of stages. */
export class Enforcement extends LaterVerdicts {
  constructor(
    private replies: Replies,
    private streams: StreamControl,
    private budget: HeldBudget,
    private rewriter: BodyRewriter,
    private clock: Clock,
  ) {
    super();
  }

  /** Answers the request if the verdict says so. Host calls must refer to its stream. Returns false if the request
   *  is answered. */
  lets(request: GateRequest, verdict: Verdict): bool {
    if (verdict.kind != VerdictKind.Answer) return true;
    request.isAnswered = true;
    this.budget.remove(request);
    const exchange = request.exchange;
    exchange.reject(verdict.outcome, request.services);
    const headers = exchange.stream.showsHeaders ? withOutcome(verdict.headers!, exchange.stream) : verdict.headers!;
    this.replies.send(verdict.status, verdict.details, verdict.at, verdict.length, headers);
    return false;
  }

  /** Removes the messages that stages have rejected from the body of a request before it goes on. Host calls must
   *  refer to its stream, whose exchange has read the body. Returns false if the body cannot be rewritten and the
   *  request is answered instead. */
  rewrite(request: GateRequest): bool {
    const rewrites = request.rewrites;
    if (!rewrites) return true;
    this.shareErrors(request);
    if (this.rewriter.apply(rewrites, request.heldBytes)) return true;
    const state = changetype<StageState>(request.rejecting);
    return this.lets(request, stageOf(state).unwritable(state, request));
  }

  /** Leaves the errors for an HTTP+SSE request for the stream that carries its responses. */
  private shareErrors(request: GateRequest): void {
    const stream = request.exchange.stream;
    if (!stream.session.isHttpSse) return;
    const services = request.services;
    const session = services.sessions.keyOrNone(stream);
    const nowMs = this.clock.milliseconds;
    for (let at = request.firstRejected; at; at = changetype<RejectedRequest>(at).next) {
      const rejected = changetype<RejectedRequest>(at);
      if (!rejected.length) continue;
      services.rejections.add(session, rejected.idHash, rejected.error, rejected.length, nowMs);
    }
  }

  open(request: GateRequest): bool {
    return !request.isAnswered && this.streams.makeCurrent(request.stream);
  }

  decide(request: GateRequest, state: StageState, verdict: Verdict): void {
    if (!this.lets(request, verdict)) return;
    state.holds = verdict.kind == VerdictKind.Hold;
    if (request.isHeld) return;
    this.budget.remove(request);
    if (verdict.kind == VerdictKind.Edit) this.rejectLater(request);
    if (!this.rewrite(request)) return;
    request.exchange.admit(request.services);
    this.streams.continueRequest();
  }

  /** Rejects, in the exchange, the waiting messages that limits have rejected. */
  private rejectLater(request: GateRequest): void {
    const exchange = request.exchange;
    for (let at = request.firstRejected; at; at = changetype<RejectedRequest>(at).next) {
      const rejected = changetype<RejectedRequest>(at);
      if (rejected.outcome != Outcome.Limited) continue;
      exchange.rejectOne(rejected.idKind, rejected.idHash, rejected.outcome, request.services);
    }
  }
}
