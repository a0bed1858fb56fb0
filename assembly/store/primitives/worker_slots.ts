import { isWithin } from "../../memory/elapsed";
import { Store } from "./store";

const SLOTS: i32 = 256;
/** The layout of the value: owner and heartbeat, u64 each; then pairs of a number's name and the number, u32 each. */
const OWNER_AT: usize = 0;
const BEAT_AT_MS: usize = 8;
const HEAD: i32 = 16;
const NAME_AT: usize = 0;
const NUMBER_AT: usize = 4;
const PAIR: i32 = 8;
/** The count of numbers that {@link WorkerSlots.observe} stores for each slot. */
const OBSERVED: i32 = 3;
/** The age of a heartbeat from which a slot is dead: three ticks. */
const DEAD_AFTER_MS: u64 = 3500;

/** Receives published numbers that {@link WorkerSlots.sum} does not add up. */
export abstract class NumberListener {
  /** A live worker has published this number. The store must not be used during the call. */
  abstract published(name: u32, number: u32): void;
}

/**
 * One slot for each live worker, in which it publishes numbers about itself, such as open streams and operations in flight.
 * The heartbeat of a worker that traps or is replaced stops, and its numbers are no longer counted.
 */
export class WorkerSlots {
  private mine: i32 = -1;
  /** For each occupied slot that {@link observe} read: the owner, the heartbeat, and 1 if the owner is alive. */
  private observed: StaticArray<u64> = new StaticArray<u64>(0);
  private observedCount: i32 = 0;

  constructor(private shared: Store) {}

  /** Whether this worker has a slot. Then {@link number} is the slot's number, from 0 to 255. */
  get isOwned(): bool {
    return this.mine >= 0;
  }

  get number(): i32 {
    return this.mine;
  }

  /** Assigns this worker a slot, if it has none, before the first tick publishes. False if no slot is free. */
  claim(nowMs: u64): bool {
    if (this.mine >= 0) return true;
    if (this.begin(nowMs)) this.end();
    return this.mine >= 0;
  }

  /** Starts publishing. Then {@link put} each number and call {@link end}. False if no slot is free. */
  begin(nowMs: u64): bool {
    const shared = this.shared;
    if (this.mine >= 0) {
      shared.load("slot", this.mine);
      if (shared.length < HEAD || load<u64>(shared.page, OWNER_AT) != shared.self) this.mine = -1;
    }
    const from = <i32>(shared.self & (SLOTS - 1));
    for (let i = 0; i < SLOTS && this.mine < 0; i++) {
      const slot = (from + i) & (SLOTS - 1);
      shared.load("slot", slot);
      if (!isLive(shared, nowMs)) this.mine = slot;
    }
    if (this.mine < 0) return false;
    store<u64>(shared.page, shared.self, OWNER_AT);
    store<u64>(shared.page, nowMs, BEAT_AT_MS);
    shared.length = HEAD;
    return true;
  }

  /** Adds a number to those being published. */
  put(name: u32, value: u32): void {
    const at = this.shared.page + this.shared.length;
    store<u32>(at, name, NAME_AT);
    store<u32>(at, value, NUMBER_AT);
    this.shared.length += PAIR;
  }

  /** Publishes the numbers. If another worker has taken the slot, this worker gets another one next time. */
  end(): void {
    if (!this.shared.save()) this.mine = -1;
  }

  /** Reads the owners and heartbeats of all slots, for {@link silentSince}. */
  observe(nowMs: u64): void {
    const shared = this.shared;
    if (!this.observed.length) this.observed = new StaticArray<u64>(OBSERVED * SLOTS);
    this.observedCount = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      shared.load("slot", slot);
      if (shared.length < HEAD) continue;
      const at = OBSERVED * this.observedCount++;
      this.observed[at] = load<u64>(shared.page, OWNER_AT);
      this.observed[at + 1] = load<u64>(shared.page, BEAT_AT_MS);
      this.observed[at + 2] = isLive(shared, nowMs) ? 1 : 0;
    }
  }

  /** The time of the latest heartbeat of the worker with this {@link Store.self}, in milliseconds, if it was dead when the
   *  slots were observed; 1 if it had no slot; 0 if it was alive. A worker briefly seems dead when the clock is set. It is
   *  dead if the result is still the same some ticks later. */
  silentSince(self: u64): u64 {
    let latest: u64 = 1;
    for (let i = 0; i < this.observedCount; i++) {
      const at = OBSERVED * i;
      if (this.observed[at] != self) continue;
      if (this.observed[at + 2]) return 0;
      latest = max(latest, this.observed[at + 1]);
    }
    return latest;
  }

  /** Adds the numbers of all live slots to `sums`, indexed by name. Numbers with names beyond the array go to the listener. */
  sum(nowMs: u64, sums: StaticArray<u32>, listener: NumberListener): void {
    const shared = this.shared;
    for (let slot = 0; slot < SLOTS; slot++) {
      shared.load("slot", slot);
      if (!isLive(shared, nowMs)) continue;
      for (let at = HEAD; at + PAIR <= shared.length; at += PAIR) {
        const name = load<u32>(shared.page + at, NAME_AT);
        const number = load<u32>(shared.page + at, NUMBER_AT);
        if (name < <u32>sums.length) sums[name] += number;
        else listener.published(name, number);
      }
    }
  }
}

/** Whether the loaded slot has a recent heartbeat. One far in the future was written before the clock was set back. */
function isLive(shared: Store, nowMs: u64): bool {
  return shared.length >= HEAD && isWithin(DEAD_AFTER_MS, load<u64>(shared.page, BEAT_AT_MS), nowMs);
}
