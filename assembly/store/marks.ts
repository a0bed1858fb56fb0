import { mix } from "../memory/bytes";
import { ATTEMPTS, Store } from "./store";

const BUCKETS: i32 = 256;
/** Marks in a bucket; beyond that the oldest goes. */
const CAPACITY: i32 = 32;

/**
 * Requests that `notifications/cancelled` named (basic/utilities/cancellation). The notification is a POST of its own,
 * on any worker, so it leaves a mark, which is looked up only where a stream ends without the answer.
 */
export class Marks {
  constructor(private shared: Store) {}

  /** Marks the request of this id hash in this session. */
  add(session: u64, id: u64): void {
    const shared = this.shared;
    const mark = markOf(session, id);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.load("marks", bucketOf(mark));
      if (contains(shared, mark)) return;
      const full = CAPACITY * <i32>sizeof<u64>();
      if (shared.length >= full) {
        memory.copy(shared.page, shared.page + sizeof<u64>(), full - sizeof<u64>());
        shared.length = full - sizeof<u64>();
      }
      store<u64>(shared.page + shared.length, mark);
      shared.length += sizeof<u64>();
      if (shared.save()) return;
    }
    shared.conflicts++;
  }

  /** Whether the request of this id hash in this session is marked. */
  has(session: u64, id: u64): bool {
    const mark = markOf(session, id);
    this.shared.load("marks", bucketOf(mark));
    return contains(this.shared, mark);
  }
}

function contains(shared: Store, mark: u64): bool {
  for (let at = 0; at < shared.length; at += sizeof<u64>()) {
    if (load<u64>(shared.page + at) == mark) return true;
  }
  return false;
}

function markOf(session: u64, id: u64): u64 {
  return mix(session ^ mix(id));
}

function bucketOf(mark: u64): i32 {
  return <i32>(mark & (BUCKETS - 1));
}
