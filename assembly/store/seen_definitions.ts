import { Marks } from "./primitives/marks";
import { Store } from "./primitives/store";

/** The number of buckets, with 32 definitions each: more than there are pins. */
const BUCKETS: i32 = 4096;

/** The latest definitions of pinned tools that servers sent to any worker, as non-zero hashes by the keys of server and
 *  tool. */
export class SeenDefinitions {
  private marks: Marks;

  constructor(shared: Store) {
    this.marks = new Marks(shared, "definitions", BUCKETS);
  }

  /** The latest hash; 0 if there is none. */
  of(server: u64, tool: u64): u64 {
    return this.marks.get(server, tool);
  }

  /** Replaces the previous hash. Writes nothing if it is the same. */
  keep(server: u64, tool: u64, hash: u64): void {
    this.marks.set(server, tool, hash);
  }
}
