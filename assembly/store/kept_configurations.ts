import { Bytes } from "../memory/bytes";
import { elapsed, isWithin } from "../memory/elapsed";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** What is known of one `instance`. */
@unmanaged
class Entry {
  /** A hash of the name of the instance. */
  instance: u64;
  /** The sequence number of its latest good configuration, 0 where it has none. */
  good: u64;
  /** The same of its latest good configuration with an access policy. */
  policy: u64;
  /** The service time at which a plugin instance last applied a policy; 0: none ever did. */
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

/** Instances of one plugin name that are remembered: the one whose configuration is the oldest goes first. */
const ENTRY_LIMIT: i32 = 64;
/** Before the bytes of a configuration, u64 each: the hash of its instance and its sequence number. */
const INSTANCE_AT: usize = 0;
const SEQUENCE_AT: usize = 8;
const HEAD: i32 = 16;
/** A policy that no plugin instance has applied for so many milliseconds of service time is no longer in force. */
const ALIVE_MS: u64 = 30_000;
/** How often that is written, in milliseconds of service time. */
const BEAT_MS: u64 = 5000;

/** What stands in for a configuration that cannot be used. */
export enum Substitute {
  /** Nothing: there was no good configuration. */
  None,
  /** The latest good configuration. */
  Good,
  /** The latest good configuration with an access policy. */
  Policy,
  /** A policy that denies all of MCP: a policy must be in force, and there is no good one. */
  Closed,
}

/**
 * The good configurations of the plugin instances of one plugin name and root id: of each `instance` the latest one, and
 * the latest one with an access policy. All workers share them, and they outlive a VM.
 */
export class KeptConfigurations {
  /** The configuration that {@link choose} found: `length` bytes at `at`, until the store loads another value. */
  at: usize = 0;
  length: i32 = 0;
  /** Identifies what {@link choose} found: equal where it is the same configuration. */
  sequence: u64 = 0;

  constructor(private shared: Store) {}

  /** Keeps a good configuration as the latest one of its instance. False where it is too long: then none is kept, so that
   *  an older one does not come back. */
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

  /** A plugin instance of this `instance` applies a policy at this service time. */
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
   * Chooses what stands in for a bad configuration of `instance`, which `isNamed` says the bytes name. Where they do not,
   * or name an unknown one, the plugin instance may be of any. While a policy is in force there, or where the bytes
   * indicate access, the latest configuration with a policy stands in, and else the latest one.
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
      // A policy in force comes before one that is merely kept.
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

  /** Loads the index, and finds an instance in it: -1 where it is not known. */
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

  /** The slot of an instance, which gets one where it has none; -1 where other workers interfered every time. */
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

  /** Reads the configuration in a slot. False where there is none of this instance. */
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

/** Another worker may have read a later time. */
function isPolicyAlive(entry: Entry, nowMs: u64): bool {
  return entry.policyAliveAtMs != 0 && elapsed(entry.policyAliveAtMs, nowMs) < ALIVE_MS;
}
