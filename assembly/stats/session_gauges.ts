import { REVISION_COUNT, UNKNOWN_REVISION } from "../mcp/protocol/revisions";
import { Table } from "../memory/table";
import { NumberSet } from "../store/primitives/name_list";
import { Store } from "../store/primitives/store";
import { SESSION_STATE_COUNT, SessionState } from "../store/session_state";
import { NO_CLIENT, SESSION_KIND_COUNT, SessionEntry } from "../store/session_entry";
import { Family } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { NOBODY } from "./metric_key";
import { MetricTable } from "./metric_table";

if (SESSION_KIND_COUNT != 3 || REVISION_COUNT != 6) ERROR("Gauges have other numbers in shared data: see FORMAT.");
if (NOBODY != <i32>NO_CLIENT) ERROR("NO_CLIENT is the label of nobody.");

const STATES: i32 = SESSION_STATE_COUNT;
const PER_SERVER: i32 = SESSION_KIND_COUNT * REVISION_COUNT;
/**
 * Maximum number of gauges of sessions with an unknown client, or with a client without a label value of its own: of 64
 * servers and `_OTHER`.
 */
const PLAIN_LIMIT: i32 = 2 * 65 * PER_SERVER;
/** Maximum number of gauges of sessions by client. Further clients count as `_OTHER`. */
const NAMED_LIMIT: i32 = 1024;
/** Maximum number of gauges that one sweep finds and that are not admitted yet. */
const NEW_LIMIT: i32 = 1024;
const CLIENT_BITS: u32 = 8;

/**
 * The counts of the current sweep. All instances share them, because one sweeps at a time. First the counts of plain
 * gauges, at `2 × number of server, kind and revision`, plus one if the client is unknown, with all states in sequence;
 * then those of the gauges by client. Null until the first sweep.
 */
let sums: StaticArray<u32> | null = null;
const NAMED_AT: i32 = PLAIN_LIMIT * STATES;

/**
 * The gauges of live sessions by server, kind, revision, client software and state. One worker at a time counts the
 * sessions in the store. Gauges that any worker ever recorded are recorded when they return to zero, so a gauge is
 * recorded in all states.
 */
export class SessionGauges {
  /** Number of plain gauges of this unit's servers. */
  private plainSize: i32;
  private plainRecorded: NumberSet;
  private plainKnown: Table = new Table(16);
  /** The numbers of the gauges by client, the admitted ones first. */
  private named: StaticArray<u32> = new StaticArray<u32>(NAMED_LIMIT + NEW_LIMIT);
  private namedCount: i32 = 0;
  private admittedCount: i32 = 0;
  /** Maps number + 1 to index in `named` + 1. */
  private indices: Table = new Table(16);
  private namedRecorded: NumberSet;

  constructor(
    maxServers: i32,
    shared: Store,
    private table: MetricTable,
  ) {
    this.plainSize = 2 * (maxServers + 1) * PER_SERVER;
    this.plainRecorded = new NumberSet(shared, "sessionGauges", PLAIN_LIMIT);
    this.namedRecorded = new NumberSet(shared, "clientGauges", NAMED_LIMIT);
  }

  /** Begins to count: reads which gauges by client other workers have admitted. */
  beginSweep(): void {
    this.sums.fill(0);
    const admitted = this.namedRecorded.values();
    for (let i = 0; i < admitted.length; i++) this.add(<u32>admitted[i]);
    this.admittedCount = this.namedCount;
  }

  /** Counts a live session of the server with this label index. The store must not be used during the call. */
  count(server: i32, entry: SessionEntry, state: SessionState): void {
    const revision = <u32>entry.revision < <u32>REVISION_COUNT ? <i32>entry.revision : UNKNOWN_REVISION;
    const number = (server * SESSION_KIND_COUNT + <i32>entry.kind) * REVISION_COUNT + revision;
    if (2 * number >= this.plainSize) return;
    if (entry.client == NO_CLIENT) {
      this.sums[plainAt(2 * number + 1) + state]++;
      return;
    }
    const index = entry.client == OTHER_INDEX ? 0 : this.add(((<u32>number) << CLIENT_BITS) | entry.client);
    this.sums[(index ? namedAt(index - 1) : plainAt(2 * number)) + state]++;
  }

  /** Records every gauge that is not zero, or was recorded before. */
  endSweep(): void {
    this.admitNew();
    for (let i = 0; i < this.namedCount; i++) {
      const number = this.named[i];
      const plain = <i32>(number >> CLIENT_BITS);
      if (2 * plain >= this.plainSize) continue;
      this.record(plain, number & ((1 << CLIENT_BITS) - 1), namedAt(i));
    }
    for (let i = 0; i < this.plainSize; i++) {
      if (this.isPlainZero(i) || this.plainKnown.get(i + 1)) continue;
      if (this.plainRecorded.add(i)) this.plainKnown.set(i + 1, 1);
    }
    const recorded = this.plainRecorded.values();
    for (let i = 0; i < recorded.length; i++) {
      if (recorded[i] >= <u64>this.plainSize) continue;
      const number = <i32>recorded[i];
      this.record(number >> 1, number & 1 ? NOBODY : OTHER_INDEX, plainAt(number));
    }
  }

  private isPlainZero(number: i32): bool {
    let sum: u32 = 0;
    for (let state = 0; state < STATES; state++) sum |= this.sums[plainAt(number) + state];
    return sum == 0;
  }

  /** Admits the gauges by client that this sweep was the first to find. Those without room count as `_OTHER`. */
  private admitNew(): void {
    const count = this.namedCount;
    let kept = this.admittedCount;
    for (let i = kept; i < count; i++) {
      const number = this.named[i];
      this.indices.delete(<u64>number + 1);
      const isAdmitted = this.namedRecorded.add(number);
      const other = plainAt(2 * <i32>(number >> CLIENT_BITS));
      for (let state = 0; state < STATES; state++) {
        const sum = this.sums[namedAt(i) + state];
        if (isAdmitted) this.sums[namedAt(kept) + state] = sum;
        else this.sums[other + state] += sum;
      }
      if (!isAdmitted) continue;
      this.named[kept++] = number;
      this.indices.set(<u64>number + 1, kept);
    }
    this.namedCount = kept;
    this.admittedCount = kept;
  }

  /** The index + 1 of a gauge by client, which is added if there is room; 0 if there is not. */
  private add(number: u32): i32 {
    const known = <i32>this.indices.get(<u64>number + 1);
    if (known || this.namedCount == this.named.length) return known;
    this.named[this.namedCount++] = number;
    this.indices.set(<u64>number + 1, this.namedCount);
    return this.namedCount;
  }

  private get sums(): StaticArray<u32> {
    const present = sums;
    if (present) return present;
    const created = new StaticArray<u32>(NAMED_AT + (NAMED_LIMIT + NEW_LIMIT) * STATES);
    sums = created;
    return created;
  }

  /** Records a gauge in all states. Their sums start at index `at`. */
  private record(number: i32, client: i32, at: i32): void {
    this.table.chooseServer(number / PER_SERVER);
    this.table.chooseWho(client);
    const own = number % PER_SERVER;
    for (let state = 0; state < STATES; state++) {
      const value = this.sums[at + state];
      this.table.record(Family.SessionsActive, own / REVISION_COUNT, state, value, own % REVISION_COUNT);
    }
  }
}

function plainAt(number: i32): i32 {
  return number * STATES;
}

function namedAt(index: i32): i32 {
  return NAMED_AT + index * STATES;
}
