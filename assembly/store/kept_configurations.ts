import { Bytes } from "../memory/bytes";
import { elapsed, isWithin } from "../memory/elapsed";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** The record of one `instance`. */
@unmanaged
class Entry {
  /** A hash of the instance's name. */
  instance: u64;
  /** The sequence number of the instance's latest good configuration; 0 if it has none. */
  good: u64;
  /** The sequence number of the instance's latest good configuration with an access policy; 0 if it has none. */
  policy: u64;
  /** The service time when a plugin instance last applied a policy; 0: never. */
  policyAliveAtMs: u64;
}

const ENTRY_SIZE: i32 = 32;

if (
  offsetof<Entry>("instance") != 0 ||
  offsetof<Entry>("good") != 8 ||
  offsetof<Entry>("policy") != 16 ||
  offsetof<Entry>("policyAliveAtMs") != 24 ||
  offsetof<Entry>() != ENTRY_SIZE
)
  ERROR("The layout of an Entry has changed: see FORMAT.");

/** The maximum number of instances of one plugin name. The one with the oldest configuration is evicted first. */
const ENTRY_LIMIT: i32 = 64;
/** Offsets in the head of a configuration, u64 each: the hash of its instance and its sequence number. The bytes follow. */
const INSTANCE_AT: usize = 0;
const SEQUENCE_AT: usize = 8;
const HEAD: i32 = 16;
/** A policy that no plugin instance has applied for this time is no longer in force, in milliseconds of service time. */
const ALIVE_MS: u64 = 30_000;
/** The interval between writes of `policyAliveAtMs`, in milliseconds of service time. */
const BEAT_MS: u64 = 5000;

/** What replaces a configuration that cannot be used. */
export enum Substitute {
  /** Nothing, since there was no good configuration. */
  None,
  /** The latest good configuration. */
  Good,
  /** The latest good configuration with an access policy. */
  Policy,
  /** A policy that denies all MCP traffic, since a policy must be in force and no good one is available. */
  Closed,
}

/**
 * The good configurations of the plugin instances of one plugin name and root id: for each `instance` the latest one, and
 * the latest one with an access policy. All workers share them, and they outlive a VM.
 */
export class KeptConfigurations {
  /** The configuration that {@link choose} found: `length` bytes at `at`, valid until the store loads another value. */
  at: usize = 0;
  length: i32 = 0;
  /** The sequence number of the configuration that {@link choose} found. Equal numbers mean the same configuration; 0 if
   *  none was found. */
  sequence: u64 = 0;

  constructor(private shared: Store) {}

  /** Stores a good configuration as the latest one of its instance. False if it is too long; then none is stored, so that an
   *  older one does not return. */
  keep(instance: u64, bytes: Bytes, hasPolicy: bool): bool {
    const isKept = HEAD + bytes.length <= PAGE_CAPACITY;
    const slot = this.reserve(instance);
    if (slot < 0) return isKept;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const sequence = this.latest() + 1;
      if (!this.write("good", slot, instance, sequence, bytes, isKept)) continue;
      if (hasPolicy && !this.write("policy", slot, instance, sequence, bytes, isKept)) continue;
      this.load();
      const entry = this.entryAt(slot);
      entry.good = sequence;
      if (hasPolicy) entry.policy = sequence;
      if (this.shared.save()) break;
    }
    return isKept;
  }

  /** Whether this configuration is the latest good one of its instance. */
  isLatest(instance: u64, bytes: Bytes): bool {
    const slot = this.find(instance);
    if (slot < 0) return false;
    return this.read("good", slot, instance) && bytes.equals(this.at, this.length);
  }

  /** Records that a plugin instance of this `instance` applies a policy at this service time. */
  beat(instance: u64, nowMs: u64): void {
    const slot = this.reserve(instance);
    for (let attempt = 0; attempt < ATTEMPTS && slot >= 0; attempt++) {
      this.load();
      const entry = this.entryAt(slot);
      if (entry.policyAliveAtMs && isWithin(BEAT_MS, entry.policyAliveAtMs, nowMs)) return;
      entry.policyAliveAtMs = nowMs;
      if (this.shared.save()) return;
    }
  }

  /**
   * Chooses a replacement for a bad configuration of `instance`. `isNamed`: the bad configuration contains the instance's
   * name. If it does not, or if the name is unknown, the plugin instance may belong to any instance. While a policy is in
   * force there, or if the bad configuration indicates access, the replacement is the latest configuration with a policy;
   * otherwise the latest one.
   */
  choose(instance: u64, isNamed: bool, indicatesAccess: bool, nowMs: u64): Substitute {
    this.length = 0;
    this.sequence = 0;
    this.load();
    const own = this.find(instance);
    const isSure = isNamed && own >= 0;
    const first = isSure ? own : 0;
    const end = isSure ? own + 1 : this.count;
    let isAlive = false;
    let good = own;
    let policy = -1;
    for (let slot = first; slot < end; slot++) {
      const entry = this.entryAt(slot);
      if (own < 0 && (good < 0 || entry.good > this.entryAt(good).good)) good = slot;
      const lives = isPolicyAlive(entry, nowMs);
      // A policy in force has priority over one that is only stored.
      const isLater = policy < 0 || entry.policy > this.entryAt(policy).policy;
      if (lives == isAlive ? isLater : lives) policy = slot;
      if (lives) isAlive = true;
    }
    if (isAlive || indicatesAccess) {
      const isKept = policy >= 0 && this.read("policy", policy, this.entryAt(policy).instance);
      return isKept ? Substitute.Policy : Substitute.Closed;
    }
    const isKept = good >= 0 && this.read("good", good, this.entryAt(good).instance);
    return isKept ? Substitute.Good : Substitute.None;
  }

  private load(): void {
    this.shared.loadRecords("index", 0, 0, ENTRY_SIZE, ENTRY_LIMIT);
  }

  private get count(): i32 {
    return this.shared.length / ENTRY_SIZE;
  }

  private entryAt(slot: i32): Entry {
    return changetype<Entry>(this.shared.page + slot * ENTRY_SIZE);
  }

  /** Loads the index and finds an instance in it; -1 if it is unknown. */
  private find(instance: u64): i32 {
    this.load();
    for (let slot = 0; slot < this.count; slot++) {
      if (this.entryAt(slot).instance == instance) return slot;
    }
    return -1;
  }

  /** The highest sequence number of all instances. */
  private latest(): u64 {
    this.load();
    let sequence: u64 = 0;
    for (let slot = 0; slot < this.count; slot++) sequence = max(sequence, this.entryAt(slot).good);
    return sequence;
  }

  /** The slot of an instance. Assigns one if it has none. -1 if other workers interfered with every attempt. */
  private reserve(instance: u64): i32 {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = this.find(instance);
      if (known >= 0) return known;
      let slot = this.count;
      if (slot < ENTRY_LIMIT) {
        this.shared.length += ENTRY_SIZE;
      } else {
        slot = 0;
        for (let i = 1; i < ENTRY_LIMIT; i++) {
          if (this.entryAt(i).good < this.entryAt(slot).good) slot = i;
        }
      }
      const entry = this.entryAt(slot);
      memory.fill(changetype<usize>(entry), 0, ENTRY_SIZE);
      entry.instance = instance;
      if (this.shared.save()) return slot;
    }
    return -1;
  }

  private write(name: string, slot: i32, instance: u64, sequence: u64, bytes: Bytes, isKept: bool): bool {
    const shared = this.shared;
    shared.load(name, slot);
    store<u64>(shared.page, instance, INSTANCE_AT);
    store<u64>(shared.page, isKept ? sequence : 0, SEQUENCE_AT);
    if (isKept) memory.copy(shared.page + HEAD, bytes.at, bytes.length);
    shared.length = isKept ? HEAD + bytes.length : HEAD;
    return shared.save();
  }

  /** Reads the configuration in a slot. False if the slot has none of this instance. */
  private read(name: string, slot: i32, instance: u64): bool {
    const shared = this.shared;
    shared.load(name, slot);
    if (shared.length < HEAD || load<u64>(shared.page, INSTANCE_AT) != instance) return false;
    if (load<u64>(shared.page, SEQUENCE_AT) == 0) return false;
    this.at = shared.page + HEAD;
    this.length = shared.length - HEAD;
    this.sequence = load<u64>(shared.page, SEQUENCE_AT);
    return true;
  }
}

/** Whether a plugin instance has applied the policy recently. The recorded time may be later than `nowMs`, since workers'
 *  clocks differ. */
function isPolicyAlive(entry: Entry, nowMs: u64): bool {
  return entry.policyAliveAtMs != 0 && elapsed(entry.policyAliveAtMs, nowMs) < ALIVE_MS;
}
