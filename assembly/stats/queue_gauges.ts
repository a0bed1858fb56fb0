import { Table } from "../memory/table";
import { NumberSet } from "../store/primitives/name_list";
import { WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { Family } from "./catalogue";
import { Labels, SHARED_RULE_LIMIT } from "./labels";
import { MetricTable } from "./metric_table";
import { IS_QUEUE } from "./published";

/** Maximum number of pairs of a server and a rule with a gauge. */
const GAUGE_LIMIT: i32 = 4096;
const RULE_BITS: u32 = 8;

/**
 * The gauges of requests that wait for each rule of `limits`, by server. Each worker publishes its number in its slot.
 * The worker that sweeps sums and records them, including zeros of known gauges. Rules have their shared numbers,
 * because the index of a rule may change with the configuration.
 */
export class QueueGauges {
  /** The gauges known to this worker: their names in slots, the number of requests that wait here, and the sums of
   *  the sweep. */
  private names: u32[] = [];
  private waiting: u32[] = [];
  private sums: u32[] = [];
  /** Whether a request has ever waited here, and on any worker. */
  private hasWaitedHere: bool[] = [];
  private hasWaited: bool[] = [];
  /** Index + 1 in these arrays, by name. */
  private indices: Table = new Table(16);
  /** The gauges that any worker ever recorded. */
  private recorded: NumberSet;
  private known: Table = new Table(16);

  constructor(
    shared: Store,
    private labels: Labels,
    private table: MetricTable,
  ) {
    this.recorded = new NumberSet(shared, "queues", GAUGE_LIMIT);
  }

  /** Adds `change` to the number of requests that wait on this worker for the rule of this shared number. */
  change(server: i32, rule: i32, change: i32): void {
    const index = this.indexOf(nameOf(server, rule));
    if (index < 0) return;
    this.waiting[index] = <u32>max(<i32>this.waiting[index] + change, 0);
    this.hasWaitedHere[index] = true;
  }

  /** Publishes the numbers of requests that wait here, including zeros, so that a queue has its gauge even if it was
   *  empty at each tick. */
  publish(slots: WorkerSlots): void {
    for (let i = 0; i < this.waiting.length; i++) {
      if (this.hasWaitedHere[i]) slots.put(this.names[i], this.waiting[i]);
    }
  }

  beginSweep(): void {
    this.sums.fill(0);
  }

  /** Adds the number of requests that wait on a live worker. The store must not be used during the call. */
  published(name: u32, waiting: u32): void {
    const index = this.isSound(name) ? this.indexOf(name) : -1;
    if (index < 0) return;
    this.sums[index] += waiting;
    this.hasWaited[index] = true;
  }

  /** Records the gauge of every queue in which a request has ever waited. */
  endSweep(): void {
    for (let i = 0; i < this.sums.length; i++) {
      const name = this.names[i];
      if (this.hasWaited[i] && !this.known.get(name) && this.recorded.add(name)) this.known.set(name, 1);
    }
    const recorded = this.recorded.values();
    for (let i = 0; i < recorded.length; i++) {
      const name = <u32>recorded[i];
      if (recorded[i] != name || !this.isSound(name)) continue;
      const index = <i32>this.indices.get(name) - 1;
      this.table.chooseServer(serverIn(name));
      this.table.chooseSharedRule(ruleIn(name));
      this.table.record(Family.LimitQueueLength, 0, 0, index < 0 ? 0 : this.sums[index]);
    }
  }

  /** The index of a gauge, which is added if there is room; -1 if there is not. */
  private indexOf(name: u32): i32 {
    const known = <i32>this.indices.get(name);
    if (known || this.names.length == GAUGE_LIMIT) return known - 1;
    this.names.push(name);
    this.waiting.push(0);
    this.sums.push(0);
    this.hasWaitedHere.push(false);
    this.hasWaited.push(false);
    this.indices.set(name, this.names.length);
    return this.names.length - 1;
  }

  /** Whether a name from the store belongs to a known server and a valid rule. */
  private isSound(name: u32): bool {
    return name >> 30 == IS_QUEUE >> 30 && ruleIn(name) <= SHARED_RULE_LIMIT && this.labels.hasServer(serverIn(name));
  }
}

function nameOf(server: i32, rule: i32): u32 {
  return IS_QUEUE | (server << RULE_BITS) | rule;
}

function serverIn(name: u32): i32 {
  return (name & ~IS_QUEUE) >> RULE_BITS;
}

function ruleIn(name: u32): i32 {
  return name & ((1 << RULE_BITS) - 1);
}
