import { isWithin } from "../memory/elapsed";
import { mix } from "../memory/bytes";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** The maximum length of a stored text, in bytes. */
export const ERROR_LIMIT: i32 = 1024;
/** How long an error is stored. Servers answer unknown requests at once. */
const KEPT_MS: u64 = 60_000;
const BUCKETS: i32 = 64;
/** The maximum number of errors in a bucket. The oldest one is evicted first. */
const CAPACITY: i32 = 64;

/** The head of an error in its bucket. The text follows, padded to a multiple of 8 bytes. */
@unmanaged
class ErrorEntry {
  key: u64;
  /** The time when the error was added, in milliseconds. */
  addedAtMs: u64;
  /** The length of the text in bytes: at most {@link ERROR_LIMIT}, which the reader checks. */
  length: u32;
  unused: u32;
}

const HEAD: usize = 24;

if (
  offsetof<ErrorEntry>("key") != 0 ||
  offsetof<ErrorEntry>("addedAtMs") != 8 ||
  offsetof<ErrorEntry>("length") != 16 ||
  offsetof<ErrorEntry>("unused") != 20 ||
  offsetof<ErrorEntry>() != HEAD
)
  ERROR("The layout of ErrorEntry has changed: see FORMAT.");
if (CAPACITY * (<i32>HEAD + ERROR_LIMIT) > PAGE_CAPACITY) ERROR("A full bucket exceeds PAGE_CAPACITY.");

const FOUND = heap.alloc(ERROR_LIMIT);

/** The errors that replace the responses of servers to rejected requests. A response may arrive on another stream and on
 *  another worker. Errors are JSON texts by session and request id. Their number is bounded, and each is stored for a
 *  minute. */
export class RejectionErrors {
  /** The text that {@link find} found, `length` bytes. Valid until the next call. */
  readonly at: usize = FOUND;
  length: i32 = 0;

  constructor(private shared: Store) {}

  /** Stores an error of at most {@link ERROR_LIMIT} bytes for the response to a request. `id` is the hash of the request id.
   *  False if the error is too long, or if other workers interfered with every attempt. */
  add(session: u64, id: u64, at: usize, length: i32, nowMs: u64): bool {
    if (length > ERROR_LIMIT) return false;
    const shared = this.shared;
    const key = keyOf(session, id);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      this.load(session, key, nowMs);
      const end = shared.page + shared.length;
      const entry = changetype<ErrorEntry>(end);
      entry.key = key;
      entry.addedAtMs = nowMs;
      entry.length = length;
      entry.unused = 0;
      memory.copy(end + HEAD, at, length);
      const size = sizeOf(end);
      memory.fill(end + HEAD + length, 0, size - HEAD - length);
      shared.length += <i32>size;
      if (shared.save()) return true;
    }
    shared.conflicts++;
    return false;
  }

  /** Finds the error for the response to a request. False if there is none. */
  find(session: u64, id: u64, nowMs: u64): bool {
    const shared = this.shared;
    const key = keyOf(session, id);
    shared.load("rejections", bucketOf(session));
    const end = shared.page + shared.length;
    let found: usize = 0;
    for (let at = shared.page; isEntry(at, end - at); at += sizeOf(at)) {
      const entry = changetype<ErrorEntry>(at);
      if (entry.key == key && isWithin(KEPT_MS, entry.addedAtMs, nowMs)) found = at;
    }
    if (!found) return false;
    this.length = changetype<ErrorEntry>(found).length;
    memory.copy(this.at, found + HEAD, this.length);
    return true;
  }

  /** Loads the bucket of a session and makes room for another error. Omits the key's errors, expired errors and invalid
   *  bytes. */
  private load(session: u64, key: u64, nowMs: u64): void {
    const shared = this.shared;
    shared.load("rejections", bucketOf(session));
    const end = shared.page + shared.length;
    let kept = shared.page;
    let count = 0;
    let size: usize = 0;
    for (let at = shared.page; count < CAPACITY && isEntry(at, end - at); at += size) {
      const entry = changetype<ErrorEntry>(at);
      size = sizeOf(at);
      if (entry.key == key || !isWithin(KEPT_MS, entry.addedAtMs, nowMs)) continue;
      if (kept != at) memory.copy(kept, at, size);
      kept += size;
      count++;
    }
    if (count == CAPACITY) {
      const first = sizeOf(shared.page);
      memory.copy(shared.page, shared.page + first, kept - shared.page - first);
      kept -= first;
    }
    shared.length = <i32>(kept - shared.page);
  }
}

function keyOf(session: u64, id: u64): u64 {
  return mix(session ^ mix(id));
}

function bucketOf(session: u64): i32 {
  return <i32>(mix(session) & (BUCKETS - 1));
}

/** Whether a complete, valid entry begins at this address, within `size` bytes. */
function isEntry(at: usize, size: usize): bool {
  if (size < HEAD) return false;
  return changetype<ErrorEntry>(at).length <= <u32>ERROR_LIMIT && sizeOf(at) <= size;
}

/** The size of the entry at this address in bytes. */
function sizeOf(at: usize): usize {
  return HEAD + ((<usize>changetype<ErrorEntry>(at).length + 7) & ~7);
}
