import { elapsed, hasCome } from "../memory/elapsed";
import { nthSmallest } from "../memory/select";
import { CallerCounts, HEAVY_LIMIT, HEAVY_SIZE } from "./caller_counts";
import { ENTRY_SIZE, SessionEnd, SessionEntry, SessionKind } from "./session_entry";
import { SessionNews } from "./session_news";
import { SessionState } from "./session_state";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** The highest ten bits of a session's hash are the number of its bucket. */
const BUCKETS: i32 = 1024;
const BUCKET_SHIFT: u64 = 54;
/** The minimum capacity of a bucket, in entries. */
const MIN_CAPACITY: i32 = 16;
/** The maximum capacity of a bucket, in entries: 1.2 times its share of the largest configurable number of sessions. */
const MAX_CAPACITY: i32 = PAGE_CAPACITY / ENTRY_SIZE;
/** The number of activity windows that one caller may have on one server; further client names then share one more window.
 *  All of them have room in one bucket. */
const WINDOW_LIMIT: i32 = MIN_CAPACITY - 1;
/** The maximum time until a worker's observations reach the store: one flush and one tick. The totals of an ended session
 *  wait for this time, and a session becomes idle this much later than its latest recorded activity. */
const LAG_MS: u64 = 6000;
/** The maximum number of sessions that one sweep removes. Each costs about five host calls. */
const REMOVED_PER_SWEEP: i32 = 4096;

/** Marks, in the copy of a removed entry, that the session ended by its removal. */
const ENDED_NOW: u8 = 0x80;

/** The size of the number of active sessions (u32) in the value "count". The tags of the callers with most sessions follow,
 *  u16 each, when the store is nearly full. */
const COUNT_SIZE: i32 = 4;

/** Replaces the bucket bits of `hash` with those of `other`, so that both are in the same bucket. */
export function inBucketOf(other: u64, hash: u64): u64 {
  const rest = ((<u64>1) << BUCKET_SHIFT) - 1;
  return (other & ~rest) | (hash & rest);
}

/** Receives the changes of each session, on the worker whose change decided them. */
export abstract class SessionListener {
  /** A session has ended. */
  abstract sessionEnded(entry: SessionEntry): void;
  /** The totals of an ended session are final. */
  abstract sessionSettled(entry: SessionEntry): void;
  /** The sweep found an active session. `state` is known as far as workers have reported it. The entry is inside the loaded
   *  value, so the store must not be read during the call. */
  abstract sessionCounted(entry: SessionEntry, state: SessionState): void;
}

/** The result of {@link Sessions.insert}. */
export enum Inserted {
  New,
  /** The session exists and is active. */
  Active,
  /** The session exists and has just ended. */
  Ended,
  /** The session does not exist, and its caller has reached the maximum number of windows. */
  TooMany,
  /** Other workers interfered with every attempt. */
  GaveUp,
}

/**
 * The sessions of a counting unit: packed entries in a fixed number of buckets by hash, so their number is bounded. Only the
 * worker whose swap succeeds learns that a session is new or has ended. If there are too many sessions, the caller with most
 * of them loses the least recently active one. So no caller can evict sessions of callers that have fewer.
 */
export class Sessions {
  private capacity: i32;
  /** Copies of the entries that the current attempt removes or ends, reported after it succeeds. */
  private removedBytes: StaticArray<u8> = new StaticArray<u8>(0);
  private removedCount: i32 = 0;
  /** The number of sessions that the sweep still has to evict, and the latest activity that these may have. */
  private surplus: i32 = 0;
  private surplusBefore: u64 = 0;
  /** The active sessions by caller, during the sweep of a store that is nearly full. */
  private counts: CallerCounts = new CallerCounts();
  /** The number of sessions that each caller keeps in the sweep. */
  private level: u32 = 0;
  /** Whether the sweep counts the remaining sessions by caller, because they were not counted before it. */
  private countsLeft: bool = false;
  /** The number of further sessions that the sweep may remove, and whether more are due. */
  private budget: i32 = 0;
  private leavesWork: bool = false;
  /** Whether the latest sweep left no sessions. */
  isEmpty: bool = false;

  /** @param max the maximum number of sessions, observed within 5 %. */
  constructor(
    private shared: Store,
    private max: i32,
    private listener: SessionListener,
  ) {
    // Twice the share of a bucket, since hashes are not distributed evenly.
    const capacity = min(2 * ((max + BUCKETS - 1) / BUCKETS), MAX_CAPACITY);
    this.capacity = capacity < MIN_CAPACITY ? MIN_CAPACITY : capacity;
    this.removedBytes = new StaticArray<u8>(this.capacity * ENTRY_SIZE);
  }

  /** Whether a window does not exist and its caller has reached the maximum number of windows: see {@link insert}. */
  lacksRoom(entry: SessionEntry): bool {
    return !this.find(entry.hash) && this.windowsOf(entry) >= WINDOW_LIMIT;
  }

  /** The start of an active session, in milliseconds; 0 if there is none. */
  startOf(hash: u64): u64 {
    const found = this.find(hash);
    if (!found) return 0;
    const entry = changetype<SessionEntry>(found);
    return entry.isActive ? entry.startedAtMs : 0;
  }

  /** Inserts a session. If it already exists, copies its start to the entry instead. If there are too many sessions, one is
   *  evicted from its bucket if that can spare one. `isLimited`: the session is a window, and its caller may have {@link
   *  WINDOW_LIMIT} windows in its bucket. */
  insert(entry: SessionEntry, isLimited: bool = false): Inserted {
    const shared = this.shared;
    const isFull = this.activeCount() >= this.max;
    const isHeavy = isFull && this.isHeavy(entry.caller);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(entry.hash);
      if (found) {
        const present = changetype<SessionEntry>(found);
        entry.startedAtMs = present.startedAtMs;
        return present.isActive ? Inserted.Active : Inserted.Ended;
      }
      if (isLimited && this.windowsOf(entry) >= WINDOW_LIMIT) return Inserted.TooMany;
      this.removedCount = 0;
      let place = shared.page + shared.length;
      const victim = this.victimOf(entry.caller, isFull, isHeavy);
      if (victim) {
        this.copyRemoved(changetype<SessionEntry>(victim), SessionEnd.Evicted, entry.activeAtMs);
        place = victim;
      } else {
        shared.length += ENTRY_SIZE;
      }
      memory.copy(place, changetype<usize>(entry), ENTRY_SIZE);
      if (!shared.save()) continue;
      const endedNow = this.reportRemoved();
      this.addToCount(1 - endedNow);
      return Inserted.New;
    }
    shared.conflicts++;
    return Inserted.GaveUp;
  }

  /** Merges a worker's observations since its last update. False if the session does not exist or has ended. */
  update(hash: u64, news: SessionNews, nowMs: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(hash);
      if (!found) return false;
      const entry = changetype<SessionEntry>(found);
      entry.add(news, nowMs);
      const isActive = entry.isActive;
      if (shared.save()) return isActive;
    }
    shared.conflicts++;
    return true;
  }

  /** Ends a session. Its totals are reported later, when they are final. Does nothing if the session does not exist or has
   *  ended. */
  end(hash: u64, reason: SessionEnd, nowMs: u64): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(hash);
      if (!found) return;
      const entry = changetype<SessionEntry>(found);
      if (!entry.isActive) return;
      entry.end = <u8>reason;
      entry.endedAtMs = nowMs;
      const ended = changetype<SessionEntry>(this.removed);
      memory.copy(this.removed, found, ENTRY_SIZE);
      if (!shared.save()) continue;
      this.addToCount(-1);
      this.listener.sessionEnded(ended);
      return;
    }
    shared.conflicts++;
  }

  /** Ends idle sessions, settles ended ones, evicts those above the maximum, and reports the active ones. One worker at a
   *  time calls this. False if more sessions are due than one sweep may remove; these still count as active, and the next
   *  sweep should follow soon. */
  sweep(nowMs: u64): bool {
    const active = this.activeCount();
    this.budget = REMOVED_PER_SWEEP;
    this.removedCount = 0;
    this.leavesWork = false;
    this.isEmpty = true;
    this.surplus = 0;
    const mayBeFull = active > this.max / 2;
    this.countsLeft = mayBeFull;
    if (mayBeFull) this.counts.clear();
    if (active > this.max) this.chooseSurplus();
    let left = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) left += this.sweepBucket(bucket, nowMs);
    this.setCount(left, mayBeFull);
    return !this.leavesWork && this.surplus <= 0;
  }

  private get removed(): usize {
    return changetype<usize>(this.removedBytes);
  }

  /** Removes the sessions of a bucket that are due. Returns the number of remaining active sessions. */
  private sweepBucket(bucket: i32, nowMs: u64): i32 {
    const shared = this.shared;
    const surplus = this.surplus;
    const budget = this.budget;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucket);
      this.recountRemoved();
      // A worker with a larger maximum may have filled the bucket.
      if (shared.length > this.removedBytes.length) this.removedBytes = new StaticArray<u8>(shared.length);
      this.removedCount = 0;
      this.surplus = surplus;
      this.budget = budget;
      let kept = shared.page;
      for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
        if (this.removeIfDue(changetype<SessionEntry>(at), nowMs)) continue;
        if (kept != at) memory.copy(kept, at, ENTRY_SIZE);
        kept += ENTRY_SIZE;
      }
      shared.length = <i32>(kept - shared.page);
      if (this.removedCount > 0 && !shared.save()) continue;
      if (shared.length) this.isEmpty = false;
      const active = this.reportActive(nowMs);
      this.reportRemoved();
      this.removedCount = 0;
      return active;
    }
    shared.conflicts++;
    this.isEmpty = false;
    this.recountRemoved();
    return this.reportActive(nowMs);
  }

  /** Reverts the counts after a failed attempt: the sessions that it tried to evict still count. */
  private recountRemoved(): void {
    for (let i = 0; i < this.removedCount; i++) {
      const entry = changetype<SessionEntry>(this.removed + i * ENTRY_SIZE);
      if (entry.end == ((<u8>SessionEnd.Evicted) | ENDED_NOW)) this.counts.add(entry.caller);
    }
    this.removedCount = 0;
  }

  /** Reports the active sessions of the loaded bucket. Returns their number. */
  private reportActive(nowMs: u64): i32 {
    let active = 0;
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      const entry = changetype<SessionEntry>(at);
      if (!entry.isActive) continue;
      active++;
      if (this.countsLeft) this.counts.add(entry.caller);
      this.listener.sessionCounted(entry, entry.stateAt(nowMs));
    }
    return active;
  }

  /** Removes the entry if it is due and the budget allows, keeping a copy. False if it stays. */
  private removeIfDue(entry: SessionEntry, nowMs: u64): bool {
    const isIdle = elapsed(entry.activeAtMs, nowMs) >= <u64>entry.idleSeconds * 1000 + LAG_MS;
    const isSurplus =
      this.surplus > 0 && hasCome(entry.activeAtMs, this.surplusBefore) && this.counts.of(entry.caller) > this.level;
    if (!(entry.isActive ? isIdle || isSurplus : elapsed(entry.endedAtMs, nowMs) >= LAG_MS)) return false;
    if (this.budget == 0) {
      this.leavesWork = true;
      return false;
    }
    this.budget--;
    if (!entry.isActive) {
      this.copyRemoved(entry, <SessionEnd>entry.end, entry.endedAtMs);
    } else if (isIdle) {
      this.copyRemoved(entry, SessionEnd.Idle, entry.activeAtMs);
    } else {
      this.surplus--;
      this.counts.remove(entry.caller);
      this.copyRemoved(entry, SessionEnd.Evicted, nowMs);
    }
    return true;
  }

  /** Copies an entry that leaves its bucket. If the session was active, the copy ends at `endedAtMs`. */
  private copyRemoved(entry: SessionEntry, end: SessionEnd, endedAtMs: u64): void {
    const copy = changetype<SessionEntry>(this.removed + this.removedCount * ENTRY_SIZE);
    memory.copy(changetype<usize>(copy), changetype<usize>(entry), ENTRY_SIZE);
    this.removedCount++;
    if (!entry.isActive) return;
    copy.end = (<u8>end) | ENDED_NOW;
    copy.endedAtMs = endedAtMs;
  }

  /** Reports the removed entries. Returns how many of them were active. */
  private reportRemoved(): i32 {
    let endedNow = 0;
    for (let i = 0; i < this.removedCount; i++) {
      const entry = changetype<SessionEntry>(this.removed + i * ENTRY_SIZE);
      if (entry.end & ENDED_NOW) {
        entry.end &= ~ENDED_NOW;
        endedNow++;
        this.listener.sessionEnded(entry);
      }
      this.listener.sessionSettled(entry);
    }
    return endedNow;
  }

  /** Loads a bucket. A bucket with an invalid entry counts as empty. */
  private load(bucket: i32): void {
    const shared = this.shared;
    shared.loadRecords("sessions", bucket, 0, ENTRY_SIZE, MAX_CAPACITY);
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      if (!changetype<SessionEntry>(at).isSound) shared.length = 0;
    }
  }

  /** Loads the bucket of this hash. Returns the address of its entry there; 0 if there is none. */
  private find(hash: u64): usize {
    this.load(<i32>(hash >> BUCKET_SHIFT));
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      if (changetype<SessionEntry>(at).hash == hash) return at;
    }
    return 0;
  }

  private first(): usize {
    return this.shared.page;
  }

  private last(): usize {
    return this.shared.page + this.shared.length;
  }

  /** The number of active windows in the loaded bucket with the same caller and server as the entry. */
  private windowsOf(entry: SessionEntry): i32 {
    let count = 0;
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      const other = changetype<SessionEntry>(at);
      if (!other.isActive || other.kind != <u8>SessionKind.Window) continue;
      if (other.caller == entry.caller && other.server == entry.server) count++;
    }
    return count;
  }

  /** The address of the entry that is evicted from the loaded bucket for a new session of this caller; 0 if none is.
   *  `isHeavy`: the store is full and the caller is one of those with most sessions. */
  private victimOf(caller: u16, isFull: bool, isHeavy: bool): usize {
    const count = this.shared.length / ENTRY_SIZE;
    if (count < this.capacity) {
      if (!isFull) return 0;
      const own = isHeavy ? this.leastActive(caller) : 0;
      // With few sessions in the bucket, its heaviest caller may not be the heaviest overall. The next sweep knows that and
      // makes room.
      if (own || count * 8 < this.capacity * 3) return own;
    }
    return this.leastActive(this.heaviest(caller));
  }

  /** The caller that would have most sessions in the loaded bucket if `caller` had one more. If several have equally many,
   *  it is the one with the least recently active session. */
  private heaviest(caller: u16): u16 {
    const counts = this.counts;
    counts.clear();
    counts.add(caller);
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) counts.add(changetype<SessionEntry>(at).caller);
    let found = caller;
    let most: u32 = 0;
    let activeAtMs: u64 = 0;
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      const entry = changetype<SessionEntry>(at);
      const count = counts.of(entry.caller);
      if (count < most || (count == most && hasCome(activeAtMs, entry.activeAtMs))) continue;
      found = entry.caller;
      most = count;
      activeAtMs = entry.activeAtMs;
    }
    return found;
  }

  /** The address of an ended entry in the loaded bucket, or else of the caller's least recently active one; 0 if there is
   *  neither. */
  private leastActive(caller: u16): usize {
    let found: usize = 0;
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      const entry = changetype<SessionEntry>(at);
      if (!entry.isActive) return at;
      if (entry.caller != caller) continue;
      if (!found || !hasCome(changetype<SessionEntry>(found).activeAtMs, entry.activeAtMs)) found = at;
    }
    return found;
  }

  /** Counts the active sessions by caller and chooses those that the sweep evicts: the least recently active ones of the
   *  callers with most sessions. */
  private chooseSurplus(): void {
    const counts = this.counts;
    this.countsLeft = false;
    let active = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.load(bucket);
      for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
        const entry = changetype<SessionEntry>(at);
        if (!entry.isActive) continue;
        counts.add(entry.caller);
        active++;
      }
    }
    const surplus = active - this.max;
    if (surplus <= 0) return;
    this.surplus = surplus;
    this.level = counts.levelOf(surplus);
    // The activity times of sessions of callers above the level. Sessions that started since the count are omitted and not
    // evicted.
    const times = new StaticArray<u64>(counts.above(this.level));
    let met = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.load(bucket);
      for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
        const entry = changetype<SessionEntry>(at);
        if (!entry.isActive || counts.of(entry.caller) <= this.level || met == times.length) continue;
        times[met++] = entry.activeAtMs;
      }
    }
    // Sessions that have ended since the count leave zeros here, and so reduce the surplus.
    this.surplusBefore = nthSmallest(times, surplus - 1);
  }

  private activeCount(): i32 {
    const shared = this.shared;
    shared.loadRecords("count", 0, COUNT_SIZE, HEAVY_SIZE, HEAVY_LIMIT);
    if (shared.length < COUNT_SIZE) return 0;
    // Limited to the capacity of all buckets, since the value may be corrupt.
    return <i32>min<u32>(load<u32>(shared.page), BUCKETS * this.capacity);
  }

  /** Whether the caller is among those with most sessions in a store that is nearly full. The value "count" must be loaded. */
  private isHeavy(caller: u16): bool {
    const shared = this.shared;
    for (let at = COUNT_SIZE; at < shared.length; at += HEAVY_SIZE) {
      if (load<u16>(shared.page + at) == caller) return true;
    }
    return false;
  }

  private addToCount(change: i32): void {
    if (change == 0) return;
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const count = this.activeCount() + change;
      store<u32>(shared.page, count < 0 ? 0 : count);
      shared.length = max(shared.length, COUNT_SIZE);
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  /** Sets the count to the sweep's result, which corrects the sum of increments and decrements. */
  private setCount(count: i32, mayBeFull: bool): void {
    const shared = this.shared;
    shared.load("count");
    store<u32>(shared.page, count);
    shared.length = COUNT_SIZE;
    if (mayBeFull) shared.length += this.counts.writeHeaviest(shared.page + COUNT_SIZE);
    shared.save();
  }
}
