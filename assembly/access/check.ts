import { Caller } from "./caller";

/** Rules of a policy, at most. */
const RULES_LIMIT: usize = 120;
/** Bytes of a principal that are kept for logs. */
const PRINCIPAL_LIMIT: i32 = 256;

/** What the access policy knows of a request until its messages are decided. Pooled. */
@unmanaged
export class AccessCheck {
  /** The address of whoever made it. */
  owner: usize;
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
  /** It is one of HTTP+SSE, whose answers come on another stream. */
  isHttpSse: bool;
  /** Bytes of its body that have come. */
  size: usize;
  /** The address of what reads its messages while they pass, 0 where it is held. */
  reader: usize;
  /** What the headers say, and whether they name a revision: see `revisions.ts`, and {@link MirroredHeaders}. */
  revision: i32;
  hasRevision: bool;
  methodHash: u64;
  nameHash: u64;
  principalLength: i32;
  /** Others whose headers are held. */
  next: usize;
  previous: usize;
  private nextFree: usize;

  static take(): AccessCheck {
    let at = free;
    if (at) free = changetype<AccessCheck>(at).nextFree;
    else at = heap.alloc(offsetof<AccessCheck>() + RULES_LIMIT + <usize>PRINCIPAL_LIMIT);
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

  /** The principal, `principalLength` bytes; none where nobody is known. */
  get principal(): usize {
    return this.matches + RULES_LIMIT;
  }

  keepPrincipal(caller: Caller): void {
    this.principalLength = min(caller.length, PRINCIPAL_LIMIT);
    memory.copy(this.principal, caller.at, this.principalLength);
  }
}

let free: usize = 0;
