import { Marks } from "./primitives/marks";
import { Store } from "./primitives/store";

/** Definitions in buckets of 32: more than there are pins. */
const BUCKETS: i32 = 4096;

/** The definitions of tools that servers answered last, as hashes that are not 0, on whichever worker: those of tools with pins,
 *  by the keys of server and tool. */
export class SeenDefinitions {
  private marks: Marks;

  constructor(shared: Store) {
    this.marks = new Marks(shared, "definitions", BUCKETS);
  }

  /** The hash that was kept last; 0 where none has been. */
  of(server: u64, tool: u64): u64 {
    return this.marks.get(server, tool);
  }

  /** Keeps a hash in place of the one before. Nothing is written where it is the same. */
  keep(server: u64, tool: u64, hash: u64): void {
    this.marks.set(server, tool, hash);
  }
}
