import { mix } from "../memory/bytes";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../memory/elapsed";
import { Rate } from "./rate";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** An allowance that has been used and has not refilled since. One that is not there is full. */
@unmanaged
class AllowanceEntry {
  /** See {@link idOf}. */
  id: u64;
  /** When it is full again: the theoretical arrival time of GCRA. */
  fullAtNs: u64;
  /** Bits of the keyed hash of whoever holds the entry; 0 in shared ones. */
  owner: u32;
  /** The longest time that it may need to refill. One that seems to need more was written before the clock was set back. */
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

/** Whose an allowance is: the two lowest bits of its id. */
enum Level {
  /** Of one key. */
  Key,
  /** Of the keys of one owner for which there is no room. */
  Owner,
  /** Of all keys of a scope for which there is no room otherwise. */
  Scope,
}

/** The most buckets of keys, and the keys for which each is meant. */
const MOST_BUCKETS: i32 = 1024;
const KEYS_IN_BUCKET: i32 = 256;
/** Pages of the shared allowances, and the entries of each. */
const OWNER_PAGES: i32 = 64;
const SCOPE_PAGES: i32 = 8;
const SHARED_CAPACITY: i32 = 128;
/** The numbers of the values: buckets of keys from 0 on, then owners, scopes and the count. */
const OWNERS_FROM: i32 = MOST_BUCKETS;
const SCOPES_FROM: i32 = OWNERS_FROM + OWNER_PAGES;
const COUNT_NUMBER: i32 = SCOPES_FROM + SCOPE_PAGES;
/** The most entries of a value, whoever wrote it. */
const LARGEST_CAPACITY: i32 = PAGE_CAPACITY / ENTRY_SIZE;

/** The count: how many keys have an entry, and the number of the round that counted them, u32 each. */
const KEYS_AT: usize = 0;
const ROUND_AT: usize = 4;
const COUNT_SIZE: i32 = 8;

/** Values that one call of {@link Allowances.sweep} visits: a round takes six calls. */
const PAGES_PER_SWEEP: i32 = (COUNT_NUMBER + 5) / 6;

/** Entries of a full bucket by bits of their owners, u16 each. */
const OWNER_COUNTS: usize = heap.alloc(4096);
const OWNER_COUNT_MASK: u32 = 2047;

/** The most by which the clocks of two workers differ: each reads its own once a callback. */
const CLOCKS_DIFFER_NS: u64 = 100 * NANOSECONDS_PER_MILLISECOND;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/** What happens to a key where its owner has as many as it may have, or where there are too many. */
export enum WhenFull {
  /** It has no allowance of its own: it uses that of its owner, or the one of its scope. */
  Share,
  /** The oldest key of its owner goes, or of the owner that has most of them. */
  EvictOwn,
}

/**
 * Allowances that refill with time, shared by all workers: GCRA with one timestamp for each key, changed by
 * compare-and-swap, so that over any time no more is taken than refills in it and the burst. A fixed number of buckets
 * by keyed hash bounds their memory: 256 values of up to 9 KiB for 65 536 keys, 2.6 MB with those of the shared ones.
 *
 * A key whose allowance is full needs no entry. With {@link WhenFull.Share} an entry that has not refilled is never
 * evicted. One owner holds at most a quarter of each bucket's share, and its further keys together use one allowance of
 * the owner in this scope. Where there are as many keys as there may be, new ones use the scope's. All hashes (scopes,
 * keys, owners) are keyed. A key must always come with the same owner: otherwise it may have two allowances. A scope uses
 * either {@link Allowances.take}, or {@link Allowances.hasBalance} and {@link Allowances.charge}: only these know debts.
 *
 * A key moves from a shared allowance to one of its own, which is full at first, as soon as there is room; it moves to a
 * shared one only when its own has refilled.
 */
export class Allowances {
  /** Of the last take or hasBalance that was false: the time until it would be true if nobody else takes any. 0: never. */
  retryAfterNs: u64 = 0;
  /** Whole units that the last take left, or that hasBalance found. */
  remaining: u32 = 0;
  /** The last call used a shared allowance. */
  isShared: bool = false;
  /** The allowance that the last take used, for {@link refund}. */
  id: u64 = 0;

  private buckets: i32 = 1;
  /** The most entries of a bucket: more than its share, since hashes do not spread evenly. */
  private capacity: i32;
  private ownerLimit: i32;
  /** What {@link place} has added to the loaded value: 1 key or none. */
  private added: i32 = 0;
  /** Keys by the newest count, its number, and those that this worker has added since. */
  private counted: i32 = 0;
  private round: u32 = 0;
  private addedSince: i32 = 0;
  /** The next value to be swept, and the keys in those before. */
  private next: i32 = 0;
  private keysSwept: i32 = 0;

  /** @param name what they are of: those of another name are others.
   *  @param maxKeys how many keys have allowances of their own: above 0. Workers that share them have the same number. */
  constructor(
    private shared: Store,
    private name: string,
    private maxKeys: i32,
    private whenFull: WhenFull,
  ) {
    while (this.buckets < MOST_BUCKETS && 2 * this.buckets * KEYS_IN_BUCKET <= maxKeys) this.buckets *= 2;
    const share = (maxKeys + this.buckets - 1) / this.buckets;
    // Eight standard deviations.
    const capacity = share + <i32>(8 * sqrt<f64>(share));
    this.capacity = min(capacity, LARGEST_CAPACITY);
    this.ownerLimit = max(share / 4, 1);
    this.readCount();
  }

  /** Takes `count` ≥ 1. False where not enough is left, or where others were faster every time; then nothing is taken. */
  take(scope: u64, key: u64, owner: u64, count: u32, rate: Rate, nowNs: u64): bool {
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

  /** Gives back `count` that the take of `takenAtNs` took of the allowance `id`, less what has refilled since: that may have
   *  been taken by others. Nothing where the allowance has refilled. */
  refund(id: u64, count: u32, rate: Rate, takenAtNs: u64, nowNs: u64): void {
    const shared = this.shared;
    const credit = elapsed(elapsed(takenAtNs, nowNs), rate.timeFor(count));
    for (let attempt = 0; credit && attempt < ATTEMPTS; attempt++) {
      const entry = this.load(id);
      if (!entry || entry.fullAtNs <= nowNs) return;
      entry.fullAtNs -= min(credit, entry.fullAtNs);
      if (shared.save()) return;
    }
    if (credit) shared.conflicts++;
  }

  /** Whether there is at least 1. Takes nothing. */
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

  /** Takes what something has cost, even where less is left: the debt is at most what refills in one period. False where
   *  others were faster every time. */
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

  /** Keys that have entries, as far as this worker knows. */
  get keys(): i32 {
    return this.counted + this.addedSince;
  }

  /** Reads how many keys the newest round of sweeps has counted. Every worker does it on its tick. */
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

  /** Drops the entries of a sixth of the values that have refilled: one worker calls it on each tick. True where that ends a
   *  round, which has counted the keys. */
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

  /** Returns how many entries stay. */
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

  /** Lets what was written before the clock was set back refill from now on. Otherwise what is denied changes nothing. */
  private correct(entry: AllowanceEntry, latest: u64): void {
    if (entry.fullAtNs <= latest + CLOCKS_DIFFER_NS) return;
    entry.fullAtNs = latest;
    this.save();
  }

  /** Says what is left and when `count` are. Returns false. */
  private deny(start: u64, cost: u64, count: u32, rate: Rate, limit: u64): bool {
    this.remaining = rate.countIn(elapsed(start, limit));
    this.retryAfterNs = count > rate.burst ? 0 : start + cost - limit;
    return false;
  }

  /** The entry of a key in the loaded value, or of what it shares, made where there was none. Null where there is no room. */
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

  /** Makes an entry for a key that has none in the loaded bucket, or finds a shared one. */
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

  /** Makes an entry for a key that has none in the loaded bucket, maybe in the place of another one. */
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

  /** The oldest entry of the owner that has most of the loaded bucket, once `tag` has one more. Owners whose tags have the
   *  lowest bits in common count as one. */
  private oldestOfMost(tag: u32): usize {
    memory.fill(OWNER_COUNTS, 0, 2 * (OWNER_COUNT_MASK + 1));
    // The new entry itself, where its owner has others.
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

  /** Whether the loaded bucket has room for another key, and all of them together. */
  private get hasRoom(): bool {
    return this.shared.length < this.capacity * ENTRY_SIZE && this.keys < this.maxKeys;
  }

  /** The shared entry of this id in its value, which is loaded, made where there was none. Null where there is no room. */
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

  /** Loads the value that has room for this id. Returns its entry there, or null. */
  private load(id: u64): AllowanceEntry | null {
    this.loadPage(this.numberOf(id));
    const end = this.end;
    for (let at = this.shared.page; at < end; at += ENTRY_SIZE) {
      if (changetype<AllowanceEntry>(at).id == id) return changetype<AllowanceEntry>(at);
    }
    return null;
  }

  private loadPage(number: i32): void {
    this.shared.loadRecords(this.name, number, 0, ENTRY_SIZE, LARGEST_CAPACITY);
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

/** Makes the entry at this address one that is full. */
function init(at: usize, id: u64, tag: u32, nowNs: u64): AllowanceEntry {
  const entry = changetype<AllowanceEntry>(at);
  entry.id = id;
  entry.fullAtNs = nowNs;
  entry.owner = tag;
  return entry;
}

/** Whether the allowance is full by the clock of any worker, so that its entry may go. */
@inline
function isFull(entry: AllowanceEntry, nowNs: u64): bool {
  return entry.fullAtNs <= elapsed(CLOCKS_DIFFER_NS, nowNs);
}

/** From when on what is taken refills: later than now where the allowance is not full. After `latest` it cannot be, unless
 *  the clock was set back. */
@inline
function startOf(entry: AllowanceEntry, nowNs: u64, latest: u64): u64 {
  return max(nowNs, min(entry.fullAtNs, latest));
}

/** What names an allowance: of a scope, and of a key or an owner in it. */
@inline
function idOf(scope: u64, hash: u64, level: u64): u64 {
  return (mix(scope ^ mix(hash + level)) & ~3) | level;
}
