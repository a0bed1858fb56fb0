import { hasCome } from "../memory/elapsed";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

const BUCKETS: i32 = 256;
/** Entries in a bucket; beyond that the oldest one of the lowest rank goes. */
const CAPACITY: i32 = 128;
/** The rank of entries that make room last. */
const HIGHEST_RANK: u16 = 3;
/** The most bytes that are kept of one. */
export const PENDING_SIZE: i32 = 976;

/** Entries that one sweep gives up at most: each costs some five calls of the host. */
const GIVEN_UP_PER_SWEEP: i32 = 2048;

/** Receives what {@link Pending.take} finds. */
const TAKEN: usize = heap.alloc(PENDING_SIZE);
/** Entries that the change being tried gives up, to be reported once it is made. */
const DROPPED: usize = heap.alloc(PAGE_CAPACITY);

/** Something that waits, and behind it `length` bytes of what it is. */
@unmanaged
class PendingEntry {
  scope: u64;
  key: u64;
  /** When it is given up. */
  dueAtMs: u64;
  /** When what it waits on ended without an answer; 0 while it has not. */
  endedAtMs: u64;
  /** How it ends if no answer comes; 0 while that is open. */
  verdict: u16;
  /** 0 to {@link HIGHEST_RANK}: those of a lower one make room first. */
  rank: u16;
  length: u32;
}

const HEAD: usize = 40;

if (
  offsetof<PendingEntry>("scope") != 0 ||
  offsetof<PendingEntry>("key") != 8 ||
  offsetof<PendingEntry>("dueAtMs") != 16 ||
  offsetof<PendingEntry>("endedAtMs") != 24 ||
  offsetof<PendingEntry>("verdict") != 32 ||
  offsetof<PendingEntry>("rank") != 34 ||
  offsetof<PendingEntry>("length") != 36 ||
  offsetof<PendingEntry>() != HEAD
)
  ERROR("The layout of PendingEntry has changed: see FORMAT.");
if (CAPACITY * (<i32>HEAD + PENDING_SIZE) > PAGE_CAPACITY) ERROR("A full bucket is too long.");

/** Receives what becomes of each waiting entry, from the one worker whose change decided it. */
export abstract class PendingListener {
  /** It was given up: the store holds it no more. */
  abstract givenUp(at: usize, length: u32, verdict: u32, endedAtMs: u64): void;
  /** Others needed its place. `verdict` and `endedAtMs` as they were left, 0 where that was open. */
  abstract evicted(at: usize, length: u32, verdict: u32, endedAtMs: u64): void;
  /** The sweep found it. It lies in the loaded value: the store must not be read meanwhile. */
  abstract counted(at: usize, length: u32, verdict: u32): void;
}

/**
 * What waits for something that is to come on another stream, on any worker: bytes under a key within a scope (a
 * session), in a fixed number of buckets by scope, bounded. Whoever takes one out, or gives it up, is the only one to.
 */
export class Pending {
  /** What {@link take} or {@link read} found: `takenLength` bytes and its verdict, until the next call. */
  readonly taken: usize = TAKEN;
  takenLength: u32 = 0;
  takenVerdict: u32 = 0;
  /** Bytes of what {@link first} or {@link next} found, and the address of its entry. */
  foundLength: u32 = 0;
  private foundAt: usize = 0;
  /** Entries in the loaded bucket. */
  private count: i32 = 0;
  private droppedEnd: usize = DROPPED;
  /** Entries that the sweep may still give up, and whether it found more. */
  private budget: i32 = 0;
  private leavesWork: bool = false;
  /** The newest sweep has left nothing that waits. */
  isEmpty: bool = false;

  constructor(private shared: Store) {}

  /** Leaves `length` bytes, at most {@link PENDING_SIZE}, to be given up at `dueAtMs` with this verdict. Where the bucket is
   *  full, the oldest entry of the lowest rank is evicted, maybe this one. False where others were faster every time. */
  add(
    scope: u64,
    key: u64,
    at: usize,
    length: u32,
    dueAtMs: u64,
    verdict: u32,
    endedAtMs: u64,
    rank: u32,
    listener: PendingListener,
  ): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucketOf(scope));
      this.droppedEnd = DROPPED;
      if (this.count == CAPACITY) {
        const most = this.fullestScope(scope);
        const least = this.leastRanked(most);
        if (most == scope && changetype<PendingEntry>(least).rank > rank) {
          listener.evicted(at, length, verdict, endedAtMs);
          return true;
        }
        this.drop(least);
      }
      const entry = changetype<PendingEntry>(this.end);
      entry.scope = scope;
      entry.key = key;
      entry.dueAtMs = dueAtMs;
      entry.verdict = <u16>verdict;
      entry.rank = <u16>rank;
      entry.endedAtMs = endedAtMs;
      entry.length = length;
      memory.copy(this.end + HEAD, at, length);
      shared.length += <i32>sizeOf(this.end);
      if (!shared.save()) continue;
      if (this.droppedEnd != DROPPED) {
        const dropped = changetype<PendingEntry>(DROPPED);
        listener.evicted(DROPPED + HEAD, dropped.length, dropped.verdict, dropped.endedAtMs);
      }
      return true;
    }
    shared.conflicts++;
    return false;
  }

  /** Whether there is an entry under the key. */
  has(scope: u64, key: u64): bool {
    return this.find(scope, key) != 0;
  }

  /** Copies the newest entry under the key to `taken`. False where there is none. */
  read(scope: u64, key: u64): bool {
    const found = this.find(scope, key);
    if (found) this.copy(found);
    return found != 0;
  }

  /** The address of the first open entry of a scope, `foundLength` bytes, in the loaded value: the store must not be read
   *  until {@link next} has returned 0. 0 where there is none. */
  first(scope: u64): usize {
    this.load(bucketOf(scope));
    this.foundAt = this.shared.page;
    return this.openFrom(scope);
  }

  /** The one behind it; 0 where there is none. */
  next(scope: u64): usize {
    this.foundAt += sizeOf(this.foundAt);
    return this.openFrom(scope);
  }

  private openFrom(scope: u64): usize {
    for (; this.foundAt < this.end; this.foundAt += sizeOf(this.foundAt)) {
      const entry = changetype<PendingEntry>(this.foundAt);
      if (entry.scope != scope || entry.verdict) continue;
      this.foundLength = entry.length;
      return this.foundAt + HEAD;
    }
    return 0;
  }

  /** Takes out the newest entry under the key: its bytes are at `taken`. False where there is none. */
  take(scope: u64, key: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(scope, key);
      if (!found) return false;
      this.copy(found);
      this.cut(found);
      if (shared.save()) return true;
    }
    shared.conflicts++;
    return false;
  }

  /** Says how the entry under the key ends if no answer comes until `dueAtMs`. Nothing where there is none, or where `onlyOpen`
   *  and it has a verdict. */
  rule(scope: u64, key: u64, verdict: u32, endedAtMs: u64, dueAtMs: u64, onlyOpen: bool): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(scope, key);
      if (!found) return;
      const entry = changetype<PendingEntry>(found);
      if (onlyOpen && entry.verdict) return;
      entry.verdict = <u16>verdict;
      entry.endedAtMs = endedAtMs;
      entry.dueAtMs = dueAtMs;
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  /** Gives up all that waits in a scope: with this verdict where there is none. */
  endScope(scope: u64, verdict: u32, nowMs: u64, listener: PendingListener): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucketOf(scope));
      this.droppedEnd = DROPPED;
      for (let at = shared.page; at < this.end;) {
        if (changetype<PendingEntry>(at).scope == scope) this.drop(at);
        else at += sizeOf(at);
      }
      if (this.droppedEnd == DROPPED) return;
      if (shared.save()) return this.tellDropped(verdict, nowMs, listener);
    }
    shared.conflicts++;
  }

  /** Gives up what is due, and counts the rest: one worker at a time does it. False where more is due than one sweep gives
   *  up: that is counted, and the next sweep is to follow soon. */
  sweep(verdict: u32, nowMs: u64, listener: PendingListener): bool {
    this.budget = GIVEN_UP_PER_SWEEP;
    this.leavesWork = false;
    this.isEmpty = true;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.sweepBucket(bucket, verdict, nowMs, listener);
    return !this.leavesWork;
  }

  private sweepBucket(bucket: i32, verdict: u32, nowMs: u64, listener: PendingListener): void {
    const shared = this.shared;
    const budget = this.budget;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucket);
      this.budget = budget;
      this.dropDue(nowMs);
      if (this.droppedEnd != DROPPED && !shared.save()) continue;
      if (shared.length) this.isEmpty = false;
      for (let at = shared.page; at < this.end; at += sizeOf(at)) {
        const entry = changetype<PendingEntry>(at);
        listener.counted(at + HEAD, entry.length, entry.verdict);
      }
      return this.tellDropped(verdict, nowMs, listener);
    }
    shared.conflicts++;
    this.isEmpty = false;
  }

  /** Moves the due entries of the current bucket to the dropped ones, as far as the budget allows. */
  private dropDue(nowMs: u64): void {
    const end = this.end;
    let kept = this.shared.page;
    let next: usize = 0;
    this.droppedEnd = DROPPED;
    for (let at = kept; at < end; at = next) {
      const size = sizeOf(at);
      next = at + size;
      const isDue = hasCome(changetype<PendingEntry>(at).dueAtMs, nowMs);
      if (isDue && this.budget > 0) {
        this.budget--;
        memory.copy(this.droppedEnd, at, size);
        this.droppedEnd += size;
        continue;
      }
      if (isDue) this.leavesWork = true;
      if (kept != at) memory.copy(kept, at, size);
      kept += size;
    }
    this.shared.length = <i32>(kept - this.shared.page);
  }

  private tellDropped(verdict: u32, nowMs: u64, listener: PendingListener): void {
    for (let at = DROPPED; at < this.droppedEnd; at += sizeOf(at)) {
      const entry = changetype<PendingEntry>(at);
      if (entry.verdict) listener.givenUp(at + HEAD, entry.length, entry.verdict, entry.endedAtMs);
      else listener.givenUp(at + HEAD, entry.length, verdict, nowMs);
    }
  }

  private copy(found: usize): void {
    this.takenLength = changetype<PendingEntry>(found).length;
    this.takenVerdict = changetype<PendingEntry>(found).verdict;
    memory.copy(this.taken, found + HEAD, this.takenLength);
  }

  /** The scope that has most of the entries of the loaded bucket, once it holds one more of `scope`: no scope evicts entries of
   *  those that have fewer. Where several have as many, that of the oldest entry. */
  private fullestScope(scope: u64): u64 {
    let found = scope;
    let most = 0;
    for (let at = this.shared.page; at < this.end; at += sizeOf(at)) {
      const own = changetype<PendingEntry>(at).scope;
      let count = own == scope ? 1 : 0;
      for (let other = at; other < this.end; other += sizeOf(other)) {
        if (changetype<PendingEntry>(other).scope == own) count++;
      }
      if (count <= most) continue;
      most = count;
      found = own;
    }
    return found;
  }

  /** The address of the entry of a scope in the loaded bucket, which has some of it, that makes room first. */
  private leastRanked(scope: u64): usize {
    let least: usize = 0;
    for (let at = this.shared.page; at < this.end; at += sizeOf(at)) {
      const entry = changetype<PendingEntry>(at);
      if (entry.scope == scope && (!least || entry.rank < changetype<PendingEntry>(least).rank)) least = at;
    }
    return least;
  }

  /** Moves an entry of the current bucket to the dropped ones. */
  private drop(at: usize): void {
    const size = sizeOf(at);
    memory.copy(this.droppedEnd, at, size);
    this.droppedEnd += size;
    this.cut(at);
  }

  /** Removes an entry from the loaded bucket. */
  private cut(at: usize): void {
    const next = at + sizeOf(at);
    const size = next - at;
    memory.copy(at, next, this.end - next);
    this.shared.length -= <i32>size;
  }

  /** Loads a bucket. What follows its last sound entry is cut off. */
  private load(bucket: i32): void {
    const shared = this.shared;
    shared.load("pending", bucket);
    let at = shared.page;
    this.count = 0;
    while (this.count < CAPACITY && isEntry(at, this.end - at)) {
      at += sizeOf(at);
      this.count++;
    }
    shared.length = <i32>(at - shared.page);
  }

  /** Loads the bucket of this scope. Returns the address of the newest entry under the key there, or 0. */
  private find(scope: u64, key: u64): usize {
    this.load(bucketOf(scope));
    let found: usize = 0;
    for (let at = this.shared.page; at < this.end; at += sizeOf(at)) {
      const entry = changetype<PendingEntry>(at);
      if (entry.scope == scope && entry.key == key) found = at;
    }
    return found;
  }

  private get end(): usize {
    return this.shared.page + this.shared.length;
  }
}

function bucketOf(scope: u64): i32 {
  return <i32>(scope >> 56);
}

/** Whether a whole entry lies at this address, of which `size` bytes are there. */
function isEntry(at: usize, size: usize): bool {
  if (size < HEAD) return false;
  const entry = changetype<PendingEntry>(at);
  return entry.length <= <u32>PENDING_SIZE && entry.rank <= HIGHEST_RANK && sizeOf(at) <= size;
}

/** Bytes of the entry at this address: entries stay aligned. */
function sizeOf(at: usize): usize {
  return HEAD + ((changetype<PendingEntry>(at).length + 7) & ~7);
}
