import { TargetKind, Method } from "../mcp/protocol/methods";
import { Table } from "../memory/table";
import { Marks } from "../store/primitives/marks";
import { Family } from "./catalogue";
import { MetricTable } from "./metric_table";

/** Different calls that are gathered at most. */
const CAPACITY: i32 = 1024;

/** A call, and how often it came since it was last written to the store. */
@unmanaged
class Call {
  hash: u64;
  server: i32;
  tool: i32;
  count: u32;
}

const CALL_SIZE: i32 = offsetof<Call>();

/**
 * Counts calls that repeat an earlier one of their session: the same tool with the same arguments. What comes is gathered
 * here and written to the store at each tick, where the call's first sight on any worker leaves its mark.
 */
export class RepeatedCalls {
  private bytes: StaticArray<u8> = new StaticArray<u8>(CAPACITY * CALL_SIZE);
  private count: i32 = 0;
  /** The addresses of the gathered calls by their hashes. */
  private byHash: Table = new Table(CAPACITY);

  /** @param seen the calls that were written to the store. */
  constructor(
    private seen: Marks,
    private table: MetricTable,
  ) {}

  /** A call ended. `hash`: what its repetitions have in common with it; the others are labels. */
  add(hash: u64, server: i32, tool: i32): void {
    const known = <usize>this.byHash.get(hash);
    if (known) {
      changetype<Call>(known).count++;
      return;
    }
    if (this.count == CAPACITY) this.flush();
    const at = this.calls + this.count++ * CALL_SIZE;
    const call = changetype<Call>(at);
    call.hash = hash;
    call.server = server;
    call.tool = tool;
    call.count = 1;
    this.byHash.set(hash, at);
  }

  private get calls(): usize {
    return changetype<usize>(this.bytes);
  }

  /** Tells the store what came, and counts what it had seen before. */
  flush(): void {
    for (let i = 0; i < this.count; i++) {
      const call = changetype<Call>(this.calls + i * CALL_SIZE);
      this.byHash.delete(call.hash);
      const repeats = this.seen.set(0, call.hash, 1) ? call.count : call.count - 1;
      if (repeats == 0) continue;
      this.table.choose(call.server, Method.None, TargetKind.Tool, call.tool);
      this.table.count(Family.RepeatedCalls, 0, 0, repeats);
    }
    this.count = 0;
  }
}
