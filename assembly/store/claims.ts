import { Bytes } from "../memory/bytes";
import { isWithin } from "../memory/elapsed";
import { PAGE_CAPACITY, Store } from "./primitives/store";

/** A configuration that plugin instances of a group have: one claim for all workers. Times are service time (see {@link
 *  ServiceClock}). */
@unmanaged
export class Claim {
  /** A hash of the configuration as received. */
  key: u64;
  /** A number that increases with each claim that becomes the leader. */
  generation: u64;
  /** A hash of the configuration that is applied; 0 if none is. It differs from `key` if a good configuration replaces a bad
   *  one. */
  effective: u64;
  /** The latest heartbeat of a plugin instance with this configuration. */
  beatAtMs: u64;
  /** The time when this claim became the leader. */
  claimedAtMs: u64;
  /** The highest id of a connection whose streams this configuration served; 0 if none is known. */
  connection: u64;
  /** Bits of {@link ClaimFlag}. */
  flags: u32;
  /** How often a connection proved that this configuration had returned. */
  proofs: u32;
  unused: u64;
}

export enum ClaimFlag {
  /** The applied configuration has an access policy. */
  HasPolicy = 1,
  /** The configuration has served streams. */
  HadStreams = 2,
  /** The applied configuration denies all MCP traffic, in place of a policy that could not be read. */
  IsClosed = 4,
  /** The leading configuration is too long to be shared. Set in the head only. */
  IsTooLong = 8,
}

/** The leading claim, and the number of claims that follow the head. */
@unmanaged
class Head {
  key: u64;
  effective: u64;
  /** The highest generation so far. */
  generation: u64;
  flags: u32;
  count: u32;
  /** The latest time when two of the configurations were found to receive new connections alternately; 0: never. */
  alternatedAtMs: u64;
}

const HEAD_SIZE: i32 = 64;
const CLAIM_SIZE: i32 = 64;

if (
  offsetof<Head>("key") != 0 ||
  offsetof<Head>("effective") != 8 ||
  offsetof<Head>("generation") != 16 ||
  offsetof<Head>("flags") != 24 ||
  offsetof<Head>("count") != 28 ||
  offsetof<Head>("alternatedAtMs") != 32 ||
  offsetof<Head>() != 40 ||
  offsetof<Claim>("key") != 0 ||
  offsetof<Claim>("generation") != 8 ||
  offsetof<Claim>("effective") != 16 ||
  offsetof<Claim>("beatAtMs") != 24 ||
  offsetof<Claim>("claimedAtMs") != 32 ||
  offsetof<Claim>("connection") != 40 ||
  offsetof<Claim>("flags") != 48 ||
  offsetof<Claim>("proofs") != 52 ||
  offsetof<Claim>("unused") != 56 ||
  offsetof<Claim>() != CLAIM_SIZE
)
  ERROR("The layout of Head or Claim has changed: see FORMAT.");

/** The maximum number of claims. The claim with the oldest heartbeat is evicted first. */
const CLAIM_LIMIT: i32 = 32;
/** The maximum length of a shared configuration, in bytes. It leaves room for all claims. */
const BYTES_LIMIT: i32 = PAGE_CAPACITY - HEAD_SIZE - CLAIM_LIMIT * CLAIM_SIZE;
/** A claim without a heartbeat for this time no longer belongs to any instance. */
const LIVE_MS: u64 = 30_000;
/** The interval between heartbeats. */
const BEAT_MS: u64 = 5000;

/**
 * The configurations of the plugin instances of one group (equal plugin name, root id, `instance` and role), which of them
 * leads, and its bytes. This is one value of the store: {@link load} it, change it, and {@link save} it.
 */
export class Claims {
  constructor(private shared: Store) {}

  load(): void {
    const shared = this.shared;
    shared.load("claims");
    if (this.isSound()) return;
    memory.fill(shared.page, 0, HEAD_SIZE);
    shared.length = HEAD_SIZE;
  }

  /** Whether the loaded value is valid: it has a head and as many claims as the head says, and the bytes leave room for more
   *  claims. */
  private isSound(): bool {
    if (this.shared.length < HEAD_SIZE || this.head.count > <u32>CLAIM_LIMIT) return false;
    return this.bytesLength >= 0 && this.bytesLength <= BYTES_LIMIT;
  }

  /** Writes the value back. False if another worker has changed it since it was loaded; then load it again. */
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

  /** The claim of a configuration; null if there is none. */
  find(key: u64): Claim | null {
    for (let i = 0; i < this.count; i++) {
      if (this.at(i).key == key) return this.at(i);
    }
    return null;
  }

  /** Adds a claim. If there are too many, evicts the one with the oldest heartbeat that does not lead. */
  add(key: u64): Claim {
    const shared = this.shared;
    const head = this.head;
    let index = this.count;
    if (index == CLAIM_LIMIT) {
      index = -1;
      for (let i = 0; i < CLAIM_LIMIT; i++) {
        const isLeading = this.at(i).key == head.key;
        if (!isLeading && (index < 0 || this.at(i).beatAtMs < this.at(index).beatAtMs)) index = i;
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

  /** Makes a claim the leader, with the configuration that it applies. */
  lead(claim: Claim, bytes: Bytes): void {
    const shared = this.shared;
    const head = this.head;
    const from = HEAD_SIZE + this.count * CLAIM_SIZE;
    const fits = bytes.length <= BYTES_LIMIT;
    head.key = claim.key;
    head.effective = claim.effective;
    head.flags = claim.flags | (fits ? 0 : ClaimFlag.IsTooLong);
    shared.length = from;
    if (!fits) return;
    memory.copy(shared.page + from, bytes.at, bytes.length);
    shared.length += bytes.length;
  }

  /** The address of the leading configuration, `bytesLength` bytes. */
  get bytes(): usize {
    return this.shared.page + HEAD_SIZE + this.count * CLAIM_SIZE;
  }

  get bytesLength(): i32 {
    return this.shared.length - HEAD_SIZE - this.count * CLAIM_SIZE;
  }

  /** Whether no live claim became the leader after this one. */
  isNewest(claim: Claim, nowMs: u64): bool {
    for (let i = 0; i < this.count; i++) {
      if (this.at(i).generation > claim.generation && isLive(this.at(i), nowMs)) return false;
    }
    return true;
  }
}

/** Whether a plugin instance with this configuration is alive. */
export function isLive(claim: Claim, nowMs: u64): bool {
  return isWithin(LIVE_MS, claim.beatAtMs, nowMs);
}

/** Whether the next heartbeat is due. */
export function isBeatDue(claim: Claim, nowMs: u64): bool {
  return !isWithin(BEAT_MS, claim.beatAtMs, nowMs);
}
