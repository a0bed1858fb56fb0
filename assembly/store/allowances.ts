import { mix } from "../memory/bytes";
import { NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, elapsed } from "../memory/elapsed";
import { Rate } from "./rate";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** An allowance that has not refilled since it was used. An allowance without an entry is full. */
@unmanaged
class AllowanceEntry {
  /** Identifies the allowance: see {@link idOf}. */
  id: u64;
  /** The time when the allowance is full again: the theoretical arrival time of GCRA. */
  fullAtNs: u64;
  /** The low 32 bits of the owner's hash; 0 in shared entries. */
  owner: u32;
  /** The longest time that the allowance may need to refill. If it seems to need more, it was written before the clock was
   *  set back. */
  longestSeconds: u32;
}

const ENTRY_SIZE: i32 = 24;

if (
  offsetof<AllowanceEntry>("id") != 0 ||
  offsetof<AllowanceEntry>("fullAtNs") != 8 ||
  offsetof<AllowanceEntry>("owner") != 16 ||
  offsetof<AllowanceEntry>("longestSeconds") != 20 ||
  offsetof<AllowanceEntry>() != ENTRY_SIZE
)
  ERROR("The layout of AllowanceEntry has changed: see FORMAT.");

/** The level of an allowance, in the two lowest bits of its id. */
enum Level {
  /** One key has the allowance. */
  Key,
  /** Keys of one owner that exceed the owner's limit share the allowance. */
  Owner,
  /** All other keys of a scope without room share the allowance. */
  Scope,
}

/** The maximum number of buckets of keys, and the intended number of keys in each. */
const MAX_BUCKETS: i32 = 1024;
const KEYS_IN_BUCKET: i32 = 256;
/** The number of values (pages) for shared allowances, and the maximum number of entries in each. */
const OWNER_PAGES: i32 = 64;
const SCOPE_PAGES: i32 = 8;
const SHARED_CAPACITY: i32 = 128;
/** The store numbers of the values: buckets of keys from 0 on, then owners, scopes and the count. */
const OWNERS_FROM: i32 = MAX_BUCKETS;
const SCOPES_FROM: i32 = OWNERS_FROM + OWNER_PAGES;
const COUNT_NUMBER: i32 = SCOPES_FROM + SCOPE_PAGES;
/** The maximum number of entries that a loaded value may have, also one written with another configuration. */
const MAX_CAPACITY: i32 = PAGE_CAPACITY / ENTRY_SIZE;

/** Offsets in the count: the number of keys with an entry, and the number of the round that counted them, u32 each. */
const KEYS_AT: usize = 0;
const ROUND_AT: usize = 4;
const COUNT_SIZE: i32 = 8;

/** The number of values that one call of {@link Allowances.sweep} visits. A round takes six calls. */
const PAGES_PER_SWEEP: i32 = (COUNT_NUMBER + 5) / 6;

/** The number of entries in a full bucket for each value of the owner tag's low bits, u16 each. */
const OWNER_COUNTS: usize = heap.alloc(4096);
const OWNER_COUNT_MASK: u32 = 2047;

/** The maximum difference between the clocks of two workers, since each reads its clock once per callback. */
const CLOCKS_DIFFER_NS: u64 = 100 * NANOSECONDS_PER_MILLISECOND;

/** What happens to a new key if its owner has reached its limit, or if the store is full. */
export enum WhenFull {
  /** The key uses the shared allowance of its owner or of its scope. */
  Share,
  /** The oldest key of the owner is evicted, or, if the store is full, the oldest key of the owner with most keys. */
  EvictOwn,
}

/**
 * Rate-limit allowances that refill with time, shared by all workers: GCRA with one timestamp per key, changed by
 * compare-and-swap. In any period, the amount spent is at most the burst plus the amount that refills. A fixed number of
 * buckets by keyed hash bounds the memory: 256 values of up to 9 KiB for 65 536 keys, 2.6 MB including the shared
 * allowances.
 *
 * A key whose allowance is full needs no entry. With {@link WhenFull.Share}, an entry that has not refilled is never
 * evicted. One owner holds at most a quarter of each bucket's share; its further keys together use one allowance of the
 * owner in this scope. When the maximum number of keys is reached, new keys use the scope's allowance. All hashes (scopes,
 * keys, owners) are keyed. A key must always have the same owner; otherwise it may have two allowances. A scope uses either
 * {@link Allowances.spend}, or {@link Allowances.hasBalance} and {@link Allowances.charge}; only the latter two support
 * debts.
 *
 * A key moves from a shared allowance to its own one, which starts full, as soon as there is room. It moves to a shared one
 * only after its own has refilled.
 */
export class Allowances {
  /** After `spend` or `hasBalance` returned false: the time until the call would return true if nobody else spends any. 0:
   *  never. */
  retryAfterNs: u64 = 0;
  /** Whole units that remain after the latest `spend`, or that the latest `hasBalance` found. */
  remaining: u32 = 0;
  /** Whether the latest call used a shared allowance. */
  isShared: bool = false;
  /** The id of the allowance that the latest `spend` used, for {@link refund}. */
  id: u64 = 0;

  private buckets: i32 = 1;
  /** The maximum number of entries in a bucket: more than its share, since hashes are not distributed evenly. */
  private capacity: i32;
  private ownerLimit: i32;
  /** The number of keys (0 or 1) that the current change adds to the loaded value. */
  private added: i32 = 0;
  /** The number of keys in the latest count, the round of that count, and the number of keys that this worker has added
   *  since. */
  private counted: i32 = 0;
  private round: u32 = 0;
  private addedSince: i32 = 0;
  /** The number of the next value to sweep, and the number of keys in the values already swept in this round. */
  private next: i32 = 0;
  private keysSwept: i32 = 0;

  /**
   * @param name separates different sets of allowances in the store.
   * @param maxKeys the maximum number of keys with their own allowances, above 0. It must be the same on all workers that
   *   share them.
   */
  constructor(
    private shared: Store,
    private name: string,
    private maxKeys: i32,
    private whenFull: WhenFull,
  ) {
    while (this.buckets < MAX_BUCKETS && 2 * this.buckets * KEYS_IN_BUCKET <= maxKeys) this.buckets *= 2;
    const share = (maxKeys + this.buckets - 1) / this.buckets;
    // The share plus eight standard deviations.
    const capacity = share + <i32>(8 * sqrt<f64>(share));
    this.capacity = min(capacity, MAX_CAPACITY);
    this.ownerLimit = max(share / 4, 1);
    this.readCount();
  }

  /** Spends `count` ≥ 1 units. False, and spends nothing, if too few remain, or if other workers interfered with every
   *  attempt. */
  spend(scope: u64, key: u64, owner: u64, count: u32, rate: Rate, nowNs: u64): bool {
    const limit = nowNs + rate.toleranceNs;
    const cost = rate.timeFor(count);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = this.find(scope, key, owner, rate, nowNs);
      if (!entry) break;
      const start = startOf(entry, nowNs, limit);
      if (count > rate.burst || start + cost > limit) {
        this.correct(entry, limit);
        return this.deny(start, cost, count, rate, limit);
      }
      entry.fullAtNs = start + cost;
      this.id = entry.id;
      if (!this.save()) continue;
      this.remaining = rate.countIn(elapsed(start + cost, limit));
      return true;
    }
    this.shared.conflicts++;
    this.remaining = 0;
    this.retryAfterNs = count > rate.burst ? 0 : max<u64>(cost, 1);
    return false;
  }

  /** Returns `count` units that were spent at `spentAtNs` from the allowance `id`, minus the amount that has refilled since,
   *  which others may have spent. Does nothing if the allowance has refilled. */
  refund(id: u64, count: u32, rate: Rate, spentAtNs: u64, nowNs: u64): void {
    const shared = this.shared;
    const credit = elapsed(elapsed(spentAtNs, nowNs), rate.timeFor(count));
    for (let attempt = 0; credit && attempt < ATTEMPTS; attempt++) {
      const entry = this.load(id);
      if (!entry || entry.fullAtNs <= nowNs) return;
      entry.fullAtNs -= min(credit, entry.fullAtNs);
      if (shared.save()) return;
    }
    if (credit) shared.conflicts++;
  }

  /** Whether at least 1 unit remains. Spends nothing. */
  hasBalance(scope: u64, key: u64, owner: u64, rate: Rate, nowNs: u64): bool {
    const limit = nowNs + rate.toleranceNs;
    const cost = rate.timeFor(1);
    const entry = this.find(scope, key, owner, rate, nowNs);
    if (!entry) {
      this.remaining = 0;
      this.retryAfterNs = max<u64>(cost, 1);
      return false;
    }
    const start = startOf(entry, nowNs, limit + rate.perNs);
    if (!rate.burst || start + cost > limit) {
      this.correct(entry, limit + rate.perNs);
      return this.deny(start, cost, 1, rate, limit);
    }
    this.remaining = rate.countIn(elapsed(start, limit));
    return true;
  }

  /** Spends `cost` units, even if fewer remain. The debt is at most the amount that refills in one period. False if other
   *  workers interfered with every attempt. */
  charge(scope: u64, key: u64, owner: u64, cost: u64, rate: Rate, nowNs: u64): bool {
    if (!cost) return true;
    const deepest = nowNs + rate.toleranceNs + rate.perNs;
    const time = rate.timeFor(<u32>min<u64>(cost, u32.MAX_VALUE));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = this.find(scope, key, owner, rate, nowNs);
      if (!entry) break;
      entry.fullAtNs = min(startOf(entry, nowNs, deepest) + time, deepest);
      if (this.save()) return true;
    }
    this.shared.conflicts++;
    return false;
  }

  /** The number of keys with entries, as far as this worker knows. */
  get keys(): i32 {
    return this.counted + this.addedSince;
  }

  /** Reads the number of keys that the latest round of sweeps counted. Every worker calls this on its tick. */
  readCount(): void {
    const shared = this.shared;
    shared.load(this.name, COUNT_NUMBER);
    if (shared.length != COUNT_SIZE) return;
    const round = load<u32>(shared.page, ROUND_AT);
    if (round == this.round) return;
    this.round = round;
    this.counted = <i32>min<u32>(load<u32>(shared.page, KEYS_AT), i32.MAX_VALUE / 2);
    this.addedSince = 0;
  }

  /** Sweeps a sixth of the values: removes entries that have refilled. One worker calls this on each of its ticks. Returns
   *  true at the end of a round, which has counted all keys. */
  sweep(nowNs: u64): bool {
    const end = min(this.next + PAGES_PER_SWEEP, COUNT_NUMBER);
    for (; this.next < end; this.next++) {
      const left = this.sweepPage(this.next, nowNs);
      if (this.next < OWNERS_FROM) this.keysSwept += left;
    }
    if (end < COUNT_NUMBER) return false;
    this.writeCount();
    this.readCount();
    this.next = 0;
    this.keysSwept = 0;
    return true;
  }

  private writeCount(): void {
    const shared = this.shared;
    shared.load(this.name, COUNT_NUMBER);
    const round = shared.length == COUNT_SIZE ? load<u32>(shared.page, ROUND_AT) : 0;
    store<u32>(shared.page, this.keysSwept, KEYS_AT);
    store<u32>(shared.page, round + 1, ROUND_AT);
    shared.length = COUNT_SIZE;
    shared.save();
  }

  /** Removes the full entries of a value. Returns the number of remaining entries. */
  private sweepPage(number: i32, nowNs: u64): i32 {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.loadPage(number);
      let hasChanged = false;
      let kept = shared.page;
      for (let at = shared.page; at < this.end; at += ENTRY_SIZE) {
        const entry = changetype<AllowanceEntry>(at);
        if (isFull(entry, nowNs)) {
          hasChanged = true;
          continue;
        }
        const latest = nowNs + <u64>entry.longestSeconds * NANOSECONDS_PER_SECOND;
        if (entry.fullAtNs > latest) {
          entry.fullAtNs = latest;
          hasChanged = true;
        }
        if (kept != at) memory.copy(kept, at, ENTRY_SIZE);
        kept += ENTRY_SIZE;
      }
      shared.length = <i32>(kept - shared.page);
      if (!hasChanged || shared.save()) break;
    }
    return shared.length / ENTRY_SIZE;
  }

  /** Limits an entry that was written before the clock was set back to `latest`, so that it refills from now on. This is the
   *  only change that a denied call makes. */
  private correct(entry: AllowanceEntry, latest: u64): void {
    if (entry.fullAtNs <= latest + CLOCKS_DIFFER_NS) return;
    entry.fullAtNs = latest;
    this.save();
  }

  /** Sets `remaining` and `retryAfterNs`. Always returns false. */
  private deny(start: u64, cost: u64, count: u32, rate: Rate, limit: u64): bool {
    this.remaining = rate.countIn(elapsed(start, limit));
    this.retryAfterNs = count > rate.burst ? 0 : start + cost - limit;
    return false;
  }

  /** The entry of a key, or the shared entry that it uses, in the loaded value. Creates the entry if it does not exist. Null
   *  if there is no room. */
  private find(scope: u64, key: u64, owner: u64, rate: Rate, nowNs: u64): AllowanceEntry | null {
    const id = idOf(scope, key, Level.Key);
    this.isShared = false;
    this.added = 0;
    let entry = this.load(id);
    if (!entry) {
      if (this.whenFull == WhenFull.Share) entry = this.place(id, scope, owner, nowNs);
      else entry = this.placeEvicting(id, owner, nowNs);
    }
    if (entry) entry.longestSeconds = rate.longestSeconds;
    return entry;
  }

  /** Creates an entry for a key that has none in the loaded bucket, or returns a shared entry. Null if there is no room. */
  private place(id: u64, scope: u64, owner: u64, nowNs: u64): AllowanceEntry | null {
    const tag = <u32>owner;
    let spare: usize = 0;
    let ownSpare: usize = 0;
    let held = 0;
    const end = this.end;
    for (let at = this.shared.page; at < end; at += ENTRY_SIZE) {
      const entry = changetype<AllowanceEntry>(at);
      const isOwn = entry.owner == tag;
      if (isOwn) held++;
      if (!isFull(entry, nowNs)) continue;
      spare = at;
      if (isOwn) ownSpare = at;
    }
    if (held < this.ownerLimit) {
      if (spare) return init(spare, id, tag, nowNs);
      if (this.hasRoom) return this.append(id, tag, nowNs);
    } else {
      if (ownSpare) return init(ownSpare, id, tag, nowNs);
      const entry = this.findShared(idOf(scope, owner, Level.Owner), nowNs);
      if (entry) return entry;
    }
    return this.findShared(idOf(scope, 0, Level.Scope), nowNs);
  }

  /** Creates an entry for a key that has none in the loaded bucket, evicting another one if necessary. */
  private placeEvicting(id: u64, owner: u64, nowNs: u64): AllowanceEntry {
    const tag = <u32>owner;
    let spare: usize = 0;
    let oldest: usize = 0;
    let held = 0;
    const end = this.end;
    for (let at = this.shared.page; at < end; at += ENTRY_SIZE) {
      const entry = changetype<AllowanceEntry>(at);
      if (isFull(entry, nowNs)) spare = at;
      if (entry.owner != tag) continue;
      held++;
      if (!oldest || entry.fullAtNs < changetype<AllowanceEntry>(oldest).fullAtNs) oldest = at;
    }
    if (held >= this.ownerLimit) return init(oldest, id, tag, nowNs);
    if (spare) return init(spare, id, tag, nowNs);
    if (this.hasRoom || this.shared.length == 0) return this.append(id, tag, nowNs);
    return init(this.oldestOfMost(tag), id, tag, nowNs);
  }

  /** The oldest entry of the owner that would have most entries in the loaded bucket if `tag` had one more. Owners whose
   *  tags share the lowest bits count as one. */
  private oldestOfMost(tag: u32): usize {
    memory.fill(OWNER_COUNTS, 0, 2 * (OWNER_COUNT_MASK + 1));
    // Counts the new entry itself if its owner has other entries.
    let most: u16 = 0;
    let fullest: u32 = 0;
    for (let at = this.shared.page; at < this.end; at += ENTRY_SIZE) {
      const owner = changetype<AllowanceEntry>(at).owner & OWNER_COUNT_MASK;
      const cell = OWNER_COUNTS + 2 * owner;
      let count: u16 = load<u16>(cell) + 1;
      if (count == 1 && owner == (tag & OWNER_COUNT_MASK)) count++;
      store<u16>(cell, count);
      if (count <= most) continue;
      most = count;
      fullest = owner;
    }
    let oldest: usize = 0;
    for (let at = this.shared.page; at < this.end; at += ENTRY_SIZE) {
      const entry = changetype<AllowanceEntry>(at);
      if ((entry.owner & OWNER_COUNT_MASK) != fullest) continue;
      if (!oldest || entry.fullAtNs < changetype<AllowanceEntry>(oldest).fullAtNs) oldest = at;
    }
    return oldest;
  }

  /** Whether there is room for another key, both in the loaded bucket and in total. */
  private get hasRoom(): bool {
    return this.shared.length < this.capacity * ENTRY_SIZE && this.keys < this.maxKeys;
  }

  /** Loads the value of a shared allowance and returns its entry there. Creates the entry if it does not exist. Null if
   *  there is no room. */
  private findShared(id: u64, nowNs: u64): AllowanceEntry | null {
    this.isShared = true;
    const found = this.load(id);
    if (found) return found;
    for (let at = this.shared.page; at < this.end; at += ENTRY_SIZE) {
      if (isFull(changetype<AllowanceEntry>(at), nowNs)) return init(at, id, 0, nowNs);
    }
    if (this.shared.length >= SHARED_CAPACITY * ENTRY_SIZE) return null;
    const entry = this.append(id, 0, nowNs);
    this.added = 0;
    return entry;
  }

  private append(id: u64, tag: u32, nowNs: u64): AllowanceEntry {
    const at = this.end;
    this.shared.length += ENTRY_SIZE;
    this.added = 1;
    return init(at, id, tag, nowNs);
  }

  private save(): bool {
    if (!this.shared.save()) return false;
    this.addedSince += this.added;
    return true;
  }

  /** Loads the value to which this id belongs. Returns its entry there; null if it has none. */
  private load(id: u64): AllowanceEntry | null {
    this.loadPage(this.numberOf(id));
    const end = this.end;
    for (let at = this.shared.page; at < end; at += ENTRY_SIZE) {
      if (changetype<AllowanceEntry>(at).id == id) return changetype<AllowanceEntry>(at);
    }
    return null;
  }

  private loadPage(number: i32): void {
    this.shared.loadRecords(this.name, number, 0, ENTRY_SIZE, MAX_CAPACITY);
  }

  private numberOf(id: u64): i32 {
    const bits = <i32>(id >> 32);
    switch (<i32>(id & 3)) {
      case Level.Key:
        return bits & (this.buckets - 1);
      case Level.Owner:
        return OWNERS_FROM + (bits & (OWNER_PAGES - 1));
      default:
        return SCOPES_FROM + (bits & (SCOPE_PAGES - 1));
    }
  }

  private get end(): usize {
    return this.shared.page + this.shared.length;
  }
}

/** Initializes the entry at this address as a full allowance. */
function init(at: usize, id: u64, tag: u32, nowNs: u64): AllowanceEntry {
  const entry = changetype<AllowanceEntry>(at);
  entry.id = id;
  entry.fullAtNs = nowNs;
  entry.owner = tag;
  return entry;
}

/** Whether the allowance is full by the clock of every worker, so that its entry can be removed. */
@inline
function isFull(entry: AllowanceEntry, nowNs: u64): bool {
  return entry.fullAtNs <= elapsed(CLOCKS_DIFFER_NS, nowNs);
}

/** The time from which newly spent units refill: later than now if the allowance is not full. A time after `latest` is
 *  possible only if the clock was set back. */
@inline
function startOf(entry: AllowanceEntry, nowNs: u64, latest: u64): u64 {
  return max(nowNs, min(entry.fullAtNs, latest));
}

/** The id of an allowance: of a scope, and of a key or an owner in it. */
@inline
function idOf(scope: u64, hash: u64, level: u64): u64 {
  return (mix(scope ^ mix(hash + level)) & ~3) | level;
}
