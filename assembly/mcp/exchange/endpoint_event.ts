import { startsWithText } from "../../memory/bytes";
import { Pool } from "../../memory/pool";

/** The maximum length in bytes of an endpoint, and of the path of a stream against which a relative endpoint is resolved. */
const LIMIT: i32 = 1024;
/** The room in bytes for short paths, which most streams have. */
const SHORT_LIMIT: i32 = 96;
/** The number of events, and the bytes of data, after which the search for a stream's first endpoint stops. */
export const EVENTS_BEFORE_ENDPOINT: u32 = 16;
export const BYTES_BEFORE_ENDPOINT: u64 = 16384;
const SLASH: u8 = 0x2f;
const QUESTION_MARK: u8 = 0x3f;
const DOT: u8 = 0x2e;
const HASH: u8 = 0x23;

/**
 * Finds the `endpoint` event of HTTP+SSE (2024-11-05, basic/transports) in a stream. Its data is a URI reference, which is
 * resolved against the stream's own path (RFC 3986, section 5.2). Pooled.
 */
@unmanaged
export class EndpointEvent {
  /** The keyed hash of the authority of the stream's request. */
  authority: u64;
  /** The hash of the tail of the first endpoint that the stream announced. */
  tail: u64;
  /** The hashes of a later endpoint that replaces the first one, and of its tail; 0 for none. */
  other: u64;
  otherTail: u64;
  /** The length of the stream's path in bytes; -1 if it is too long to be stored. */
  private pathLength: i32;
  /** The address of the event's data (0 until the first byte), and its length. */
  private reference: usize;
  private length: i32;
  private isTooLong: bool;
  /** The number of ended events, and the bytes of data of these and the current one. */
  private events: u32;
  private bytes: u64;
  private targetAt: usize;
  private targetEnd: usize;

  /** Acquires a reader for a stream with this path (without the query). */
  static acquire(path: usize, pathLength: i32, authority: u64): EndpointEvent {
    const isKept = pathLength <= LIMIT;
    const self = changetype<EndpointEvent>(
      pathLength > SHORT_LIMIT && isKept ? longOnes.acquire() : shortOnes.acquire(),
    );
    self.authority = authority;
    self.pathLength = isKept ? pathLength : -1;
    if (isKept) memory.copy(self.path, path, pathLength);
    return self;
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    if (this.reference) references.release(this.reference);
    if (this.pathLength > SHORT_LIMIT) longOnes.release(changetype<usize>(this));
    else shortOnes.release(changetype<usize>(this));
  }

  /** Adds bytes of the event's data. */
  feed(at: usize, length: usize): void {
    this.bytes += length;
    if (this.isTooLong || this.length + <i32>length > LIMIT) {
      this.isTooLong = true;
      return;
    }
    if (!this.reference) this.reference = references.acquire();
    memory.copy(this.reference + this.length, at, length);
    this.length += <i32>length;
  }

  /** Ends the current event. False if the search for a first endpoint is over. */
  endEvent(): bool {
    if (this.reference) references.release(this.reference);
    this.reference = 0;
    this.length = 0;
    this.isTooLong = false;
    return ++this.events < EVENTS_BEFORE_ENDPOINT && this.bytes < BYTES_BEFORE_ENDPOINT;
  }

  /** After an event: whether its data is an endpoint. Its path and query are then at {@link target}. */
  resolve(): bool {
    if (this.isTooLong || !this.reference) return false;
    let at = this.reference;
    // The fragment is not sent to the server.
    const end = endOf(at, at + this.length, HASH, HASH);
    if (at == end) return false;
    // The authority is assumed to be that of the stream, since clients reject any other.
    at += startsWithText(at, end - at, "http://") ? 5 : startsWithText(at, end - at, "https://") ? 6 : 0;
    let to = resolved;
    if (startsWithText(at, end - at, "//")) {
      at = endOf(at + 2, end, SLASH, QUESTION_MARK);
      if (at == end || load<u8>(at) == QUESTION_MARK) store<u8>(to++, SLASH);
    } else if (load<u8>(at) != SLASH && this.pathLength < 0) {
      return false;
    } else if (load<u8>(at) == QUESTION_MARK) {
      memory.copy(to, this.path, this.pathLength);
      to += this.pathLength;
    } else if (load<u8>(at) != SLASH) {
      let directory = this.pathLength;
      while (directory > 0 && load<u8>(this.path + directory - 1) != SLASH) directory--;
      memory.copy(to, this.path, directory);
      to += directory;
    }
    memory.copy(to, at, end - at);
    this.targetEnd = to + (end - at);
    this.targetAt = resolved;
    this.removeDotSegments();
    return this.targetLength > 0 && load<u8>(this.targetAt) == SLASH;
  }

  /** The address of the endpoint's path and query. Valid until another event is resolved. */
  get target(): usize {
    return this.targetAt;
  }

  get targetLength(): i32 {
    return <i32>(this.targetEnd - this.targetAt);
  }

  /** Removes dot segments from the path in `resolved` (RFC 3986, section 5.2.4). */
  private removeDotSegments(): void {
    const end = this.targetEnd;
    const start = resolved;
    let to = start;
    let at = start;
    while (at < end && load<u8>(at) != QUESTION_MARK) {
      let next = at + 1;
      while (next < end && load<u8>(next) != SLASH && load<u8>(next) != QUESTION_MARK) next++;
      const isLast = next == end || load<u8>(next) == QUESTION_MARK;
      const dots = dotsBehind(at, next);
      if (dots == 2) {
        while (to > start && load<u8>(--to) != SLASH) {}
      } else if (dots == 0) {
        memory.copy(to, at, next - at);
        to += next - at;
      }
      if (dots && isLast) store<u8>(to++, SLASH);
      at = next;
    }
    memory.copy(to, at, end - at);
    this.targetEnd = to + (end - at);
  }

  private get path(): usize {
    return changetype<usize>(this) + offsetof<EndpointEvent>();
  }
}

const shortOnes = new Pool(offsetof<EndpointEvent>() + <usize>SHORT_LIMIT);
const longOnes = new Pool(offsetof<EndpointEvent>() + <usize>LIMIT);
const references = new Pool(LIMIT);
/** The buffer for a path and a reference, used while one is resolved and its target is read. */
const resolved: usize = heap.alloc(2 * LIMIT);

/** The address of the first of two bytes in [at, end); `end` if there is neither. */
function endOf(at: usize, end: usize, one: u8, other: u8): usize {
  while (at < end && load<u8>(at) != one && load<u8>(at) != other) at++;
  return at;
}

/** The number of dots (1 or 2) if a segment after its slash is a dot segment, else 0. */
function dotsBehind(at: usize, end: usize): i32 {
  const size = <i32>(end - at) - 1;
  if (size < 1 || size > 2) return 0;
  for (let i = 1; i <= size; i++) {
    if (load<u8>(at + i) != DOT) return 0;
  }
  return size;
}
