import { Allowances, WhenFull } from "../../../assembly/store/allowances";
import { Rate } from "../../../assembly/store/rate";
import { Store } from "../../../assembly/store/primitives/store";
import { openStore } from "./common/store";

let shared: Store = openStore(1, 0);
/** Set by {@link create}, since the constructor reads the store. */
let allowances: Allowances = changetype<Allowances>(0);
let rate: Rate = new Rate(1, 1, 1);

export function create(self: u64, space: i32, maxKeys: i32, evicts: bool): void {
  shared = openStore(self, space);
  allowances = new Allowances(shared, "limits", maxKeys, evicts ? WhenFull.EvictOwn : WhenFull.Share);
}

/** The rate of all following calls. */
export function setRate(amount: u32, perMs: u64, burst: u32): void {
  rate = new Rate(amount, perMs, burst);
}

export function spend(scope: u64, key: u64, owner: u64, count: u32, now: u64): bool {
  return allowances.spend(scope, key, owner, count, rate, now);
}

export function refund(id: u64, count: u32, spentAt: u64, now: u64): void {
  allowances.refund(id, count, rate, spentAt, now);
}

export function hasBalance(scope: u64, key: u64, owner: u64, now: u64): bool {
  return allowances.hasBalance(scope, key, owner, rate, now);
}

export function charge(scope: u64, key: u64, owner: u64, cost: u64, now: u64): bool {
  return allowances.charge(scope, key, owner, cost, rate, now);
}

export function id(): u64 {
  return allowances.id;
}

export function retryAfter(): u64 {
  return allowances.retryAfterNs;
}

export function remaining(): u32 {
  return allowances.remaining;
}

export function isShared(): bool {
  return allowances.isShared;
}

export function keys(): i32 {
  return allowances.keys;
}

export function readCount(): void {
  allowances.readCount();
}

/** Sweeps. True at the end of a round. */
export function sweep(now: u64): bool {
  return allowances.sweep(now);
}

/** The time in which an empty allowance refills, in nanoseconds. */
export function tolerance(): u64 {
  return rate.toleranceNs;
}

/** The time in which `count` units refill, in nanoseconds. */
export function timeFor(count: u32): u64 {
  return rate.timeFor(count);
}

export function conflicts(): u32 {
  return shared.conflicts;
}

/** Takes one unit `times` times, one nanosecond apart, as far as allowed. For benchmarks. */
export function spendMany(scope: u64, key: u64, owner: u64, times: i32, now: u64): i32 {
  let spent = 0;
  for (let i = 0; i < times; i++) if (allowances.spend(scope, key, owner, 1, rate, now + i)) spent++;
  return spent;
}
