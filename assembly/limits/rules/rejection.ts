import { LimitKind, LimitRule } from "./limit_rule";

/** Why a request is rejected. */
export class Rejection {
  rule: LimitRule | null = null;
  /** Index of the rule. */
  index: i32 = 0;
  kind: LimitKind = LimitKind.Requests;
  /** Time in nanoseconds until the request could be admitted if no other is; 0 if never. */
  retryAfterNs: u64 = 0;
  /** The request and earlier messages of its batch together exceed what the rule can ever admit at once. */
  isTooMuch: bool = false;
  /** Index in its batch of a request that is rejected by itself. */
  message: i32 = 0;
  remaining: u32 = 0;
  /** The limit, if it is not in the rule; otherwise 0. */
  limit: u32 = 0;
  /** Key of the line for what did not admit the request. Valid if the rule has a queue. */
  line: u64 = 0;
  /** Others wait for it already. */
  isAwaited: bool = false;
  /** Only this caller uses the allowance, so exact numbers reveal nothing about others. */
  isExact: bool = false;

  set(rule: LimitRule, index: i32, kind: LimitKind, retryAfterNs: u64, remaining: u32, isExact: bool): void {
    this.rule = rule;
    this.index = index;
    this.kind = kind;
    this.retryAfterNs = retryAfterNs;
    this.remaining = remaining;
    this.isExact = isExact;
    this.isAwaited = false;
    this.isTooMuch = false;
    this.limit = 0;
  }

  copy(other: Rejection): void {
    const rule = other.rule!;
    this.set(rule, other.index, other.kind, other.retryAfterNs, other.remaining, other.isExact);
    this.limit = other.limit;
  }

  /** Whether the request may be admitted later, as a whole. */
  get maySucceed(): bool {
    return this.retryAfterNs != 0 && !this.isTooMuch;
  }

  /** Minimum wait in nanoseconds; 0 if something must be released first. */
  get leastWaitNs(): u64 {
    return this.isAwaited || this.kind == LimitKind.Concurrency ? 0 : this.retryAfterNs;
  }

  /** Adds the time for at most `count` other limited requests of the batch, which need capacity as well. */
  addMessages(count: i32): void {
    if (this.kind != LimitKind.Requests || !this.retryAfterNs) return;
    this.retryAfterNs += this.rule!.requests!.timeFor(count);
  }
}
