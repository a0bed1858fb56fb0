/** Whether a condition holds. The least of several is what all of them together come to, the greatest what one of them
 *  does. */
export enum Match {
  No,
  /** It cannot be told: what it is about is missing, too long or of another kind. This never allows, and always denies. */
  Unknown,
  Yes,
}

const NAMES: string[] = ["no", "unknown", "yes"];

/** The name of a match in logs. */
export function matchName(match: Match): string {
  return NAMES[match];
}

/** Whether it does not hold. */
export function not(match: Match): Match {
  return Match.Yes - match;
}
