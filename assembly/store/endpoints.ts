import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { TargetTail } from "../http/target_tail";
import { mix } from "../memory/bytes";
import { neverZero } from "../memory/keyed_hash";
import { Marks } from "./primitives/marks";
import { Secret } from "./primitives/secret";
import { ATTEMPTS, Store } from "./primitives/store";

/** 32768 endpoints, of as many open streams, and as many tails. */
const BUCKETS: i32 = 1024;
/** The value of a mark: a number in the low bits, hashes of sessions above. */
const COUNT: u64 = 0xffff;
const SESSION: u64 = ~COUNT;
/** The smallest hash of a session. */
const LEAST_SESSION: u64 = COUNT + 1;

/**
 * Where the clients of HTTP+SSE (2024-11-05, basic/transports) post to: what the `endpoint` events of open streams named,
 * as keyed hashes, since the id of the session is in the target. Of the whole proxy: a POST is looked up before it is known
 * what it is.
 *
 * Another hop may strip a prefix from the path, add one or write another authority, so a POST whose target no stream named is
 * looked up by the {@link TargetTail} of its target, too.
 */
export class Endpoints {
  /** After {@link find}: the target may be one that open streams named, but it cannot be told which. */
  isUnpaired: bool = false;
  /** After {@link find}: an open stream named exactly this target, and no hop has changed it. */
  isExact: bool = false;
  /** After {@link find}: it is one of several that open streams named, beyond doubt. */
  isAmbiguous: bool = false;
  private shared: Store;
  /** By the hash of an endpoint: the hash of its session, and how many open streams named it. */
  private marks: Marks;
  /** By the hash of a tail: how many endpoints have it, and the exclusive or of the hashes of their sessions. */
  private tails: Marks;
  private tail: TargetTail = new TargetTail();
  private secret: Secret | null = null;
  /** An endpoint has been learned, here or on another worker. */
  private isInUse: bool = false;

  constructor(
    data: SharedData,
    private random: Random,
  ) {
    const shared = new Store(data, 0, "endpoints");
    this.shared = shared;
    this.marks = new Marks(shared, "endpoints", BUCKETS);
    this.tails = new Marks(shared, "tails", BUCKETS);
  }

  /** The hash of an endpoint, and of the session that it begins: never 0. `target` is its path and query. */
  hash(authority: u64, target: usize, length: i32): u64 {
    return max(mix(this.key.hash(target, length) ^ authority) & SESSION, LEAST_SESSION);
  }

  /** The hash of the tail of an endpoint's target: never 0. */
  tailHash(target: usize, length: i32): u64 {
    const tail = this.tail;
    tail.read(target, length);
    return neverZero(this.key.hash(tail.at, tail.length));
  }

  /** A stream named the endpoint, of this session. `tail`: see {@link tailHash}; 0 where it is not to be found by that. */
  add(endpoint: u64, session: u64, tail: u64): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = this.marks.get(0, endpoint);
      const after = !before ? session | 1 : (before & COUNT) < COUNT ? before + 1 : before;
      if (!this.marks.replace(0, endpoint, before, after)) continue;
      if (!before && tail) this.countTail(tail, session, 1);
      break;
    }
    if (this.anyLearned) return;
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS && !this.anyLearned; attempt++) {
      store<u8>(shared.page, 1);
      shared.length = 1;
      shared.save();
    }
  }

  /** A stream that named the endpoint, as {@link add} has it, is over. Whether that was the last one. */
  remove(endpoint: u64, session: u64, tail: u64): bool {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = this.marks.get(0, endpoint);
      if (!before) return true;
      const isLast = (before & COUNT) <= 1;
      if (!this.marks.replace(0, endpoint, before, isLast ? 0 : before - 1)) continue;
      if (isLast && tail) this.countTail(tail, session, -1);
      return isLast;
    }
    return true;
  }

  /** Whether any stream ever named an endpoint: while none has, that costs one look-up that finds nothing. */
  get anyLearned(): bool {
    if (this.isInUse) return true;
    // One byte, 1: that it is there says it all.
    this.shared.load("inUse");
    this.isInUse = this.shared.length > 0;
    return this.isInUse;
  }

  /** Whether an open stream named it. */
  has(endpoint: u64): bool {
    return this.marks.get(0, endpoint) != 0;
  }

  /** The hash of the session to whose endpoint a request goes: the endpoint that a stream named, or else the only one whose
   *  target has the same tail, with an id. 0 where there is none. */
  find(authority: u64, target: usize, length: i32): u64 {
    this.isUnpaired = false;
    this.isAmbiguous = false;
    const named = this.marks.get(0, this.hash(authority, target, length));
    this.isExact = named != 0;
    if (named) return named & SESSION;
    const sharing = this.tails.get(0, this.tailHash(target, length));
    if (!sharing) return 0;
    const hasId = this.tail.hasId;
    if (hasId && (sharing & COUNT) == 1) return sharing & SESSION;
    this.isUnpaired = true;
    this.isAmbiguous = hasId;
    return 0;
  }

  /** One endpoint more or less has this tail. */
  private countTail(tail: u64, session: u64, change: i32): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = this.tails.get(0, tail);
      const count = before & COUNT;
      if (change < 0 ? count == 0 : count == COUNT) return;
      const left = count + change;
      if (this.tails.replace(0, tail, before, left ? ((before ^ session) & SESSION) | left : 0)) return;
    }
  }

  private get key(): Secret {
    let secret = this.secret;
    if (!secret) {
      secret = new Secret(this.shared, this.random);
      this.secret = secret;
    }
    return secret;
  }
}
