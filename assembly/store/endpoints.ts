import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { TargetTail } from "../http/target_tail";
import { mix } from "../memory/bytes";
import { neverZero } from "../memory/keyed_hash";
import { Marks } from "./primitives/marks";
import { Secret } from "./primitives/secret";
import { ATTEMPTS, Store } from "./primitives/store";

/** Room for 32768 endpoints, one for each open stream, and for as many tails. */
const BUCKETS: i32 = 1024;
/** The value of a mark: a count in the low bits, and hashes of sessions above. */
const COUNT: u64 = 0xffff;
const SESSION: u64 = ~COUNT;
/** The lowest hash of a session. */
const MIN_SESSION: u64 = COUNT + 1;

/**
 * The endpoints to which clients of HTTP+SSE (2024-11-05, basic/transports) post, as announced by the `endpoint` events of
 * open streams. They are stored as keyed hashes, since the target contains the session id. They are shared by the whole
 * proxy: a POST is looked up before its purpose is known.
 *
 * Another hop may strip a path prefix, add one or write another authority. If no stream announced the target of a POST, it
 * is therefore also looked up by its {@link TargetTail}.
 */
export class Endpoints {
  /** After {@link find}: the target may be one of those that open streams announced, but which one is unknown. */
  isUnpaired: bool = false;
  /** After {@link find}: an open stream announced exactly this target, unchanged by any hop. */
  isExact: bool = false;
  /** After {@link find}: the target is certainly one of several that open streams announced. */
  isAmbiguous: bool = false;
  private shared: Store;
  /** By the hash of an endpoint: the hash of its session, and the number of open streams that announced it. */
  private marks: Marks;
  /** By the hash of a tail: the number of endpoints with this tail, and the exclusive or of the hashes of their sessions. */
  private tails: Marks;
  private tail: TargetTail = new TargetTail();
  private secret: Secret | null = null;
  /** Whether any worker has learned an endpoint. */
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

  /** The hash of an endpoint, which also identifies the session that it starts. Never 0. `target` is the path and query of
   *  the endpoint. */
  hash(authority: u64, target: usize, length: i32): u64 {
    return max(mix(this.key.hash(target, length) ^ authority) & SESSION, MIN_SESSION);
  }

  /** The hash of the tail of an endpoint's target. Never 0. */
  tailHash(target: usize, length: i32): u64 {
    const tail = this.tail;
    tail.read(target, length);
    return neverZero(this.key.hash(tail.at, tail.length));
  }

  /** Adds an endpoint that a stream announced for this session. `tail` is the {@link tailHash}; 0 if the endpoint must not
   *  be found by its tail. */
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

  /** Removes one stream that announced the endpoint, with the arguments of {@link add}. Returns whether it was the last one. */
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

  /** Whether any stream ever announced an endpoint. While none has, each call costs one look-up in the store. */
  get anyLearned(): bool {
    if (this.isInUse) return true;
    // The value is one byte, 1; its existence means that an endpoint was learned.
    this.shared.load("inUse");
    this.isInUse = this.shared.length > 0;
    return this.isInUse;
  }

  /** Whether an open stream announced this endpoint. */
  has(endpoint: u64): bool {
    return this.marks.get(0, endpoint) != 0;
  }

  /** The hash of the session to whose endpoint a request goes; 0 if there is none. The endpoint is the one that a stream
   *  announced, or else the only one whose target has the same tail, if that contains an id. */
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

  /** Adds `change` (1 or -1) to the number of endpoints with this tail. */
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
