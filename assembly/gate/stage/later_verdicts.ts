import { GateRequest, StageState } from "./request";
import { Verdict } from "./verdict";

/** Carries out the verdicts of stages that hold requests beyond their ends. */
export abstract class LaterVerdicts {
  /**
   * Passes or answers a request that the stage has held since it concluded it, in any callback of the plugin instance. At
   * most 32 answers a callback: Envoy sends them nested.
   * @param current the stream or plugin instance that host calls refer to, now and afterwards.
   */
  abstract decide(request: GateRequest, state: StageState, verdict: Verdict, current: u32): void;
}
