import { GateRequest, StageState } from "./request";
import { Verdict } from "./verdict";

/** Carries out, in later turns, the verdicts of stages that hold requests beyond their ends: see {@link Turns}. */
export abstract class LaterVerdicts {
  /** Makes host calls refer to the request's stream. Returns false if the stream no longer exists: then nothing can
   *  be decided. */
  abstract open(request: GateRequest): bool;

  /** Passes or answers a request that the stage has held since it concluded it, or keeps holding it. Host calls must
   *  refer to its stream: see {@link open}. */
  abstract decide(request: GateRequest, state: StageState, verdict: Verdict): void;
}
