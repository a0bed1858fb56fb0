/** What decides where no rule of the access policy does. Rules have lower indices. */
export enum SpecialRule {
  /** The policy's default action. */
  Default = 120,
  /** The request cannot be decided. */
  Refused,
  /** The policy is invalid, and there was none before. */
  Closed,
  /** The policy is not about the path. */
  Unchecked,
  /** The policy of a newer configuration, which an instance with an older one applies too, denies the request. */
  Newer,
  /** The definition of the tool is not the pinned one. */
  Pin,
}

const NAMES: string[] = ["_default", "_refused", "_closed", "_unchecked", "_newer", "_pin"];

/** The name that metrics, logs and answers show. */
export function specialRuleName(rule: SpecialRule): string {
  return NAMES[rule - SpecialRule.Default];
}
