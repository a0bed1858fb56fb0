/** Label values for rejections that no rule of the limits makes. Indices of rules are lower. */
export enum SpecialLimit {
  /** The messages of the request cannot be decided. */
  Refused = 64,
  /** The plugin holds too many requests, in total or for this caller. */
  Held,
  /** Envoy's own rate limit filter, after this filter, has rejected the request. */
  Global,
  /** As many calls are in flight as the server, or its tool, can process at a time. */
  Adaptive,
}

const NAMES: string[] = ["_refused", "_held", "_global", "_adaptive"];

/** The name in metrics, logs and answers. */
export function specialLimitName(limit: SpecialLimit): string {
  return NAMES[limit - SpecialLimit.Refused];
}
