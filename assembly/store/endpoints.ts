import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { mix } from "../memory/bytes";
import { Marks } from "./primitives/marks";
import { Secret } from "./primitives/secret";
import { ATTEMPTS, Store } from "./primitives/store";

/** 32768 endpoints, of as many open streams. */
const BUCKETS: i32 = 1024;

/**
 * Where the clients of HTTP+SSE (2024-11-05, basic/transports) post to: what the `endpoint` events of open streams named,
 * as keyed hashes, since the id of the session is in the query. Of the whole proxy: a POST is looked up before it is known
 * what it is.
 */
export class Endpoints {
  private shared: Store;
  private marks: Marks;
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
  }

  /** The hash of an endpoint: never 0. `target` is its path and query. */
  hash(authority: u64, target: usize, length: i32): u64 {
    let secret = this.secret;
    if (!secret) {
      secret = new Secret(this.shared, this.random);
      this.secret = secret;
    }
    return mix(secret.hash(target, length) ^ authority) | 1;
  }

  /** A stream named it. */
  add(hash: u64): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const streams = this.marks.get(0, hash);
      if (this.marks.replace(0, hash, streams, streams + 1)) break;
    }
    if (this.anyLearned) return;
    const shared = this.shared;
    for (let attempt = 0; attempt < ATTEMPTS && !this.anyLearned; attempt++) {
      store<u8>(shared.page, 1);
      shared.length = 1;
      shared.save();
    }
  }

  /** A stream that named it is over. Whether that was the last one. */
  remove(hash: u64): bool {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const streams = this.marks.get(0, hash);
      if (streams == 0) return true;
      if (this.marks.replace(0, hash, streams, streams - 1)) return streams == 1;
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
  has(hash: u64): bool {
    return this.marks.get(0, hash) != 0;
  }
}
