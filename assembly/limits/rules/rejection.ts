import { LimitKind, LimitRule } from "./limit_rule";

/** Why a request is rejected. */
export class Rejection {
  rule: LimitRule | null = null;
  /** The index of the rule. */
  index: i32 = 0;
  kind: LimitKind = LimitKind.Requests;
  /** When it would be admitted, if nobody else is; 0: never, since it asks for more at once than there can be. Valid where
   *  `isExact`. */
  retryAfterNs: u64 = 0;
  remaining: u32 = 0;
  /** Nobody but the caller uses the allowance: exact numbers tell nothing of others. */
  isExact: bool = false;

  set(rule: LimitRule, index: i32, kind: LimitKind, retryAfterNs: u64, remaining: u32, isExact: bool): void {
    this.rule = rule;
    this.index = index;
    this.kind = kind;
    this.retryAfterNs = retryAfterNs;
    this.remaining = remaining;
    this.isExact = isExact;
  }

  /** The rejected batch has at most `count` more requests, for which the rule must have room as well. */
  addMessages(count: i32): void {
    if (this.kind != LimitKind.Requests || !this.retryAfterNs) return;
    this.retryAfterNs += this.rule!.requests!.timeFor(count);
  }
}
