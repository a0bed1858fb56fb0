import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../memory/elapsed";
import { Table } from "../memory/table";
import { METHOD_COUNT, Method, TargetKind, targetKind } from "../mcp/protocol/methods";
import { Operation } from "../mcp/state/operation";
import { NumberSet } from "../store/primitives/name_list";
import { WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { Family } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels, SERIES_LIMIT } from "./labels";
import { MetricTable } from "./metric_table";
import { LABEL_INDEX_BITS, METHOD_BITS, KIND_BITS } from "./metric_key";
import { IS_AGE } from "./published";

/** Operations open for less time are not shown, so that ordinary ones create no gauge. */
const MIN_AGE_MS: u64 = 1000;
/** Maximum number of operations that a worker publishes. */
const PUBLISHED: i32 = 16;

const KIND_SHIFT: u32 = <u32>LABEL_INDEX_BITS;
const METHOD_SHIFT: u32 = KIND_SHIFT + <u32>KIND_BITS;
const SERVER_SHIFT: u32 = METHOD_SHIFT + <u32>METHOD_BITS;

/**
 * The gauges of the age of the oldest open operations, by server, method and target. Each worker publishes the ages of
 * its oldest operations in its slot. The worker that sweeps adds the operations that wait in the store, and records the
 * greatest age of each series.
 */
export class OldestOperations {
  /** Addresses of the oldest and the newest of the open operations of this worker; 0 for none. They are linked in
   *  the order in which they began. */
  private first: usize = 0;
  private last: usize = 0;
  /** The names and ages that this worker publishes. */
  private names: StaticArray<u32> = new StaticArray<u32>(PUBLISHED);
  private ages: StaticArray<u32> = new StaticArray<u32>(PUBLISHED);
  private count: i32 = 0;
  /** The results of the sweep: the greatest age by name, and the names. */
  private greatest: Table = new Table(64);
  private found: StaticArray<u32> = new StaticArray<u32>(SERIES_LIMIT);
  private foundCount: i32 = 0;
  /** The gauges that any worker ever recorded. They must be recorded when nothing is open any more. */
  private recorded: NumberSet;
  private known: Table = new Table(64);

  constructor(
    private labels: Labels,
    private table: MetricTable,
    shared: Store,
  ) {
    this.recorded = new NumberSet(shared, "oldest", SERIES_LIMIT);
  }

  /** Adds an operation that is open on this worker. `server` is the index of its server's label. */
  open(operation: Operation, server: i32): void {
    if (operation.method == Method.SubscriptionsListen) return;
    const at = changetype<usize>(operation);
    operation.serverLabel = server;
    operation.older = this.last;
    operation.newer = 0;
    if (this.last) changetype<Operation>(this.last).newer = at;
    else this.first = at;
    this.last = at;
  }

  /** Removes an operation that is no longer open on this worker, and that was added by {@link open}. */
  close(operation: Operation): void {
    if (operation.method == Method.SubscriptionsListen) return;
    if (operation.older) changetype<Operation>(operation.older).newer = operation.newer;
    else this.first = operation.newer;
    if (operation.newer) changetype<Operation>(operation.newer).older = operation.older;
    else this.last = operation.older;
  }

  /** Determines the ages to publish. `now` is in nanoseconds. */
  collect(now: u64): void {
    this.count = 0;
    for (let at = this.first; at && this.count < PUBLISHED; at = changetype<Operation>(at).newer) {
      const operation = changetype<Operation>(at);
      const age = operation.durationMs(now);
      if (age < MIN_AGE_MS) return;
      const kind = targetKind(operation.method);
      let target = OTHER_INDEX;
      if (kind != TargetKind.None) {
        target = this.labels.targets(operation.serverLabel, kind).find(operation.name, operation.nameLength);
      }
      this.names[this.count] = nameOf(operation.serverLabel, operation.method, kind, target);
      this.ages[this.count++] = <u32>min(age, <u64>u32.MAX_VALUE);
    }
  }

  /** Publishes the results of {@link collect}. */
  publish(slots: WorkerSlots): void {
    for (let i = 0; i < this.count; i++) slots.put(this.names[i], this.ages[i]);
  }

  /** Adds an age that a live worker has published. The store must not be used during the call. */
  published(name: u32, age: u32): void {
    if (this.isSound(name)) this.add(name, age);
  }

  /** Adds an operation that waits in the store. The store must not be used during the call. Times are in
   *  nanoseconds. */
  waiting(server: i32, method: Method, name: usize, nameLength: i32, startedAt: u64, now: u64): void {
    const age = elapsed(startedAt, now) / NANOSECONDS_PER_MILLISECOND;
    if (age < MIN_AGE_MS) return;
    const kind = targetKind(method);
    const isNamed = kind != TargetKind.None && nameLength > 0;
    const target = isNamed ? this.labels.targets(server, kind).findInCopy(name, nameLength) : OTHER_INDEX;
    this.add(nameOf(server, method, kind, target), <u32>min(age, <u64>u32.MAX_VALUE));
  }

  /** Records all gauges after a sweep, and clears its results. */
  endSweep(): void {
    for (let i = 0; i < this.foundCount; i++) {
      const found = this.found[i];
      const name = this.shown(found);
      if (name != found) this.add(name, <u32>this.greatest.get(found));
      if (!this.known.get(name) && this.recorded.add(name)) this.known.set(name, 1);
    }
    const recorded = this.recorded.values();
    for (let i = 0; i < recorded.length; i++) {
      const name = <u32>recorded[i];
      if (!this.isSound(name)) continue;
      choose(this.table, name);
      this.table.record(Family.OldestOperation, 0, 0, this.greatest.get(name));
    }
    for (let i = 0; i < this.foundCount; i++) this.greatest.delete(this.found[i]);
    this.foundCount = 0;
  }

  /** The name to record for an age: `_OTHER` if the series budget is exhausted, as in {@link Series.choose}. */
  private shown(name: u32): u32 {
    const labels = this.labels;
    const server = serverIn(name);
    const method = methodIn(name);
    const kind = kindIn(name);
    if (labels.admitSeries(server, method, kind, targetIn(name))) return name;
    if (labels.admitSeries(server, method, kind, OTHER_INDEX)) return nameOf(server, method, kind, OTHER_INDEX);
    return nameOf(OTHER_INDEX, Method.Other, TargetKind.None, OTHER_INDEX);
  }

  /** Whether a name from the store belongs to a known server and method, and has the method's kind of target. */
  private isSound(name: u32): bool {
    const method = methodIn(name);
    if (<i32>method >= METHOD_COUNT || kindIn(name) != targetKind(method)) return false;
    return this.labels.hasServer(serverIn(name));
  }

  private add(name: u32, age: u32): void {
    const before = this.greatest.get(name);
    if (before == 0) {
      if (this.foundCount == SERIES_LIMIT) return;
      this.found[this.foundCount++] = name;
    }
    if (age > <u32>before) this.greatest.set(name, age);
  }
}

function nameOf(server: i32, method: Method, kind: TargetKind, target: i32): u32 {
  return IS_AGE | (server << SERVER_SHIFT) | (method << METHOD_SHIFT) | (kind << KIND_SHIFT) | target;
}

function serverIn(name: u32): i32 {
  return (name & ~IS_AGE) >> SERVER_SHIFT;
}

function methodIn(name: u32): Method {
  return (name >> METHOD_SHIFT) & ((1 << (<u32>METHOD_BITS)) - 1);
}

function kindIn(name: u32): TargetKind {
  return (name >> KIND_SHIFT) & ((1 << (<u32>KIND_BITS)) - 1);
}

function targetIn(name: u32): i32 {
  return name & ((1 << (<u32>LABEL_INDEX_BITS)) - 1);
}

function choose(table: MetricTable, name: u32): void {
  table.choose(serverIn(name), methodIn(name), kindIn(name), targetIn(name));
}
