import { elapsed, hasCome } from "../memory/elapsed";
import { nthSmallest } from "../memory/select";
import { CallerCounts, HEAVY_LIMIT, HEAVY_SIZE } from "./caller_counts";
import { ENTRY_SIZE, SessionEnd, SessionEntry, SessionKind } from "./session_entry";
import { SessionNews } from "./session_news";
import { SessionState } from "./session_state";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** A session is in the bucket that the highest ten bits of its hash number. */
const BUCKETS: i32 = 1024;
const BUCKET_SHIFT: u64 = 54;
/** The fewest entries that a bucket holds. */
const LEAST_CAPACITY: i32 = 16;
/** The most that it may hold: 1.2 times its share of as many sessions as a configuration allows. */
const LARGEST_CAPACITY: i32 = PAGE_CAPACITY / ENTRY_SIZE;
/** Activity windows that one caller has on one server before all further names of its software share one. With that one they
 *  have room in a bucket. */
const WINDOW_LIMIT: i32 = LEAST_CAPACITY - 1;
/** How long what a worker has seen of a session may take to come here: one flush, and a tick. So long the totals of an
 *  ended session wait, and so much later than its last activity here a session is idle. */
const LAG_MS: u64 = 6000;
/** Sessions that one sweep takes out at most: each costs some five calls of the host. */
const TAKEN_PER_SWEEP: i32 = 4096;

/** Marks in the copy of an entry that is taken out that its end is news. */
const ENDED_NOW: u8 = 0x80;

/** The value "count": how many sessions live, u32, and then the callers that hold most of them when the store is about to be
 *  full, u16 each. */
const COUNT_SIZE: i32 = 4;

/** A hash like `hash`, of a session in the bucket of `other`. */
export function inBucketOf(other: u64, hash: u64): u64 {
  const rest = ((<u64>1) << BUCKET_SHIFT) - 1;
  return (other & ~rest) | (hash & rest);
}

/** Receives what becomes of each session, from the one worker whose change decided it. */
export abstract class SessionListener {
  /** A session has ended. */
  abstract sessionEnded(entry: SessionEntry): void;
  /** The totals of a session that has ended are final. */
  abstract sessionSettled(entry: SessionEntry): void;
  /** The sweep found a session that lives. `state`: as far as workers said. The entry lies in the loaded value: the store must
   *  not be read meanwhile. */
  abstract sessionCounted(entry: SessionEntry, state: SessionState): void;
}

/** What {@link Sessions.insert} found. */
export enum Inserted {
  New,
  /** It is there, and lives. */
  Active,
  /** It was there, and ended a moment ago. */
  Ended,
  /** It is not there, and its caller has as many windows as it may have. */
  TooMany,
  /** Others were faster every time. */
  GaveUp,
}

/**
 * The sessions of a counting unit: packed entries in a fixed number of buckets by hash, bounded. Only the worker whose
 * swap succeeds learns that a session is new or has ended. Where there are too many, the caller that holds most of them loses
 * its least recently active one, so that no caller can evict the sessions of those that have fewer.
 */
export class Sessions {
  private capacity: i32;
  /** Copies of the entries that the change being tried takes out or ends, to be reported once it is made. */
  private takenBytes: StaticArray<u8> = new StaticArray<u8>(0);
  private takenCount: i32 = 0;
  /** Sessions that the sweep still has to evict, and the latest activity that they may have. */
  private surplus: i32 = 0;
  private surplusBefore: u64 = 0;
  /** Of the sessions that live, while a store that is about to be full is swept. */
  private counts: CallerCounts = new CallerCounts();
  /** Of these, each caller keeps at least so many. */
  private level: u32 = 0;
  /** The sweep counts the sessions that it leaves by their callers: they were not counted before. */
  private countsLeft: bool = false;
  /** Sessions that the sweep may still take out, and whether it found more. */
  private budget: i32 = 0;
  private leavesWork: bool = false;
  /** The newest sweep has left no session in the store. */
  isEmpty: bool = false;

  /** @param max sessions at most, kept within 5 %. */
  constructor(
    private shared: Store,
    private max: i32,
    private listener: SessionListener,
  ) {
    // Twice its share, since hashes do not spread evenly.
    const capacity = min(2 * ((max + BUCKETS - 1) / BUCKETS), LARGEST_CAPACITY);
    this.capacity = capacity < LEAST_CAPACITY ? LEAST_CAPACITY : capacity;
    this.takenBytes = new StaticArray<u8>(this.capacity * ENTRY_SIZE);
  }

  /** Whether a window is not there, and its caller has as many as it may have: see {@link insert}. */
  lacksRoom(entry: SessionEntry): bool {
    return !this.find(entry.hash) && this.windowsOf(entry) >= WINDOW_LIMIT;
  }

  /** When a session began that lives, in milliseconds; 0 where there is none. */
  startOf(hash: u64): u64 {
    const found = this.find(hash);
    if (!found) return 0;
    const entry = changetype<SessionEntry>(found);
    return entry.isActive ? entry.startedAtMs : 0;
  }

  /** Inserts a session, unless it is there: then the entry gets the start of the one that is. Where the sessions are too many, one that its bucket can spare is evicted.
   *  `isLimited`: it is a window, of which its caller may have {@link WINDOW_LIMIT} in its bucket. */
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
      this.takenCount = 0;
      let place = shared.page + shared.length;
      const victim = this.victimOf(entry.caller, isFull, isHeavy);
      if (victim) {
        this.takeOut(changetype<SessionEntry>(victim), SessionEnd.Evicted, entry.activeAtMs);
        place = victim;
      } else {
        shared.length += ENTRY_SIZE;
      }
      memory.copy(place, changetype<usize>(entry), ENTRY_SIZE);
      if (!shared.save()) continue;
      const endedNow = this.tellTaken();
      this.addToCount(1 - endedNow);
      return Inserted.New;
    }
    shared.conflicts++;
    return Inserted.GaveUp;
  }

  /** Adds what a worker has seen of a session since its last update. False where it is not there, or has ended. */
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

  /** Ends a session; its totals are reported when they have settled. Nothing where it is not there or has ended. */
  end(hash: u64, reason: SessionEnd, nowMs: u64): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(hash);
      if (!found) return;
      const entry = changetype<SessionEntry>(found);
      if (!entry.isActive) return;
      entry.end = <u8>reason;
      entry.endedAtMs = nowMs;
      const ended = changetype<SessionEntry>(this.taken);
      memory.copy(this.taken, found, ENTRY_SIZE);
      if (!shared.save()) continue;
      this.addToCount(-1);
      this.listener.sessionEnded(ended);
      return;
    }
    shared.conflicts++;
  }

  /** Ends the sessions that are idle, settles those that have ended, evicts those over the cap and reports those that
   *  live. One worker at a time does it. False where more of them are over than one sweep takes out: these still count
   *  as live, and the next sweep is to follow soon. */
  sweep(nowMs: u64): bool {
    const active = this.activeCount();
    this.budget = TAKEN_PER_SWEEP;
    this.takenCount = 0;
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

  private get taken(): usize {
    return changetype<usize>(this.takenBytes);
  }

  /** Takes out of a bucket what is over. Returns how many live sessions stay. */
  private sweepBucket(bucket: i32, nowMs: u64): i32 {
    const shared = this.shared;
    const surplus = this.surplus;
    const budget = this.budget;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucket);
      this.recountTaken();
      // A worker with a larger cap may have filled it.
      if (shared.length > this.takenBytes.length) this.takenBytes = new StaticArray<u8>(shared.length);
      this.takenCount = 0;
      this.surplus = surplus;
      this.budget = budget;
      let kept = shared.page;
      for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
        if (this.takeIfOver(changetype<SessionEntry>(at), nowMs)) continue;
        if (kept != at) memory.copy(kept, at, ENTRY_SIZE);
        kept += ENTRY_SIZE;
      }
      shared.length = <i32>(kept - shared.page);
      if (this.takenCount > 0 && !shared.save()) continue;
      if (shared.length) this.isEmpty = false;
      const active = this.tellActive(nowMs);
      this.tellTaken();
      this.takenCount = 0;
      return active;
    }
    shared.conflicts++;
    this.isEmpty = false;
    this.recountTaken();
    return this.tellActive(nowMs);
  }

  /** A change was tried in vain: what it was to evict still counts. */
  private recountTaken(): void {
    for (let i = 0; i < this.takenCount; i++) {
      const entry = changetype<SessionEntry>(this.taken + i * ENTRY_SIZE);
      if (entry.end == ((<u8>SessionEnd.Evicted) | ENDED_NOW)) this.counts.add(entry.caller);
    }
    this.takenCount = 0;
  }

  /** Reports the live sessions of the loaded bucket. Returns their number. */
  private tellActive(nowMs: u64): i32 {
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

  /** Takes the entry out if it is over and the budget allows. False where it stays. */
  private takeIfOver(entry: SessionEntry, nowMs: u64): bool {
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
      this.takeOut(entry, <SessionEnd>entry.end, entry.endedAtMs);
    } else if (isIdle) {
      this.takeOut(entry, SessionEnd.Idle, entry.activeAtMs);
    } else {
      this.surplus--;
      this.counts.remove(entry.caller);
      this.takeOut(entry, SessionEnd.Evicted, nowMs);
    }
    return true;
  }

  /** Keeps a copy of an entry that leaves its bucket, as one that ended at `endedAtMs`, if it had not before. */
  private takeOut(entry: SessionEntry, end: SessionEnd, endedAtMs: u64): void {
    const copy = changetype<SessionEntry>(this.taken + this.takenCount * ENTRY_SIZE);
    memory.copy(changetype<usize>(copy), changetype<usize>(entry), ENTRY_SIZE);
    this.takenCount++;
    if (!entry.isActive) return;
    copy.end = (<u8>end) | ENDED_NOW;
    copy.endedAtMs = endedAtMs;
  }

  /** Reports the entries that were taken out. Returns how many of them were alive. */
  private tellTaken(): i32 {
    let endedNow = 0;
    for (let i = 0; i < this.takenCount; i++) {
      const entry = changetype<SessionEntry>(this.taken + i * ENTRY_SIZE);
      if (entry.end & ENDED_NOW) {
        entry.end &= ~ENDED_NOW;
        endedNow++;
        this.listener.sessionEnded(entry);
      }
      this.listener.sessionSettled(entry);
    }
    return endedNow;
  }

  /** Loads a bucket; one with an entry that is not sound counts as empty. */
  private load(bucket: i32): void {
    const shared = this.shared;
    shared.loadRecords("sessions", bucket, 0, ENTRY_SIZE, LARGEST_CAPACITY);
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      if (!changetype<SessionEntry>(at).isSound) shared.length = 0;
    }
  }

  /** Loads the bucket of this hash. Returns the address of its entry there, or 0. */
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

  /** The windows that live in the loaded bucket and are of the same caller and server as the entry. */
  private windowsOf(entry: SessionEntry): i32 {
    let count = 0;
    for (let at = this.first(); at < this.last(); at += ENTRY_SIZE) {
      const other = changetype<SessionEntry>(at);
      if (!other.isActive || other.kind != <u8>SessionKind.Window) continue;
      if (other.caller == entry.caller && other.server == entry.server) count++;
    }
    return count;
  }

  /** The address of what leaves the loaded bucket for a new session of this caller; 0 where nothing does. `isHeavy`: the
   *  caller holds most of a store that is full. */
  private victimOf(caller: u16, isFull: bool, isHeavy: bool): usize {
    const count = this.shared.length / ENTRY_SIZE;
    if (count < this.capacity) {
      if (!isFull) return 0;
      const own = isHeavy ? this.leastActive(caller) : 0;
      // Who holds most of a few sessions need not hold most of all: the next sweep, which knows, makes room.
      if (own || count * 8 < this.capacity * 3) return own;
    }
    return this.leastActive(this.heaviest(caller));
  }

  /** The caller of most of the sessions in the loaded bucket once it holds a new one of `caller`. Where several have as many:
   *  that whose session is the least recently active of all. */
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

  /** The entry in the loaded bucket that ended, or else the least recently active one of a caller; 0 where there is none. */
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

  /** Counts the sessions that live by their callers, and chooses those that the sweep evicts: of the callers that hold
   *  most, the least recently active ones. */
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
    // Those of callers above the level, some of which were born since: these are not evicted.
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
    // Sessions that ended meanwhile are 0 here, and so reduce the surplus.
    this.surplusBefore = nthSmallest(times, surplus - 1);
  }

  private activeCount(): i32 {
    const shared = this.shared;
    shared.loadRecords("count", 0, COUNT_SIZE, HEAVY_SIZE, HEAVY_LIMIT);
    if (shared.length < COUNT_SIZE) return 0;
    // No more than what the buckets have room for.
    return <i32>min<u32>(load<u32>(shared.page), BUCKETS * this.capacity);
  }

  /** Whether the caller is among those that hold most of a store that is about to be full. The count must be loaded. */
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

  /** What the sweep has counted is right, whatever births and deaths added up to. */
  private setCount(count: i32, mayBeFull: bool): void {
    const shared = this.shared;
    shared.load("count");
    store<u32>(shared.page, count);
    shared.length = COUNT_SIZE;
    if (mayBeFull) shared.length += this.counts.writeHeaviest(shared.page + COUNT_SIZE);
    shared.save();
  }
}
