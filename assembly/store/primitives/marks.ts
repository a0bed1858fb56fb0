import { mix } from "../../memory/bytes";
import { ATTEMPTS, Store } from "./store";

/** Marks in a bucket: the oldest makes room for another one. */
const CAPACITY: i32 = 32;

/** What a stream left for another one. */
@unmanaged
class Mark {
  key: u64;
  value: u64;
}

const MARK_SIZE: i32 = 16;

if (offsetof<Mark>("key") != 0 || offsetof<Mark>("value") != 8 || offsetof<Mark>() != MARK_SIZE)
  ERROR("The layout of Mark has changed: see FORMAT.");

/**
 * What streams leave for others, on any worker: which requests `notifications/cancelled` named, what the pages of a list
 * have come to, the endpoints of HTTP+SSE, the states of tasks. A bounded number of each; the oldest go.
 */
export class Marks {
  /** @param name what they are of: those of another name are others.
   *  @param buckets a power of two: 32 marks have room in each. */
  constructor(
    private shared: Store,
    private name: string,
    private buckets: i32 = 256,
  ) {}

  /** Leaves a value, not 0, under a hash within a scope, which is another hash. Returns the one that was there, or 0. */
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

  /** Leaves a value in place of the one that is there: each 0 for none. False where another one is there. */
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

  /** The value that was left, 0 where there is none. */
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

  /** Loads the bucket of this key. Returns the address of its mark there, or 0. */
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
