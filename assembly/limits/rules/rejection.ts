import { LimitKind, LimitRule } from "./limit_rule";

/** Why a request is rejected. */
export class Rejection {
  rule: LimitRule | null = null;
  /** The index of the rule. */
  index: i32 = 0;
  kind: LimitKind = LimitKind.Requests;
  /** When it would be admitted by itself, if nobody else is; 0: not before something is released. Valid where `isExact`. */
  retryAfterNs: u64 = 0;
  /** With the messages of its batch before it, it asks for more at once than there can be. */
  isTooMuch: bool = false;
  /** The index of a request of a batch that is rejected by itself. */
  message: i32 = 0;
  remaining: u32 = 0;
  /** The limit, where the rule does not say it; else 0. */
  limit: u32 = 0;
  /** Of what did not admit the request: equal for requests that share it. Valid where the rule has a queue. */
  line: u64 = 0;
  /** Others wait for it already. */
  isAwaited: bool = false;
  /** Nobody but the caller uses the allowance: exact numbers tell nothing of others. */
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

  /** How long that takes at least, in nanoseconds; 0 where something must be released first. */
  get leastWaitNs(): u64 {
    return this.isAwaited || this.kind == LimitKind.Concurrency ? 0 : this.retryAfterNs;
  }

  /** The rule limits at most `count` other requests of the batch, for which it must have room as well. */
  addMessages(count: i32): void {
    if (this.kind != LimitKind.Requests || !this.retryAfterNs) return;
    this.retryAfterNs += this.rule!.requests!.timeFor(count);
  }
}
