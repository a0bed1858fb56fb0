import { mix } from "../../memory/bytes";
import { elapsed, isWithin } from "../../memory/elapsed";
import { neverZero } from "../../memory/keyed_hash";
import { Table } from "../../memory/table";
import { Marks } from "../../store/primitives/marks";

/** Maximum number of callers tracked at one time on a worker. */
const CAPACITY: i32 = 256;
/** Time in milliseconds after which a caller that was not limited again counts as no longer limited. */
const QUIET_MS: u64 = 10_000;
/** Maximum sizes in bytes of a kept principal and address. */
export const PRINCIPAL_SIZE: i32 = 256;
export const ADDRESS_SIZE: i32 = 64;

/** A caller that a rule limits. */
@unmanaged
export class LimitedCaller {
  /** Keys of the rule, and of the caller within it. */
  scope: u64;
  caller: u64;
  rule: i32;
  sinceMs: u64;
  lastMs: u64;
  /** This worker has reported the begin, and will report the end. */
  isReporter: bool;
  /** The caller was limited since the last tick. */
  isActive: bool;
  principalLength: i32;
  addressLength: i32;

  get principal(): usize {
    return changetype<usize>(this) + offsetof<LimitedCaller>();
  }

  get address(): usize {
    return this.principal + <usize>PRINCIPAL_SIZE;
  }

  keep(principal: usize, principalLength: i32, address: usize, addressLength: i32): void {
    this.principalLength = min(principalLength, PRINCIPAL_SIZE);
    this.addressLength = min(addressLength, ADDRESS_SIZE);
    memory.copy(this.principal, principal, this.principalLength);
    memory.copy(this.address, address, this.addressLength);
  }
}

const SIZE: i32 = offsetof<LimitedCaller>() + PRINCIPAL_SIZE + ADDRESS_SIZE;

/** Receives callers that are no longer limited. */
export abstract class LimitedCallerListener {
  abstract stopped(caller: LimitedCaller, durationMs: u64): void;
}

/** The callers that rules currently limit, on all workers. One worker reports when that begins and when it ends. */
export class LimitedCallers {
  private bytes: StaticArray<u8> | null = null;
  private count: i32 = 0;
  /** Index of each caller plus one, by scope and caller. */
  private byKey: Table = new Table(64);

  /** @param marks when callers were last limited, in milliseconds */
  constructor(private marks: Marks) {}

  /** Records that a caller is limited. Returns the caller if that has just begun and this worker must report it;
   *  otherwise null. */
  limited(scope: u64, caller: u64, rule: i32, nowMs: u64): LimitedCaller | null {
    const known = <i32>this.byKey.get(keyOf(scope, caller));
    if (known) {
      const one = this.get(known - 1);
      one.lastMs = nowMs;
      one.isActive = true;
      return null;
    }
    if (this.count == CAPACITY) return null;
    const lastMs = this.marks.get(scope, caller);
    const isNew = !lastMs || !isWithin(QUIET_MS, lastMs, nowMs);
    const one = this.add(scope, caller, rule, nowMs);
    one.isReporter = isNew && this.marks.replace(scope, caller, lastMs, nowMs);
    return one.isReporter ? one : null;
  }

  /** Called on each tick. */
  tick(nowMs: u64, listener: LimitedCallerListener): void {
    for (let i = this.count - 1; i >= 0; i--) {
      const one = this.get(i);
      if (one.isActive) {
        one.isActive = false;
        this.marks.set(one.scope, one.caller, one.lastMs);
        continue;
      }
      if (!one.isReporter) {
        this.remove(i);
        continue;
      }
      const lastMs = this.marks.get(one.scope, one.caller);
      if (isWithin(QUIET_MS, lastMs, nowMs)) continue;
      this.marks.replace(one.scope, one.caller, lastMs, 0);
      listener.stopped(one, elapsed(one.sinceMs, max(lastMs, one.lastMs)));
      this.remove(i);
    }
  }

  private add(scope: u64, caller: u64, rule: i32, nowMs: u64): LimitedCaller {
    if (!this.bytes) this.bytes = new StaticArray<u8>(CAPACITY * SIZE);
    const one = this.get(this.count++);
    one.scope = scope;
    one.caller = caller;
    one.rule = rule;
    one.sinceMs = nowMs;
    one.lastMs = nowMs;
    one.isActive = true;
    one.isReporter = false;
    one.principalLength = 0;
    one.addressLength = 0;
    this.byKey.set(keyOf(scope, caller), this.count);
    return one;
  }

  private remove(index: i32): void {
    const one = this.get(index);
    this.byKey.delete(keyOf(one.scope, one.caller));
    const last = this.get(--this.count);
    if (last == one) return;
    memory.copy(changetype<usize>(one), changetype<usize>(last), SIZE);
    this.byKey.set(keyOf(one.scope, one.caller), index + 1);
  }

  private get(index: i32): LimitedCaller {
    return changetype<LimitedCaller>(changetype<usize>(this.bytes!) + index * SIZE);
  }
}

function keyOf(scope: u64, caller: u64): u64 {
  return neverZero(mix(scope ^ mix(caller)));
}
