import { ATTEMPTS, Store } from "./primitives/store";

/** The policy of one group of plugin instances. */
@unmanaged
class Entry {
  group: u64;
  /** When it was in force last: service time, in ms. */
  beatAt: u64;
  role: u8;
  /** Of {@link PolicyMode}. */
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
/** A bit for each role of which there ever was an entry. */
const HEAD: i32 = 8;
const ENTRY_LIMIT: i32 = 256;
/** As for claims: a group without a sign of life for so long is gone; and how often a sign is given. */
const LIVE_MS: i64 = 30_000;
const BEAT_MS: i64 = 5000;

/** The policies in force in this process, one for each group of plugin instances. */
export class Policies {
  /** What {@link sum} found. */
  enforced: u32 = 0;
  shadow: u32 = 0;
  rules: u32 = 0;
  outdated: u32 = 0;

  constructor(private shared: Store) {}

  /** Writes down the policy of a group, and removes those of groups that are gone. True where something was written. */
  update(group: u64, role: u8, mode: PolicyMode, rules: i32, outdated: u32, now: u64): bool {
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.load("policies");
      if (shared.length < HEAD) {
        store<u64>(shared.page, 0);
        shared.length = HEAD;
      }
      if (!this.put(group, role, mode, rules, outdated, now)) return false;
      if (shared.save()) return true;
    }
    return false;
  }

  /** Whether there ever was a policy of this role. Sums up what is there. */
  sum(role: u8): bool {
    const shared = this.shared;
    shared.load("policies");
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

  /** Changes the value that is loaded. False where nothing is to be changed. */
  private put(group: u64, role: u8, mode: PolicyMode, rules: i32, outdated: u32, now: u64): bool {
    const shared = this.shared;
    let isChanged = false;
    let found: usize = 0;
    for (let at = HEAD; at < shared.length;) {
      const entry = changetype<Entry>(shared.page + at);
      const isOwn = entry.group == group;
      const isGone = isOwn ? mode == PolicyMode.None && !outdated : <i64>(now - entry.beatAt) >= LIVE_MS;
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
      store<u64>(shared.page, load<u64>(shared.page) | ((<u64>1) << role));
    }
    const entry = changetype<Entry>(found);
    const isSame = entry.mode == mode && entry.rules == rules && entry.outdated == outdated;
    if (isSame && entry.group == group && <i64>(now - entry.beatAt) < BEAT_MS) return isChanged;
    entry.group = group;
    entry.beatAt = now;
    entry.role = role;
    entry.mode = <u8>mode;
    entry.rules = <u16>rules;
    entry.outdated = outdated;
    return true;
  }
}
