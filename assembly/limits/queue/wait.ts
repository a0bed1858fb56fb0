import { LimitKind } from "../rules/limit_rule";

/** What a request waits for. */
export class Wait {
  /** Key of the line, equal for requests that wait for the same. */
  key: u64 = 0;
  /** Index of the rule that did not admit the request, and the kind of limit. */
  rule: i32 = 0;
  kind: LimitKind = LimitKind.Requests;
  /** Minimum wait in nanoseconds; 0 if something must be released first. */
  retryAfterNs: u64 = 0;
  maxWaitMs: u32 = 0;
  /** Maximum number of requests in the line of this worker. */
  maxLength: u32 = 0;
  /** Requests on other workers may wait for the same key. */
  isShared: bool = false;
}
