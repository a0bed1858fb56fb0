import { isWithin } from "../memory/elapsed";
import { mix } from "../memory/bytes";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "./primitives/store";

/** The longest text that is kept, in bytes. */
export const ERROR_LIMIT: i32 = 1024;
/** How long an error is kept: servers answer what they do not know at once. */
const KEPT_MS: u64 = 60_000;
const BUCKETS: i32 = 64;
/** Errors in a bucket: the oldest makes room for another one. */
const CAPACITY: i32 = 64;

/** The head of an error in its bucket. Its text follows, filled up to a multiple of 8 bytes. */
@unmanaged
class ErrorEntry {
  key: u64;
  /** When it was added, in milliseconds. */
  addedAtMs: u64;
  /** Bytes of its text: at most {@link ERROR_LIMIT}, which the reader checks. */
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
if (CAPACITY * (<i32>HEAD + ERROR_LIMIT) > PAGE_CAPACITY) ERROR("A full bucket is too long.");

const FOUND = heap.alloc(ERROR_LIMIT);

/** The errors that replace those by which servers answer rejected requests on another stream, which may be on another worker:
 *  JSON texts by session and request id. A bounded number of them, each for a minute. */
export class RejectionErrors {
  /** The text that {@link find} has found, `length` bytes, until the next call. */
  readonly at: usize = FOUND;
  length: i32 = 0;

  constructor(private shared: Store) {}

  /** Keeps an error, at most {@link ERROR_LIMIT} bytes, for the answer to the request of this id. `id`: the hash of the id. False
   *  where it is too long, or others were faster every time. */
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

  /** Finds the error for the answer to a request. False where there is none. */
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

  /** Loads the bucket of a session, with room for another error. What is under the key, what is too old and what cannot be read is
   *  left out. */
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

/** Whether a whole entry is at this address, of which `size` bytes are there. */
function isEntry(at: usize, size: usize): bool {
  if (size < HEAD) return false;
  return changetype<ErrorEntry>(at).length <= <u32>ERROR_LIMIT && sizeOf(at) <= size;
}

/** Bytes of the entry at this address. */
function sizeOf(at: usize): usize {
  return HEAD + ((<usize>changetype<ErrorEntry>(at).length + 7) & ~7);
}
