/** What rejects a request where no rule of the limits does. Rules have lower indices. */
export enum SpecialLimit {
  /** Its messages cannot be decided. */
  Refused = 64,
  /** The worker, or the caller, has too many requests held. */
  Held,
  /** Envoy's own rate limit, behind this filter, has rejected it. */
  Global,
  /** As many calls are in flight as the server, or its tool, can do at a time. */
  Adaptive,
}

const NAMES: string[] = ["_refused", "_held", "_global", "_adaptive"];

/** The name that metrics, logs and answers show. */
export function specialLimitName(limit: SpecialLimit): string {
  return NAMES[limit - SpecialLimit.Refused];
}
