import { Replies } from "../host/replies";
import { GateRequest } from "./stage/request";
import { Verdict, VerdictKind } from "./stage/verdict";

/** Carries out verdicts. */
export class Enforcement {
  constructor(private replies: Replies) {}

  /** Answers the request if the verdict says so: host calls must refer to its stream. False where it is answered. */
  lets(request: GateRequest, verdict: Verdict): bool {
    if (verdict.kind != VerdictKind.Answer) return true;
    request.isAnswered = true;
    request.exchange.deny(request.unit);
    this.replies.send(verdict.status, verdict.details, verdict.at, verdict.length, verdict.headers!);
    return false;
  }
}
