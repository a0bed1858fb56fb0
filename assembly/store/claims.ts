import { Bytes } from "../memory/bytes";
import { PAGE_CAPACITY, Store } from "./primitives/store";

/** A configuration that plugin instances of a group have: one claim for all workers. Times are service time, in ms. */
@unmanaged
export class Claim {
  /** A hash of the configuration as it came. */
  key: u64;
  /** Claims that took the lead later have higher ones. */
  generation: u64;
  /** A hash of the configuration that is applied: another one where a good one stands in for a bad one; 0: none is. */
  effective: u64;
  /** When a plugin instance with it was alive last. */
  beatAt: u64;
  /** When it took the lead. */
  claimedAt: u64;
  /** The highest id of a connection whose streams it served; 0 where none is known. */
  connection: u64;
  /** Bits of {@link ClaimFlag}. */
  flags: u32;
  /** How often a connection proved that it had returned. */
  proofs: u32;
  unused: u64;
}

export enum ClaimFlag {
  /** What is applied has an access policy. */
  HasPolicy = 1,
  /** It served streams. */
  HadStreams = 2,
  /** What is applied denies all of MCP, in place of a policy that could not be read. */
  IsClosed = 4,
  /** Of the leading configuration: it is too long to be shared. */
  IsTooLong = 8,
}

/** What leads, and how many claims follow. */
@unmanaged
class Head {
  key: u64;
  effective: u64;
  /** The highest generation so far. */
  generation: u64;
  flags: u32;
  count: u32;
  /** When it was seen last that two of them receive new connections; 0: never. */
  alternatedAt: u64;
}

const HEAD_SIZE: i32 = 64;
const CLAIM_SIZE: i32 = 64;
/** Those that were alive longest ago go first. */
const CLAIM_LIMIT: i32 = 32;
/** A claim without a sign of life for so long is no longer any instance's. */
const LIVE_MS: i64 = 30_000;
/** How often a sign of life is given. */
const BEAT_MS: i64 = 5000;

/**
 * The configurations that plugin instances of one group have (equal plugin name, root id, `instance` and role), which of
 * them leads, and its bytes. One value of the store: {@link load} it, change it, and {@link save} it.
 */
export class Claims {
  constructor(private shared: Store) {}

  load(): void {
    const shared = this.shared;
    shared.load("claims");
    if (shared.length >= HEAD_SIZE) return;
    memory.fill(shared.page, 0, HEAD_SIZE);
    shared.length = HEAD_SIZE;
  }

  /** False where another worker was faster: then load them again. */
  save(): bool {
    return this.shared.save();
  }

  get head(): Head {
    return changetype<Head>(this.shared.page);
  }

  get count(): i32 {
    return this.head.count;
  }

  at(index: i32): Claim {
    return changetype<Claim>(this.shared.page + HEAD_SIZE + index * CLAIM_SIZE);
  }

  /** The claim of a configuration, or null. */
  find(key: u64): Claim | null {
    for (let i = 0; i < this.count; i++) {
      if (this.at(i).key == key) return this.at(i);
    }
    return null;
  }

  /** Adds a claim. */
  add(key: u64): Claim {
    const shared = this.shared;
    const head = this.head;
    let index = this.count;
    if (index == CLAIM_LIMIT) {
      index = -1;
      for (let i = 0; i < CLAIM_LIMIT; i++) {
        const isLeading = this.at(i).key == head.key;
        if (!isLeading && (index < 0 || this.at(i).beatAt < this.at(index).beatAt)) index = i;
      }
    } else {
      const end = HEAD_SIZE + index * CLAIM_SIZE;
      memory.copy(shared.page + end + CLAIM_SIZE, shared.page + end, shared.length - end);
      shared.length += CLAIM_SIZE;
      head.count++;
    }
    const claim = this.at(index);
    memory.fill(changetype<usize>(claim), 0, CLAIM_SIZE);
    claim.key = key;
    return claim;
  }

  /** Puts a claim into the lead, with the configuration that it applies. */
  lead(claim: Claim, bytes: Bytes): void {
    const shared = this.shared;
    const head = this.head;
    const from = HEAD_SIZE + this.count * CLAIM_SIZE;
    // Room for claims to come, too.
    const fits = HEAD_SIZE + CLAIM_LIMIT * CLAIM_SIZE + bytes.length <= PAGE_CAPACITY;
    head.key = claim.key;
    head.effective = claim.effective;
    head.flags = claim.flags | (fits ? 0 : ClaimFlag.IsTooLong);
    shared.length = from;
    if (!fits) return;
    memory.copy(shared.page + from, bytes.at, bytes.length);
    shared.length += bytes.length;
  }

  /** The bytes of the leading configuration: `bytesLength` of them. */
  get bytes(): usize {
    return this.shared.page + HEAD_SIZE + this.count * CLAIM_SIZE;
  }

  get bytesLength(): i32 {
    return this.shared.length - HEAD_SIZE - this.count * CLAIM_SIZE;
  }

  /** Whether this claim, of those that live, took the lead last. */
  isNewest(claim: Claim, now: u64): bool {
    for (let i = 0; i < this.count; i++) {
      if (this.at(i).generation > claim.generation && isLive(this.at(i), now)) return false;
    }
    return true;
  }
}

/** Whether an instance with this configuration is alive. */
export function isLive(claim: Claim, now: u64): bool {
  return <i64>(now - claim.beatAt) < LIVE_MS;
}

/** Whether it is time for another sign of life. */
export function isBeatDue(claim: Claim, now: u64): bool {
  return <i64>(now - claim.beatAt) >= BEAT_MS;
}
