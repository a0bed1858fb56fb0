import { mix } from "../memory/bytes";
import { Table } from "../memory/table";

/** Marks kept; beyond that the oldest goes. */
const CAPACITY: u32 = 1024;

/**
 * The requests that `notifications/cancelled` named (basic/utilities/cancellation). The notification is a POST of its
 * own, so it leaves a mark here, which is looked up only when a stream ends without the answer.
 */
export class Cancellations {
  private marks: Table = new Table(CAPACITY);
  /** The keys in the order of their coming. */
  private order: usize = heap.alloc(CAPACITY * sizeof<u64>());
  private count: u64 = 0;

  /** Marks the request of this id hash in this session. */
  add(session: u64, id: u64): void {
    const slot = this.order + (<usize>this.count % CAPACITY) * sizeof<u64>();
    if (this.count >= CAPACITY) {
      const oldest = load<u64>(slot);
      // A key that was marked again since has its newer place.
      if (this.marks.get(oldest) == this.count - CAPACITY + 1) this.marks.delete(oldest);
    }
    const key = markKey(session, id);
    store<u64>(slot, key);
    this.marks.set(key, ++this.count);
  }

  /** Whether the request of this id hash in this session is marked. */
  has(session: u64, id: u64): bool {
    return this.marks.get(markKey(session, id)) != 0;
  }
}

function markKey(session: u64, id: u64): u64 {
  return mix(session ^ mix(id)) | 1;
}
