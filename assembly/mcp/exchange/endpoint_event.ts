import { startsWithText } from "../../memory/bytes";
import { Pool } from "../../memory/pool";

/** The longest endpoint that is learned, and the longest path of a stream that a relative one is resolved against, in
 *  bytes. */
const LIMIT: i32 = 1024;
/** Most paths are short: their streams keep no more room. */
const SHORT_LIMIT: i32 = 96;
/** Events of a stream among which one that names an endpoint is looked for, and the bytes of data after which no further one
 *  is. */
export const EVENTS_BEFORE_ENDPOINT: u32 = 16;
export const BYTES_BEFORE_ENDPOINT: u64 = 16384;
const SLASH: u8 = 0x2f;
const QUESTION_MARK: u8 = 0x3f;
const DOT: u8 = 0x2e;
const HASH: u8 = 0x23;

/**
 * Reads the events of a stream for the `endpoint` event of HTTP+SSE (2024-11-05, basic/transports), whose data is a URI
 * reference, and resolves it against the stream's own path (RFC 3986, section 5.2). Pooled.
 */
@unmanaged
export class EndpointEvent {
  /** The keyed hash of the authority that the stream's request named. */
  authority: u64;
  /** The hash of the tail of the endpoint that the stream named first. */
  tail: u64;
  /** The hashes of the endpoint that it named in place of that, and of its tail; 0 for none. */
  other: u64;
  otherTail: u64;
  /** Bytes of the stream's path; -1 where it is too long to be kept. */
  private pathLength: i32;
  /** The address of the event's data, or 0 while none has come, and its length. */
  private reference: usize;
  private length: i32;
  private isTooLong: bool;
  /** Events that are over, and bytes of data of these and the current one. */
  private events: u32;
  private bytes: u64;
  private targetAt: usize;
  private targetEnd: usize;

  /** For a stream of this path (without the query). */
  static take(path: usize, pathLength: i32, authority: u64): EndpointEvent {
    const isKept = pathLength <= LIMIT;
    const self = changetype<EndpointEvent>(pathLength > SHORT_LIMIT && isKept ? longOnes.take() : shortOnes.take());
    self.authority = authority;
    self.pathLength = isKept ? pathLength : -1;
    if (isKept) memory.copy(self.path, path, pathLength);
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    if (this.reference) references.release(this.reference);
    if (this.pathLength > SHORT_LIMIT) longOnes.release(changetype<usize>(this));
    else shortOnes.release(changetype<usize>(this));
  }

  /** Bytes of the event's data. */
  feed(at: usize, length: usize): void {
    this.bytes += length;
    if (this.isTooLong || this.length + <i32>length > LIMIT) {
      this.isTooLong = true;
      return;
    }
    if (!this.reference) this.reference = references.take();
    memory.copy(this.reference + this.length, at, length);
    this.length += <i32>length;
  }

  /** The event is over. False where no first endpoint is looked for any more. */
  endEvent(): bool {
    if (this.reference) references.release(this.reference);
    this.reference = 0;
    this.length = 0;
    this.isTooLong = false;
    return ++this.events < EVENTS_BEFORE_ENDPOINT && this.bytes < BYTES_BEFORE_ENDPOINT;
  }

  /** After the event: whether its data names an endpoint, whose path and query are then {@link target}. */
  resolve(): bool {
    if (this.isTooLong || !this.reference) return false;
    let at = this.reference;
    // A fragment is the client's own.
    const end = endOf(at, at + this.length, HASH, HASH);
    if (at == end) return false;
    // The authority is taken to be the stream's own: clients refuse any other.
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

  /** The path and query of the endpoint, until another event is resolved. */
  get target(): usize {
    return this.targetAt;
  }

  get targetLength(): i32 {
    return <i32>(this.targetEnd - this.targetAt);
  }

  /** RFC 3986, section 5.2.4, of the path in `resolved`. */
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
/** Room for a path and a reference, in use while one is resolved and its target is read. */
const resolved: usize = heap.alloc(2 * LIMIT);

/** The first of two bytes in [at, end); `end` where there is none. */
function endOf(at: usize, end: usize, one: u8, other: u8): usize {
  while (at < end && load<u8>(at) != one && load<u8>(at) != other) at++;
  return at;
}

/** How many dots a segment (with its slash) is that is nothing but one or two; else 0. */
function dotsBehind(at: usize, end: usize): i32 {
  const size = <i32>(end - at) - 1;
  if (size < 1 || size > 2) return 0;
  for (let i = 1; i <= size; i++) {
    if (load<u8>(at + i) != DOT) return 0;
  }
  return size;
}
