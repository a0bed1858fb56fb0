/** Label values for decisions that no rule of the policy makes. Indices of rules are lower. */
export enum SpecialRule {
  /** The policy's default action. */
  Default = 120,
  /** The request cannot be decided. */
  Refused,
  /** The policy is invalid, and there was none before. */
  Closed,
  /** The policy does not cover the path. */
  Unchecked,
  /** The policy of a newer configuration denies the request. An instance with an older configuration applies that
   *  policy too. */
  Newer,
  /** The tool's definition differs from the pinned one. */
  Pin,
}

const NAMES: string[] = ["_default", "_refused", "_closed", "_unchecked", "_newer", "_pin"];

/** The name in metrics, logs and answers. */
export function specialRuleName(rule: SpecialRule): string {
  return NAMES[rule - SpecialRule.Default];
}
