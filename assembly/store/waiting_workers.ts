import { isWithin } from "../memory/elapsed";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** One worker that waits for a key. */
@unmanaged
class WaitingRecord {
  key: u64;
  /** The {@link Store.self} of the worker. */
  worker: u64;
  /** The worker's progress since it started to wait, in stride scheduling: see {@link WaitingWorkers}. */
  progress: u64;
  /** The time when the worker last announced that it waits, in milliseconds. */
  seenAtMs: u64;
  /** The number of the shared queue that wakes the worker. */
  queue: u32;
  /** The number of callers that wait on the worker. */
  callers: u32;
}

const RECORD_SIZE: i32 = 40;

if (
  offsetof<WaitingRecord>("key") != 0 ||
  offsetof<WaitingRecord>("worker") != 8 ||
  offsetof<WaitingRecord>("progress") != 16 ||
  offsetof<WaitingRecord>("seenAtMs") != 24 ||
  offsetof<WaitingRecord>("queue") != 32 ||
  offsetof<WaitingRecord>("callers") != 36 ||
  offsetof<WaitingRecord>() != RECORD_SIZE
)
  ERROR("The layout of WaitingRecord has changed: see FORMAT.");

const BUCKETS: i32 = 256;
const CAPACITY: i32 = 512;

if (CAPACITY * RECORD_SIZE > PAGE_CAPACITY) ERROR("A full bucket exceeds PAGE_CAPACITY.");

/** A worker whose latest announcement is older than this is gone: three ticks. */
const LIVE_MS: u64 = 3500;
/** The progress of a worker with a single caller in one turn. */
const STRIDE: u64 = 1 << 20;
/** The maximum lead that is considered: more than that of any worker that has not waited alone. */
const LEAD_MOST: u64 = STRIDE << 12;

/**
 * The workers whose requests wait for a shared resource, by its key. Stride scheduling (Waldspurger and Weihl, 1995) decides
 * which one is next: the worker with the least progress. Each turn advances a worker by a stride divided by the number of
 * callers that wait on it. A caller that waits on k workers therefore gets k shares. The maximum size is 5 MB: 256 values of
 * up to 20 KiB.
 */
export class WaitingWorkers {
  /** The worker that {@link choose} found, and the number of its queue. */
  chosen: u64 = 0;
  chosenQueue: i32 = 0;
  /** The number of workers that wait for the key, as {@link choose} found them, including this one. */
  private count: i32 = 0;

  constructor(private shared: Store) {}

  /** Announces the number of callers that wait for `key` on this worker (0: none any more) and the queue that wakes it.
   *  False if there is no room, or if other workers interfered with every attempt. */
  announce(key: u64, callers: u32, queue: i32, nowMs: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(key);
      let own: usize = 0;
      let least = u64.MAX_VALUE;
      for (let at = shared.page; at < this.end;) {
        const record = changetype<WaitingRecord>(at);
        const isOwn = record.key == key && record.worker == shared.self;
        if (isOwn ? callers == 0 : !isLive(record, nowMs)) {
          shared.length -= RECORD_SIZE;
          if (at != this.end) memory.copy(at, this.end, RECORD_SIZE);
          continue;
        }
        if (isOwn) own = at;
        else if (record.key == key) least = min(least, record.progress);
        at += RECORD_SIZE;
      }
      if (callers) {
        if (!own) {
          if (shared.length >= CAPACITY * RECORD_SIZE) return false;
          own = this.end;
          shared.length += RECORD_SIZE;
          const record = changetype<WaitingRecord>(own);
          record.key = key;
          record.worker = shared.self;
          // A new worker starts level with the others.
          record.progress = least == u64.MAX_VALUE ? 0 : least;
        }
        const record = changetype<WaitingRecord>(own);
        if (record.progress > least) record.progress = least + lead(record.progress - least, record.callers, callers);
        record.callers = callers;
        record.queue = queue;
        record.seenAtMs = nowMs;
      }
      if (shared.save()) return true;
    }
    shared.conflicts++;
    return false;
  }

  /** Whether any worker waits for `key`. */
  isAwaited(key: u64, nowMs: u64): bool {
    this.load(key);
    for (let at = this.shared.page; at < this.end; at += RECORD_SIZE) {
      const record = changetype<WaitingRecord>(at);
      if (record.key == key && isLive(record, nowMs)) return true;
    }
    return false;
  }

  /** Chooses the worker that is next to receive what is free for `key`. False if none waits. */
  choose(key: u64, nowMs: u64): bool {
    this.load(key);
    this.count = 0;
    let least: u64 = 0;
    for (let at = this.shared.page; at < this.end; at += RECORD_SIZE) {
      const record = changetype<WaitingRecord>(at);
      if (record.key != key || !isLive(record, nowMs)) continue;
      if (this.count++ && record.progress >= least) continue;
      least = record.progress;
      this.chosen = record.worker;
      this.chosenQueue = <i32>record.queue;
    }
    return this.count > 0;
  }

  /** Counts a turn of the worker that receives what is free for `key`. */
  served(key: u64, worker: u64, nowMs: u64): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(key);
      let own: usize = 0;
      let hasOthers = false;
      for (let at = shared.page; at < this.end; at += RECORD_SIZE) {
        const record = changetype<WaitingRecord>(at);
        if (record.key != key) continue;
        if (record.worker == worker) own = at;
        else if (isLive(record, nowMs)) hasOthers = true;
      }
      // A worker that waits alone is always next.
      if (!own || !hasOthers) return;
      const record = changetype<WaitingRecord>(own);
      record.progress += STRIDE / max<u64>(record.callers, 1);
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  private load(key: u64): void {
    this.shared.loadRecords("waiting", <i32>(key >> 56), 0, RECORD_SIZE, CAPACITY);
  }

  private get end(): usize {
    return this.shared.page + this.shared.length;
  }
}

/** Adjusts a worker's lead over the others, for which its next turn waits, when the number of its callers changes: with more
 *  callers, the wait is shorter. */
function lead(progress: u64, callersBefore: u32, callers: u32): u64 {
  return (min(progress, LEAD_MOST) * callersBefore) / callers;
}

function isLive(record: WaitingRecord, nowMs: u64): bool {
  return isWithin(LIVE_MS, record.seenAtMs, nowMs);
}
