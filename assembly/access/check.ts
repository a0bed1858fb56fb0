import { makePrintable } from "../memory/bytes";
import { Caller, PRINCIPAL_LIMIT } from "../identity/caller";

/** Rules of a policy, at most. */
const RULES_LIMIT: usize = 120;
/** Bytes of a principal that logs show. */
const SHOWN_LIMIT: i32 = 256;
/** Bytes of a request id that are kept. */
const REQUEST_ID_LIMIT: i32 = 64;

/** What the access policy knows of a request until its messages are decided. Pooled. */
@unmanaged
export class AccessCheck {
  /** The address of whoever made it. */
  owner: usize;
  /** The address of another one of the same request, by another policy, which is decided after this one; 0: none. */
  other: usize;
  /** The address of the exchange that it is about. */
  exchange: usize;
  /** The proxy's name for the stream. */
  stream: u32;
  /** It is to MCP beyond doubt: the operator named its path, or it says so in its headers. */
  isMcp: bool;
  /** No body need come by its method. */
  mayBeEmpty: bool;
  /** The request waits for its decision. */
  isHeld: bool;
  /** So do its headers, since then, in milliseconds. */
  holdsHeaders: bool;
  heldAt: u64;
  /** It has been answered in place of the server. */
  isAnswered: bool;
  /** It posts to an endpoint of HTTP+SSE that a stream named: the answer comes on that stream, and the headers of Streamable
   *  HTTP mean nothing. */
  isHttpSse: bool;
  /** A denial has an HTTP status of an error: its sender is a client of HTTP+SSE, or may be one by its headers. */
  wantsStatus: bool;
  /** The number of its `Origin` among those whose pages may read a denial; 0 for none of them. */
  origin: i32;
  /** Bytes of its body that have come. */
  size: usize;
  /** The address of what reads its messages while they pass, 0 where it is held. */
  reader: usize;
  /** What the headers say, and whether they name a revision: see `revisions.ts`, and {@link MirroredHeaders}. */
  revision: i32;
  hasRevision: bool;
  methodHash: u64;
  nameHash: u64;
  /** Bytes of the principal; 0 where the caller has none. */
  principalLength: i32;
  /** The principal is longer than what is kept. */
  isPrincipalCut: bool;
  /** Bytes of the request id; 0 where there is none. */
  requestIdLength: i32;
  /** Others whose headers are held. */
  next: usize;
  previous: usize;
  private nextFree: usize;

  static take(): AccessCheck {
    let at = free;
    if (at) free = changetype<AccessCheck>(at).nextFree;
    else at = heap.alloc(offsetof<AccessCheck>() + RULES_LIMIT + <usize>PRINCIPAL_LIMIT + <usize>REQUEST_ID_LIMIT);
    memory.fill(at, 0, offsetof<AccessCheck>());
    return changetype<AccessCheck>(at);
  }

  /** It must not be used any more. */
  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Whether it brought no body and need not. */
  get isEmpty(): bool {
    return this.size == 0 && this.mayBeEmpty;
  }

  /** How each rule matches the caller: a byte each. */
  get matches(): usize {
    return changetype<usize>(this) + offsetof<AccessCheck>();
  }

  /** The address of the principal. */
  get principal(): usize {
    return this.matches + RULES_LIMIT;
  }

  /** Bytes of the principal that logs show. */
  get shownPrincipalLength(): i32 {
    return min(this.principalLength, SHOWN_LIMIT);
  }

  /** Keeps the caller's principal. */
  keepPrincipal(caller: Caller): void {
    this.principalLength = caller.length;
    this.isPrincipalCut = caller.isCut;
    memory.copy(this.principal, caller.at, this.principalLength);
  }

  /** Gives the principal back to `caller`, of whom nothing else is known then. */
  recallPrincipal(caller: Caller): void {
    caller.clear();
    caller.append(this.principal, this.principalLength);
    caller.isCut = this.isPrincipalCut;
  }

  /** The address of the request id, which is the client's own text where Envoy takes it over. */
  get requestId(): usize {
    return this.principal + <usize>PRINCIPAL_LIMIT;
  }

  /** Keeps the first 64 bytes of the request id, in printable ASCII. */
  keepRequestId(at: usize, length: i32): void {
    this.requestIdLength = min(length, REQUEST_ID_LIMIT);
    memory.copy(this.requestId, at, this.requestIdLength);
    makePrintable(this.requestId, this.requestIdLength);
  }
}

let free: usize = 0;
