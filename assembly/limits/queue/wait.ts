import { LimitKind } from "../rules/limit_rule";

/** What a request waits for. */
export class Wait {
  /** Of the line: equal for requests that wait for the same. */
  key: u64 = 0;
  /** The index of the rule, and the kind of limit that did not admit the request. */
  rule: i32 = 0;
  kind: LimitKind = LimitKind.Requests;
  /** How long it will take at least, in nanoseconds; 0 where something must be released first. */
  retryAfterNs: u64 = 0;
  maxWaitMs: u32 = 0;
  /** Requests in the line of this worker, at most. */
  maxLength: u32 = 0;
  /** Requests on other workers may wait for the same. */
  isShared: bool = false;
}
