import { Table } from "../memory/table";
import { NumberSet } from "../store/primitives/name_list";
import { Slots } from "../store/primitives/slots";
import { Store } from "../store/primitives/store";
import { Family } from "./catalogue";
import { Labels, SHARED_RULE_LIMIT } from "./labels";
import { MetricTable } from "./metric_table";
import { IS_QUEUE } from "./published";

/** Pairs of a server and a rule that get a gauge. */
const GAUGE_LIMIT: i32 = 4096;
const RULE_BITS: u32 = 8;

/**
 * How many requests wait for each rule of `limits`, by server. Each worker publishes those that wait on it in its slot; the worker
 * that sweeps adds them up and records them, also when they are back at zero. Rules have the numbers that workers share:
 * the index of a rule is another one after a change of the configuration.
 */
export class QueueGauges {
  /** The gauges that this worker knows: their names in slots, the requests that wait here, and what is being summed. */
  private names: u32[] = [];
  private waiting: u32[] = [];
  private sums: u32[] = [];
  /** Whether requests have ever waited here, and anywhere. */
  private hasWaitedHere: bool[] = [];
  private hasWaited: bool[] = [];
  /** Indices + 1 in these arrays by name. */
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

  /** So many more requests wait on this worker for the rule of this shared number; fewer where `change` is negative. */
  change(server: i32, rule: i32, change: i32): void {
    const index = this.indexOf(nameOf(server, rule));
    if (index < 0) return;
    this.waiting[index] = <u32>max(<i32>this.waiting[index] + change, 0);
    this.hasWaitedHere[index] = true;
  }

  /** Adds the requests that wait here to what is being published: also none, so that a queue has its gauge although it was empty at
   *  each tick. */
  publish(slots: Slots): void {
    for (let i = 0; i < this.waiting.length; i++) {
      if (this.hasWaitedHere[i]) slots.put(this.names[i], this.waiting[i]);
    }
  }

  beginSweep(): void {
    this.sums.fill(0);
  }

  /** A live worker has published how many requests wait there. The store must not be used meanwhile. */
  published(name: u32, waiting: u32): void {
    const index = this.isSound(name) ? this.indexOf(name) : -1;
    if (index < 0) return;
    this.sums[index] += waiting;
    this.hasWaited[index] = true;
  }

  /** Records the gauge of every queue in which anything has ever waited. */
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

  /** The index of a gauge, which is added if there is room; -1 where there is none. */
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

  /** Whether a name from the store is of a server and a rule that there can be. */
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
