import { WorkerSlots } from "./primitives/worker_slots";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** The permits of one key that one worker holds (at least one). */
@unmanaged
class PermitRecord {
  key: u64;
  /** The {@link Store.self} of the worker that holds the permits. */
  holder: u64;
  /** The low 32 bits of the hash of the owner that first acquired a permit on that worker. */
  owner: u32;
  count: u32;
}

const RECORD_SIZE: i32 = 24;

if (
  offsetof<PermitRecord>("key") != 0 ||
  offsetof<PermitRecord>("holder") != 8 ||
  offsetof<PermitRecord>("owner") != 16 ||
  offsetof<PermitRecord>("count") != 20 ||
  offsetof<PermitRecord>() != RECORD_SIZE
)
  ERROR("The layout of PermitRecord has changed: see FORMAT.");

const BUCKETS: i32 = 256;
/** The maximum number of records in a bucket: more than there are workers. */
const CAPACITY: i32 = 512;
/** The number of records that one owner may have in a bucket before its further keys are refused. */
const OWNER_LIMIT: i32 = CAPACITY / 4;

if (CAPACITY * RECORD_SIZE > PAGE_CAPACITY) ERROR("A full bucket exceeds PAGE_CAPACITY.");

/** The number of ticks between two searches for permits of dead workers. */
const TICKS_PER_ROUND: i32 = 5;
/** The maximum number of workers that one round suspects to be dead. */
const MAX_SUSPECTS: i32 = 256;
/** The maximum number of releases that wait for the next tick because other workers interfered with every attempt. */
const MAX_UNFINISHED: i32 = 64;

/**
 * Permits for concurrent operations, of which each key has a limited number across all workers. The store records how many
 * each worker holds, in a fixed number of buckets by keyed hash. A key without permits in use takes no room. The maximum
 * size is 3.1 MB: 256 values of up to 12 KiB. Each record stands for at least one operation in progress.
 */
export class Permits {
  /** The number of the key's permits in use after the latest {@link acquire}. */
  inUse: u32 = 0;
  /** The number of ticks until the next round. */
  private ticks: i32 = 0;
  /** Pairs of a worker that seemed dead and its {@link WorkerSlots.silentSince}: those of the last round, and those of the current
   *  one. */
  private suspects: StaticArray<u64> = new StaticArray<u64>(2 * MAX_SUSPECTS);
  private suspectCount: i32 = 0;
  private newSuspects: StaticArray<u64> = new StaticArray<u64>(2 * MAX_SUSPECTS);
  private newSuspectCount: i32 = 0;
  /** Pairs of key and holder of the releases that wait. */
  private unfinished: StaticArray<u64> = new StaticArray<u64>(2 * MAX_UNFINISHED);
  private unfinishedCount: i32 = 0;

  /** @param name separates different sets of permits in the store. */
  constructor(
    private shared: Store,
    private name: string,
  ) {}

  /** Identifies this worker in {@link release}. */
  get holder(): u64 {
    return this.shared.self;
  }

  /** Acquires a permit for this worker, which must have a slot (see {@link WorkerSlots.claim}). False if `limit` permits are in
   *  use, if there is no room, if the owner has reached its limit, or if other workers interfered with every attempt. */
  acquire(key: u64, owner: u64, limit: u32): bool {
    const shared = this.shared;
    const tag = <u32>owner;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucketOf(key));
      let inUse: u64 = 0;
      let isNew = true;
      let own: usize = 0;
      let ofOwner = 0;
      for (let at = shared.page; at < this.end; at += RECORD_SIZE) {
        const record = changetype<PermitRecord>(at);
        if (record.owner == tag) ofOwner++;
        if (record.key != key) continue;
        inUse += record.count;
        isNew = false;
        if (record.holder == shared.self) own = at;
      }
      this.inUse = <u32>min<u64>(inUse, u32.MAX_VALUE);
      if (inUse >= limit) return false;
      if (own) {
        changetype<PermitRecord>(own).count++;
      } else {
        if (shared.length >= CAPACITY * RECORD_SIZE || (isNew && ofOwner >= OWNER_LIMIT)) return false;
        const record = changetype<PermitRecord>(this.end);
        record.key = key;
        record.holder = shared.self;
        record.owner = tag;
        record.count = 1;
        shared.length += RECORD_SIZE;
      }
      if (!shared.save()) continue;
      this.inUse++;
      return true;
    }
    shared.conflicts++;
    return false;
  }

  /** Releases a permit of the key that `holder`, this worker or another one, acquired. Does nothing if it holds none. */
  release(key: u64, holder: u64): void {
    if (this.tryRelease(key, holder)) return;
    this.shared.conflicts++;
    if (this.unfinishedCount == MAX_UNFINISHED) return;
    this.unfinished[2 * this.unfinishedCount] = key;
    this.unfinished[2 * this.unfinishedCount + 1] = holder;
    this.unfinishedCount++;
  }

  /** Retries releases that other workers prevented. Every worker calls this on its tick. */
  finishReleases(): void {
    let kept = 0;
    for (let i = 0; i < this.unfinishedCount; i++) {
      const key = this.unfinished[2 * i];
      const holder = this.unfinished[2 * i + 1];
      if (this.tryRelease(key, holder)) continue;
      this.unfinished[2 * kept] = key;
      this.unfinished[2 * kept + 1] = holder;
      kept++;
    }
    this.unfinishedCount = kept;
  }

  /** Releases the permits of dead workers. One worker calls this on each of its ticks; every fifth tick is a round. A worker
   *  loses its permits if it seemed dead in two rounds without a heartbeat between them, so setting the clock kills no
   *  worker. */
  sweep(slots: WorkerSlots, nowMs: u64): void {
    if (this.ticks-- > 0) return;
    this.ticks = TICKS_PER_ROUND - 1;
    slots.observe(nowMs);
    this.newSuspectCount = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.sweepBucket(bucket, slots);
    const before = this.suspects;
    this.suspects = this.newSuspects;
    this.suspectCount = this.newSuspectCount;
    this.newSuspects = before;
  }

  private sweepBucket(bucket: i32, slots: WorkerSlots): void {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(bucket);
      let kept = shared.page;
      let isKept = true;
      let holder: u64 = 0;
      for (let at = kept; at < this.end; at += RECORD_SIZE) {
        const record = changetype<PermitRecord>(at);
        if (at == shared.page || record.holder != holder) isKept = !this.isDead(record.holder, slots);
        holder = record.holder;
        if (!isKept || !record.count) continue;
        if (kept != at) memory.copy(kept, at, RECORD_SIZE);
        kept += RECORD_SIZE;
      }
      if (kept == this.end) return;
      shared.length = <i32>(kept - shared.page);
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  /** Whether a worker has been dead since the last round. A worker that seems dead for the first time becomes a suspect for
   *  the next round. */
  private isDead(holder: u64, slots: WorkerSlots): bool {
    const silentSince = slots.silentSince(holder);
    if (!silentSince) return false;
    for (let i = 0; i < this.suspectCount; i++) {
      if (this.suspects[2 * i] == holder && this.suspects[2 * i + 1] == silentSince) return true;
    }
    const count = this.newSuspectCount;
    for (let i = 0; i < count; i++) if (this.newSuspects[2 * i] == holder) return false;
    if (count == MAX_SUSPECTS) return false;
    this.newSuspects[2 * count] = holder;
    this.newSuspects[2 * count + 1] = silentSince;
    this.newSuspectCount++;
    return false;
  }

  /** Releases a permit. False if other workers interfered with every attempt. */
  private tryRelease(key: u64, holder: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(key, holder);
      if (!found) return true;
      const record = changetype<PermitRecord>(found);
      if (record.count > 1) {
        record.count--;
      } else {
        shared.length -= RECORD_SIZE;
        if (found != this.end) memory.copy(found, this.end, RECORD_SIZE);
      }
      if (shared.save()) return true;
    }
    return false;
  }

  /** Loads the bucket of this key. Returns the address of the holder's record there; 0 if there is none. */
  private find(key: u64, holder: u64): usize {
    this.load(bucketOf(key));
    for (let at = this.shared.page; at < this.end; at += RECORD_SIZE) {
      const record = changetype<PermitRecord>(at);
      if (record.key == key && record.holder == holder) return at;
    }
    return 0;
  }

  private load(bucket: i32): void {
    this.shared.loadRecords(this.name, bucket, 0, RECORD_SIZE, CAPACITY);
  }

  private get end(): usize {
    return this.shared.page + this.shared.length;
  }
}

function bucketOf(key: u64): i32 {
  return <i32>(key >> 56);
}
