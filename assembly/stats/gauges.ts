import { STREAM_KIND_COUNT, StreamKind } from "../mcp/protocol/stream_kinds";
import { Table } from "../memory/table";
import { NumberSet } from "../store/primitives/name_list";
import { NumberListener, WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { Family } from "./catalogue";
import { ConcurrencyGauges } from "./concurrency_gauges";
import { MetricTable } from "./metric_table";
import { OldestOperations } from "./oldest_operations";
import { IS_AGE, IS_CONCURRENCY, IS_QUEUE } from "./published";
import { QueueGauges } from "./queue_gauges";

/** The numbers of each server: operations in flight, and open streams by kind. */
const OPERATIONS: i32 = 0;
const STREAMS: i32 = 1;
const PER_SERVER: i32 = STREAMS + STREAM_KIND_COUNT;

if (PER_SERVER != 5) ERROR("Gauges have other numbers in shared data: see FORMAT.");

/** Maximum number of gauges: those of 64 servers and `_OTHER`. */
const GAUGE_LIMIT: i32 = 65 * PER_SERVER;

/**
 * The gauges of open operations and streams in a counting unit. A worker that traps loses its increments, so gauges are
 * never incremented: each worker publishes its numbers in its slot of the store, and one worker at a time sums the live
 * slots and records the gauges.
 */
export class Gauges extends NumberListener {
  /** The numbers of this worker. */
  private open: StaticArray<u32>;
  /** The sums of the current sweep. */
  private sums: StaticArray<u32>;
  /** The gauges that any worker ever recorded. They must be recorded when they return to zero. */
  private recorded: NumberSet;
  private known: Table = new Table(64);

  constructor(
    maxServers: i32,
    shared: Store,
    private table: MetricTable,
    private oldest: OldestOperations,
    private queues: QueueGauges,
    private concurrency: ConcurrencyGauges,
  ) {
    super();
    const size = (maxServers + 1) * PER_SERVER;
    this.open = new StaticArray<u32>(size);
    this.sums = new StaticArray<u32>(size);
    this.recorded = new NumberSet(shared, "gauges", GAUGE_LIMIT);
  }

  addOperation(server: i32, change: i32): void {
    this.open[server * PER_SERVER + OPERATIONS] += change;
  }

  addStream(server: i32, kind: StreamKind, change: i32): void {
    this.open[server * PER_SERVER + STREAMS + <i32>kind] += change;
  }

  /** Publishes the numbers of this worker. `now` is in milliseconds. */
  publish(slots: WorkerSlots, now: u64, nowNanoseconds: u64): void {
    this.oldest.collect(nowNanoseconds);
    this.concurrency.collect();
    if (!slots.begin(now)) return;
    for (let i = 0; i < this.open.length; i++) {
      if (this.open[i]) slots.put(i, this.open[i]);
    }
    this.oldest.publish(slots);
    this.queues.publish(slots);
    this.concurrency.publish(slots);
    slots.end();
  }

  /** Begins a sweep by summing the numbers of all live workers. `now` is in milliseconds. */
  beginSweep(slots: WorkerSlots, now: u64): void {
    this.sums.fill(0);
    this.queues.beginSweep();
    slots.sum(now, this.sums, this);
  }

  /** Receives another number that a live worker has published. */
  published(name: u32, number: u32): void {
    if (name & IS_AGE) this.oldest.published(name, number);
    else if (name & IS_QUEUE) this.queues.published(name, number);
    else if (name & IS_CONCURRENCY) this.concurrency.published(name, number);
  }

  /** Counts an operation in flight whose response will come on another stream. */
  countPending(server: i32): void {
    const number = server * PER_SERVER + OPERATIONS;
    if (number < this.sums.length) this.sums[number]++;
  }

  /** Records every gauge that is not zero, or was recorded before. */
  endSweep(): void {
    for (let i = 0; i < this.sums.length; i++) {
      if (this.sums[i] && !this.known.get(i + 1) && this.recorded.add(i)) this.known.set(i + 1, 1);
    }
    const recorded = this.recorded.values();
    for (let i = 0; i < recorded.length; i++) {
      const number = recorded[i];
      if (number < <u64>this.sums.length) this.record(<i32>number, this.sums[<i32>number]);
    }
    this.oldest.endSweep();
    this.queues.endSweep();
    this.concurrency.endSweep();
  }

  private record(number: i32, value: u32): void {
    const which = number % PER_SERVER;
    this.table.chooseServer(number / PER_SERVER);
    if (which == OPERATIONS) {
      this.table.record(Family.OperationsInFlight, 0, 0, value);
    } else {
      this.table.record(Family.StreamsActive, which - STREAMS, 0, value);
    }
  }
}
