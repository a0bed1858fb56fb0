/** Whether a condition holds. The minimum of several results is their conjunction, the maximum their disjunction. */
export enum Match {
  No,
  /** The subject of the condition is missing, too long or of another type. This never allows, and always denies. */
  Unknown,
  Yes,
}

const NAMES: string[] = ["no", "unknown", "yes"];

export function matchName(match: Match): string {
  return NAMES[match];
}

/** The negation: unknown stays unknown. */
export function not(match: Match): Match {
  return Match.Yes - match;
}
