import { TargetKind, Method } from "../mcp/protocol/methods";
import { Table } from "../memory/table";
import { Marks } from "../store/primitives/marks";
import { Family } from "./catalogue";
import { MetricTable } from "./metric_table";

/** Maximum number of different gathered calls. */
const CAPACITY: i32 = 1024;

/** A call, and its number of occurrences since it was last written to the store. */
@unmanaged
class Call {
  hash: u64;
  server: i32;
  tool: i32;
  count: u32;
}

const CALL_SIZE: i32 = offsetof<Call>();

/**
 * Counts calls that repeat an earlier call of their session: the same tool with the same arguments. Calls are gathered
 * here and written to the store at each tick. The first occurrence of a call on any worker leaves a mark there.
 */
export class RepeatedCalls {
  private bytes: StaticArray<u8> = new StaticArray<u8>(CAPACITY * CALL_SIZE);
  private count: i32 = 0;
  /** Addresses of the gathered calls, by hash. */
  private byHash: Table = new Table(CAPACITY);

  /** @param seen marks of the calls that were written to the store */
  constructor(
    private seen: Marks,
    private table: MetricTable,
  ) {}

  /** Adds a call that has ended. `hash` is the same for all its repetitions; `server` and `tool` are indices of
   *  labels. */
  add(hash: u64, server: i32, tool: i32): void {
    const known = <usize>this.byHash.get(hash);
    if (known) {
      changetype<Call>(known).count++;
      return;
    }
    if (this.count == CAPACITY) this.flush();
    const at = this.calls + this.count++ * CALL_SIZE;
    const input = changetype<Call>(at);
    input.hash = hash;
    input.server = server;
    input.tool = tool;
    input.count = 1;
    this.byHash.set(hash, at);
  }

  private get calls(): usize {
    return changetype<usize>(this.bytes);
  }

  /** Writes the gathered calls to the store, and counts those that were there before. */
  flush(): void {
    for (let i = 0; i < this.count; i++) {
      const input = changetype<Call>(this.calls + i * CALL_SIZE);
      this.byHash.delete(input.hash);
      const repeats = this.seen.set(0, input.hash, 1) ? input.count : input.count - 1;
      if (repeats == 0) continue;
      this.table.choose(input.server, Method.None, TargetKind.Tool, input.tool);
      this.table.count(Family.RepeatedCalls, 0, 0, repeats);
    }
    this.count = 0;
  }
}
