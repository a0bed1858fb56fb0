/** What a limit's rule decides about a request: the label `mcp_limit_decision`. */
export enum LimitDecision {
  Admitted,
  /** It waits until the rule admits it, or limits it after all, which is another decision. */
  Queued,
  Limited,
  /** It would be limited, were the rule not only tried out. */
  ShadowLimited,
}

export const LIMIT_DECISION_COUNT: i32 = LimitDecision.ShadowLimited + 1;

const NAMES: string[] = ["admitted", "queued", "limited", "shadow_limited"];

export function limitDecisionName(decision: LimitDecision): string {
  return NAMES[decision];
}
