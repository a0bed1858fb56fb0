import { AdaptiveLimits } from "../limits/adaptive/adaptive_limits";
import { Method, TargetKind } from "../mcp/protocol/methods";
import { Table } from "../memory/table";
import { NumberSet } from "../store/primitives/name_list";
import { WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { Family } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels, SERIES_LIMIT } from "./labels";
import { MetricTable } from "./metric_table";
import { LABEL_INDEX_BITS } from "./metric_key";
import { IS_CONCURRENCY } from "./published";

const WHICH_SHIFT: u32 = <u32>LABEL_INDEX_BITS;
const SERVER_SHIFT: u32 = WHICH_SHIFT + 1;
/** The two numbers of a tool: its calls in flight and the maximum number of them. */
const IN_FLIGHT: i32 = 0;
const LIMIT: i32 = 1;

/**
 * The gauges of calls in flight and of the maximum number of them, by server and tool. Both are sums over the workers,
 * each of which learns its own limits. Each worker publishes its numbers in its slot. The worker that sweeps sums and
 * records them, including zeros of known gauges. Tools that share the limit of their server are `_OTHER`.
 */
export class ConcurrencyGauges {
  /** The limits of this worker; null if there are none. */
  limits: AdaptiveLimits | null = null;
  /** The numbers that this worker publishes. */
  private names: u32[] = [];
  private numbers: u32[] = [];
  private count: i32 = 0;
  /** The results of the sweep: sums + 1 by name, and the names of the tools' calls in flight. */
  private sums: Table = new Table(64);
  private found: StaticArray<u32> = new StaticArray<u32>(SERIES_LIMIT);
  private foundCount: i32 = 0;
  /** The tools of which any worker ever recorded gauges. */
  private recorded: NumberSet;
  private known: Table = new Table(64);

  constructor(
    shared: Store,
    private labels: Labels,
    private table: MetricTable,
  ) {
    this.recorded = new NumberSet(shared, "concurrency", SERIES_LIMIT);
  }

  /** Determines the numbers to publish. */
  collect(): void {
    const limits = this.limits;
    this.count = 0;
    if (!limits) return;
    for (let i = 0; i < limits.count; i++) {
      const tools = limits.at(i);
      if (!tools || !tools.server) continue;
      const server = this.labels.servers.findKeyInCopy(tools.server);
      const tool = this.labels.targets(server, TargetKind.Tool).findKeyInCopy(tools.tool);
      this.put(nameOf(server, tool, IN_FLIGHT), tools.limit.inFlight);
      this.put(nameOf(server, tool, LIMIT), limits.limitOf(tools));
    }
  }

  private put(name: u32, number: u32): void {
    if (this.count == this.names.length) {
      this.names.push(0);
      this.numbers.push(0);
    }
    this.names[this.count] = name;
    this.numbers[this.count++] = number;
  }

  /** Publishes the results of {@link collect}. */
  publish(slots: WorkerSlots): void {
    for (let i = 0; i < this.count; i++) slots.put(this.names[i], this.numbers[i]);
  }

  /** Adds a number that a live worker has published. The store must not be used during the call. */
  published(name: u32, number: u32): void {
    if (this.isSound(name)) this.add(name, number);
  }

  /** Records all gauges after a sweep, and clears its results. */
  endSweep(): void {
    for (let i = 0; i < this.foundCount; i++) {
      const found = this.found[i];
      const name = this.shown(found);
      if (name != found) {
        this.add(name, this.sumOf(found));
        this.add(limitName(name), this.sumOf(limitName(found)));
      }
      if (!this.known.get(name) && this.recorded.add(name)) this.known.set(name, 1);
    }
    const recorded = this.recorded.values();
    for (let i = 0; i < recorded.length; i++) {
      const name = <u32>recorded[i];
      if (recorded[i] != name || !this.isSound(name) || whichIn(name) != IN_FLIGHT) continue;
      this.table.choose(serverIn(name), Method.None, TargetKind.Tool, toolIn(name));
      this.table.record(Family.ConcurrencyInFlight, 0, 0, this.sumOf(name));
      this.table.record(Family.ConcurrencyLimit, 0, 0, this.sumOf(limitName(name)));
    }
    for (let i = 0; i < this.foundCount; i++) {
      this.sums.delete(this.found[i]);
      this.sums.delete(limitName(this.found[i]));
    }
    this.foundCount = 0;
  }

  /** The name to record for a tool: `_OTHER` if the series budget is exhausted. */
  private shown(name: u32): u32 {
    const server = serverIn(name);
    if (this.labels.admitSeries(server, Method.ToolsCall, TargetKind.Tool, toolIn(name))) return name;
    if (this.labels.admitSeries(server, Method.ToolsCall, TargetKind.Tool, OTHER_INDEX)) {
      return nameOf(server, OTHER_INDEX, IN_FLIGHT);
    }
    return nameOf(OTHER_INDEX, OTHER_INDEX, IN_FLIGHT);
  }

  private sumOf(name: u32): u64 {
    const sum = this.sums.get(name);
    return sum ? sum - 1 : 0;
  }

  private add(name: u32, number: u64): void {
    const sum = this.sums.get(name);
    const tool = nameOf(serverIn(name), toolIn(name), IN_FLIGHT);
    if (!this.sums.get(tool)) {
      if (this.foundCount == SERIES_LIMIT) return;
      this.found[this.foundCount++] = tool;
      this.sums.set(tool, 1);
    }
    this.sums.set(name, (sum ? sum : 1) + number);
  }

  /** Whether a name from the store belongs to a known server. */
  private isSound(name: u32): bool {
    return name >> 29 == IS_CONCURRENCY >> 29 && this.labels.hasServer(serverIn(name));
  }
}

function nameOf(server: i32, tool: i32, which: i32): u32 {
  return IS_CONCURRENCY | (server << SERVER_SHIFT) | (which << WHICH_SHIFT) | tool;
}

/** The name of a tool's limit, from the name of its calls in flight. */
function limitName(name: u32): u32 {
  return name | (LIMIT << WHICH_SHIFT);
}

function serverIn(name: u32): i32 {
  return (name & ~IS_CONCURRENCY) >> SERVER_SHIFT;
}

function whichIn(name: u32): i32 {
  return (name >> WHICH_SHIFT) & 1;
}

function toolIn(name: u32): i32 {
  return name & ((1 << (<u32>LABEL_INDEX_BITS)) - 1);
}
