import { Bytes } from "../memory/bytes";
import { isWithin } from "../memory/elapsed";
import { PAGE_CAPACITY, Store } from "./primitives/store";

/** A configuration that plugin instances of a group have: one claim for all workers. Times are service time. */
@unmanaged
export class Claim {
  /** A hash of the configuration as it came. */
  key: u64;
  /** Claims that took the lead later have higher ones. */
  generation: u64;
  /** A hash of the configuration that is applied: another one where a good one stands in for a bad one; 0: none is. */
  effective: u64;
  /** When a plugin instance with it was alive last. */
  beatAtMs: u64;
  /** When it took the lead. */
  claimedAtMs: u64;
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

/** The claim that was alive longest ago makes room for another one. */
const CLAIM_LIMIT: i32 = 32;
/** The longest configuration that leaves room for all claims. */
const BYTES_LIMIT: i32 = PAGE_CAPACITY - HEAD_SIZE - CLAIM_LIMIT * CLAIM_SIZE;
/** A claim without a sign of life for so long is no longer any instance's. */
const LIVE_MS: u64 = 30_000;
/** How often a sign of life is given. */
const BEAT_MS: u64 = 5000;

/**
 * The configurations that plugin instances of one group have (equal plugin name, root id, `instance` and role), which of
 * them leads, and its bytes. One value of the store: {@link load} it, change it, and {@link save} it.
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

  /** Whether the loaded value has a head, as many claims as that says, and room for more of them. */
  private isSound(): bool {
    if (this.shared.length < HEAD_SIZE || this.head.count > <u32>CLAIM_LIMIT) return false;
    return this.bytesLength >= 0 && this.bytesLength <= BYTES_LIMIT;
  }

  /** False where another worker has changed them since: then load them again. */
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

  /** Puts a claim into the lead, with the configuration that it applies. */
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

  /** The bytes of the leading configuration: `bytesLength` of them. */
  get bytes(): usize {
    return this.shared.page + HEAD_SIZE + this.count * CLAIM_SIZE;
  }

  get bytesLength(): i32 {
    return this.shared.length - HEAD_SIZE - this.count * CLAIM_SIZE;
  }

  /** Whether this claim, of those that live, took the lead last. */
  isNewest(claim: Claim, nowMs: u64): bool {
    for (let i = 0; i < this.count; i++) {
      if (this.at(i).generation > claim.generation && isLive(this.at(i), nowMs)) return false;
    }
    return true;
  }
}

/** Whether an instance with this configuration is alive. */
export function isLive(claim: Claim, nowMs: u64): bool {
  return isWithin(LIVE_MS, claim.beatAtMs, nowMs);
}

/** Whether it is time for another sign of life. */
export function isBeatDue(claim: Claim, nowMs: u64): bool {
  return !isWithin(BEAT_MS, claim.beatAtMs, nowMs);
}
