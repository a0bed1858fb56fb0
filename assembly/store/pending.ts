import { hasCome } from "../memory/elapsed";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

const BUCKETS: i32 = 256;
/** The maximum number of entries in a bucket. The oldest entry of the lowest rank is evicted first. */
const CAPACITY: i32 = 128;
/** The rank of entries that are evicted last. */
const MAX_RANK: u16 = 3;
/** The maximum length of an entry's payload, in bytes. */
export const PENDING_SIZE: i32 = 976;

/** The maximum number of entries that expire in one sweep. Each costs about five host calls. */
const GIVEN_UP_PER_SWEEP: i32 = 2048;

/** The buffer for the payload that {@link Pending.remove} or {@link Pending.read} copies. */
const COPIED: usize = heap.alloc(PENDING_SIZE);
/** The entries that the current attempt removes, reported after it succeeds. */
const DROPPED: usize = heap.alloc(PAGE_CAPACITY);

/** The head of a waiting entry. `length` bytes of payload follow. */
@unmanaged
class PendingEntry {
  scope: u64;
  key: u64;
  /** The time when the entry expires. */
  dueAtMs: u64;
  /** The time when the stream on which the answer was expected ended without it; 0 while it is open. */
  endedAtMs: u64;
  /** How the entry ends if no answer arrives; 0 while this is undecided. */
  verdict: u16;
  /** From 0 to {@link MAX_RANK}. Entries of lower rank are evicted first. */
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
if (CAPACITY * (<i32>HEAD + PENDING_SIZE) > PAGE_CAPACITY) ERROR("A full bucket exceeds PAGE_CAPACITY.");

/** Receives the outcome of each waiting entry, on the worker whose change decided it. */
export abstract class PendingListener {
  /** The entry expired or its scope ended. It is no longer in the store. */
  abstract givenUp(at: usize, length: u32, verdict: u32, endedAtMs: u64): void;
  /** The entry was evicted to make room. `verdict` and `endedAtMs` are its last values, 0 if undecided. */
  abstract evicted(at: usize, length: u32, verdict: u32, endedAtMs: u64): void;
  /** The sweep found the entry. `at` is inside the loaded value, so the store must not be read during the call. */
  abstract counted(at: usize, length: u32, verdict: u32): void;
}

/**
 * Data that waits for an event on another stream, on any worker: bytes under a key within a scope (a session). The entries
 * are in a fixed number of buckets by scope, so their number is bounded. Only one worker succeeds in removing an entry.
 */
export class Pending {
  /** The payload that {@link remove} or {@link read} copied, `copiedLength` bytes, and its verdict. Valid until the next call. */
  readonly copied: usize = COPIED;
  copiedLength: u32 = 0;
  copiedVerdict: u32 = 0;
  /** The length of the payload that {@link first} or {@link next} found, and the address of its entry. */
  foundLength: u32 = 0;
  private foundAt: usize = 0;
  /** The number of entries in the loaded bucket. */
  private count: i32 = 0;
  private droppedEnd: usize = DROPPED;
  /** The number of further entries that may expire in this sweep, and whether more are due. */
  private budget: i32 = 0;
  private leavesWork: bool = false;
  /** Whether the latest sweep left no entries. */
  isEmpty: bool = false;

  constructor(private shared: Store) {}

  /** Adds an entry of `length` bytes, at most {@link PENDING_SIZE}, that expires at `dueAtMs` with this verdict. If the
   *  bucket is full, the oldest entry of the lowest rank is evicted, which may be the new one. False if other workers
   *  interfered with every attempt. */
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

  /** Whether the key has an entry. */
  has(scope: u64, key: u64): bool {
    return this.find(scope, key) != 0;
  }

  /** Copies the newest entry of the key to `copied`. False if there is none. */
  read(scope: u64, key: u64): bool {
    const found = this.find(scope, key);
    if (found) this.copy(found);
    return found != 0;
  }

  /** The address of the payload of a scope's first undecided entry, `foundLength` bytes; 0 if there is none. It is inside
   *  the loaded value, so the store must not be read until {@link next} has returned 0. */
  first(scope: u64): usize {
    this.load(bucketOf(scope));
    this.foundAt = this.shared.page;
    return this.openFrom(scope);
  }

  /** The address of the payload of the scope's next undecided entry, `foundLength` bytes; 0 if there is none. */
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

  /** Removes the newest entry of the key and copies it to `copied`. False if there is none, or if other workers interfered
   *  with every attempt. */
  remove(scope: u64, key: u64): bool {
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

  /** Sets how the newest entry of the key ends if no answer arrives until `dueAtMs`. Does nothing if there is no entry, or
   *  if `onlyOpen` and it already has a verdict. */
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

  /** Removes all entries of a scope. Those without a verdict end with this one. */
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
      if (shared.save()) return this.reportDropped(verdict, nowMs, listener);
    }
    shared.conflicts++;
  }

  /** Expires the entries that are due, and reports the rest to the listener. One worker at a time calls this. False if more
   *  entries are due than one sweep may expire; these are reported like the rest, and the next sweep should follow soon. */
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
      return this.reportDropped(verdict, nowMs, listener);
    }
    shared.conflicts++;
    this.isEmpty = false;
  }

  /** Moves the due entries of the loaded bucket to the dropped ones, as far as the budget allows. */
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

  private reportDropped(verdict: u32, nowMs: u64, listener: PendingListener): void {
    for (let at = DROPPED; at < this.droppedEnd; at += sizeOf(at)) {
      const entry = changetype<PendingEntry>(at);
      if (entry.verdict) listener.givenUp(at + HEAD, entry.length, entry.verdict, entry.endedAtMs);
      else listener.givenUp(at + HEAD, entry.length, verdict, nowMs);
    }
  }

  private copy(found: usize): void {
    this.copiedLength = changetype<PendingEntry>(found).length;
    this.copiedVerdict = changetype<PendingEntry>(found).verdict;
    memory.copy(this.copied, found + HEAD, this.copiedLength);
  }

  /** The scope that would have most entries in the loaded bucket if `scope` had one more. So no scope evicts entries of a
   *  scope that has fewer. If several have equally many, it is that of the oldest entry. */
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

  /** The address of the scope's entry that is evicted first. The loaded bucket must contain an entry of the scope. */
  private leastRanked(scope: u64): usize {
    let least: usize = 0;
    for (let at = this.shared.page; at < this.end; at += sizeOf(at)) {
      const entry = changetype<PendingEntry>(at);
      if (entry.scope == scope && (!least || entry.rank < changetype<PendingEntry>(least).rank)) least = at;
    }
    return least;
  }

  /** Moves an entry of the loaded bucket to the dropped ones. */
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

  /** Loads a bucket. Bytes after its last valid entry are cut off. */
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

  /** Loads the bucket of this scope. Returns the address of the newest entry of the key there; 0 if there is none. */
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

/** Whether a complete, valid entry begins at this address, within `size` bytes. */
function isEntry(at: usize, size: usize): bool {
  if (size < HEAD) return false;
  const entry = changetype<PendingEntry>(at);
  return entry.length <= <u32>PENDING_SIZE && entry.rank <= MAX_RANK && sizeOf(at) <= size;
}

/** The size of the entry at this address in bytes, rounded up to keep entries aligned. */
function sizeOf(at: usize): usize {
  return HEAD + ((changetype<PendingEntry>(at).length + 7) & ~7);
}
