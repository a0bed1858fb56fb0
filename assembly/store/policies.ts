import { isWithin } from "../memory/elapsed";
import { ATTEMPTS, Store } from "./primitives/store";

/** The policy of one group of plugin instances. */
@unmanaged
class Entry {
  group: u64;
  /** The latest service time when the policy was in force. */
  beatAtMs: u64;
  role: u8;
  /** A {@link PolicyMode}. */
  mode: u8;
  rules: u16;
  outdated: u32;
}

export enum PolicyMode {
  None,
  Enforce,
  Shadow,
}

const ENTRY_SIZE: i32 = 24;

if (
  offsetof<Entry>("group") != 0 ||
  offsetof<Entry>("beatAtMs") != 8 ||
  offsetof<Entry>("role") != 16 ||
  offsetof<Entry>("mode") != 17 ||
  offsetof<Entry>("rules") != 18 ||
  offsetof<Entry>("outdated") != 20 ||
  offsetof<Entry>() != ENTRY_SIZE
)
  ERROR("The layout of an Entry has changed: see FORMAT.");

/** The size of the head in bytes: a bit for each role that ever had a policy. */
const HEAD: i32 = 8;
const ENTRY_LIMIT: i32 = 256;
/** A group without a heartbeat for `LIVE_MS` is gone. Heartbeats are `BEAT_MS` apart. */
const LIVE_MS: u64 = 30_000;
const BEAT_MS: u64 = 5000;

/** The access policies in force in this process, one for each group of plugin instances. */
export class Policies {
  /** The sums that {@link sum} computed. */
  enforced: u32 = 0;
  shadow: u32 = 0;
  rules: u32 = 0;
  outdated: u32 = 0;

  constructor(private shared: Store) {}

  /** Records the policy of a group and removes those of groups that are gone. Returns whether the stored value changed. */
  update(group: u64, role: u8, mode: PolicyMode, rules: i32, outdated: u32, nowMs: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load();
      if (shared.length < HEAD) {
        store<u64>(shared.page, 0);
        shared.length = HEAD;
      }
      if (!this.put(group, role, mode, rules, outdated, nowMs)) return false;
      if (shared.save()) return true;
    }
    return false;
  }

  /** Computes the sums for this role. Returns whether there ever was a policy of this role. */
  sum(role: u8): bool {
    const shared = this.shared;
    this.load();
    this.enforced = this.shadow = this.rules = this.outdated = 0;
    if (shared.length < HEAD) return false;
    for (let at = HEAD; at < shared.length; at += ENTRY_SIZE) {
      const entry = changetype<Entry>(shared.page + at);
      if (entry.role != role) continue;
      if (entry.mode == PolicyMode.Enforce) this.enforced++;
      if (entry.mode == PolicyMode.Shadow) this.shadow++;
      this.rules += entry.rules;
      this.outdated += entry.outdated;
    }
    return ((load<u64>(shared.page) >> role) & 1) != 0;
  }

  private load(): void {
    this.shared.loadRecords("policies", 0, HEAD, ENTRY_SIZE, ENTRY_LIMIT);
  }

  /** Changes the loaded value. False if it needs no change. */
  private put(group: u64, role: u8, mode: PolicyMode, rules: i32, outdated: u32, nowMs: u64): bool {
    const shared = this.shared;
    let isChanged = false;
    let found: usize = 0;
    for (let at = HEAD; at < shared.length;) {
      const entry = changetype<Entry>(shared.page + at);
      const isOwn = entry.group == group;
      const isGone = isOwn ? mode == PolicyMode.None && !outdated : !isWithin(LIVE_MS, entry.beatAtMs, nowMs);
      if (isGone) {
        shared.length -= ENTRY_SIZE;
        memory.copy(shared.page + at, shared.page + shared.length, ENTRY_SIZE);
        isChanged = true;
        continue;
      }
      if (isOwn) found = shared.page + at;
      at += ENTRY_SIZE;
    }
    if (mode == PolicyMode.None && !outdated) return isChanged;
    if (!found) {
      if (shared.length >= HEAD + ENTRY_LIMIT * ENTRY_SIZE) return isChanged;
      found = shared.page + shared.length;
      memory.fill(found, 0, ENTRY_SIZE);
      shared.length += ENTRY_SIZE;
    }
    const entry = changetype<Entry>(found);
    const isSame = entry.mode == mode && entry.rules == rules && entry.outdated == outdated && entry.role == role;
    if (isSame && entry.group == group && isWithin(BEAT_MS, entry.beatAtMs, nowMs)) return isChanged;
    store<u64>(shared.page, load<u64>(shared.page) | ((<u64>1) << role));
    entry.group = group;
    entry.beatAtMs = nowMs;
    entry.role = role;
    entry.mode = <u8>mode;
    entry.rules = <u16>rules;
    entry.outdated = outdated;
    return true;
  }
}
