/** The decision of a limit's rule about a request: the label `mcp_limit_decision`. */
export enum LimitDecision {
  Admitted,
  /** The request waits until the rule admits or limits it, which is another decision. */
  Queued,
  Limited,
  /** Dry run: the request would be limited if the rule were enforced. */
  ShadowLimited,
}

export const LIMIT_DECISION_COUNT: i32 = LimitDecision.ShadowLimited + 1;

const NAMES: string[] = ["admitted", "queued", "limited", "shadow_limited"];

export function limitDecisionName(decision: LimitDecision): string {
  return NAMES[decision];
}
