import { mix } from "../memory/bytes";
import { ATTEMPTS, Store } from "./store";

const BUCKETS: i32 = 256;
/** Marks in a bucket; beyond that the oldest goes. */
const CAPACITY: i32 = 32;

/** What a stream left for another one. */
@unmanaged
class Mark {
  key: u64;
  value: u64;
}

const MARK_SIZE: i32 = 16;

/**
 * What streams leave for others, on any worker, that are looked up seldom: which requests `notifications/cancelled` named
 * (basic/utilities/cancellation), what the pages of a list have come to. A bounded number of each; the oldest go.
 */
export class Marks {
  /** @param name what they are of: those of another name are others. */
  constructor(
    private shared: Store,
    private name: string,
  ) {}

  /** Leaves a value, not 0, under a hash within a scope, which is another hash. */
  add(scope: u64, hash: u64, value: u64): void {
    const shared = this.shared;
    const key = keyOf(scope, hash);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(key);
      if (found) {
        changetype<Mark>(found).value = value;
      } else {
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
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  /** The value that was left, 0 where there is none. */
  get(scope: u64, hash: u64): u64 {
    const found = this.find(keyOf(scope, hash));
    return found ? changetype<Mark>(found).value : 0;
  }

  /** Takes the bucket of this key into hand. The address of its mark there, or 0. */
  private find(key: u64): usize {
    const shared = this.shared;
    shared.load(this.name, <i32>(key & (BUCKETS - 1)));
    for (let at = shared.page; at < shared.page + shared.length; at += MARK_SIZE) {
      if (changetype<Mark>(at).key == key) return at;
    }
    return 0;
  }
}

function keyOf(scope: u64, hash: u64): u64 {
  return mix(scope ^ mix(hash));
}
