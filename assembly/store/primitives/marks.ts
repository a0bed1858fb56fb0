import { mix } from "../../memory/bytes";
import { ATTEMPTS, Store } from "./store";

/** The maximum number of marks in a bucket. The oldest one is evicted first. */
const CAPACITY: i32 = 32;

/** A value that a stream left for another stream. */
@unmanaged
class Mark {
  key: u64;
  value: u64;
}

const MARK_SIZE: i32 = 16;

if (offsetof<Mark>("key") != 0 || offsetof<Mark>("value") != 8 || offsetof<Mark>() != MARK_SIZE)
  ERROR("The layout of Mark has changed: see FORMAT.");

/**
 * Values that streams leave for other streams, on any worker: which requests `notifications/cancelled` named, the state of a
 * list after some of its pages, the endpoints of HTTP+SSE, the states of tasks. The number of each is bounded; the oldest
 * ones are evicted.
 */
export class Marks {
  /**
   * @param name separates different sets of marks in the store.
   * @param buckets a power of two; each bucket has room for 32 marks.
   */
  constructor(
    private shared: Store,
    private name: string,
    private buckets: i32 = 256,
  ) {}

  /** Sets the value (not 0) of a hash within a scope, which is another hash. Returns the previous value; 0 if there was
   *  none. */
  set(scope: u64, hash: u64, value: u64): u64 {
    const shared = this.shared;
    const key = keyOf(scope, hash);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(key);
      const before = found ? changetype<Mark>(found).value : 0;
      if (before == value) return before;
      if (found) changetype<Mark>(found).value = value;
      else this.append(key, value);
      if (shared.save()) return before;
    }
    shared.conflicts++;
    return 0;
  }

  /** Replaces the value `before` with `value`; 0 means no mark. False if the current value is not `before`, or if another
   *  worker interfered. */
  replace(scope: u64, hash: u64, before: u64, value: u64): bool {
    const key = keyOf(scope, hash);
    const found = this.find(key);
    if ((found ? changetype<Mark>(found).value : 0) != before) return false;
    if (before == value) return true;
    if (!found) this.append(key, value);
    else if (value) changetype<Mark>(found).value = value;
    else this.cut(found);
    return this.shared.save();
  }

  /** The value of a mark; 0 if there is none. */
  get(scope: u64, hash: u64): u64 {
    const found = this.find(keyOf(scope, hash));
    return found ? changetype<Mark>(found).value : 0;
  }

  /** Removes a mark from the loaded bucket. */
  private cut(at: usize): void {
    const shared = this.shared;
    const next = at + MARK_SIZE;
    memory.copy(at, next, shared.page + shared.length - next);
    shared.length -= MARK_SIZE;
  }

  /** Adds a mark to the loaded bucket. */
  private append(key: u64, value: u64): void {
    const shared = this.shared;
    const full = CAPACITY * MARK_SIZE;
    if (shared.length >= full) {
      memory.copy(shared.page, shared.page + MARK_SIZE, full - MARK_SIZE);
      shared.length = full - MARK_SIZE;
    }
    const mark = changetype<Mark>(shared.page + shared.length);
    mark.key = key;
    mark.value = value;
    shared.length += MARK_SIZE;
  }

  /** Loads the bucket of this key. Returns the address of its mark there; 0 if there is none. */
  private find(key: u64): usize {
    const shared = this.shared;
    shared.loadRecords(this.name, <i32>(key & (this.buckets - 1)), 0, MARK_SIZE, CAPACITY);
    for (let at = shared.page; at < shared.page + shared.length; at += MARK_SIZE) {
      if (changetype<Mark>(at).key == key) return at;
    }
    return 0;
  }
}

function keyOf(scope: u64, hash: u64): u64 {
  return mix(scope ^ mix(hash));
}
