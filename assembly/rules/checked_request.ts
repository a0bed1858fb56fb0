import { StageState } from "../gate/stage/request";
import { Caller, PRINCIPAL_LIMIT } from "../identity/caller";
import { makePrintable } from "../memory/bytes";

/** Rules of a policy or of limits, at most. */
const RULES_LIMIT: usize = 120;
/** Bytes of a principal that logs show. */
const SHOWN_LIMIT: i32 = 256;
/** Bytes of a request id that are kept. */
const REQUEST_ID_LIMIT: i32 = 64;

/** What a stage knows of a request until its messages are decided. Pooled. */
@unmanaged
export class CheckedRequest extends StageState {
  /** It is to MCP beyond doubt: the operator named its path, or it says so in its headers. */
  isMcp: bool;
  /** By its method, it may come without a body. */
  mayBeEmpty: bool;
  /** It posts to an endpoint of HTTP+SSE that a stream named: the answer comes on that stream, and the headers of Streamable
   *  HTTP mean nothing. */
  isHttpSse: bool;
  /** Its sender is a client of HTTP+SSE, or may be one by its headers: it waits for answers on another stream, and a refusal has
   *  an HTTP status of an error. */
  wantsStatus: bool;
  /** It posts to an endpoint of HTTP+SSE that a stream named, so that no reply reaches the client: a denial goes to the server as a
   *  request that it does not know, and the server answers. What only looks like HTTP+SSE by its headers is answered here: callers
   *  must not choose that a denied request reaches the server. */
  isRewritable: bool;
  /** Its headers name a revision. */
  hasRevision: bool;
  /** The principal is longer than what is kept. */
  isPrincipalCut: bool;
  /** Bytes of the request id, at most 64; 0 where there is none. */
  requestIdLength: u8;
  /** Bytes of the principal, at most 512; 0 where the caller has none. */
  principalLength: u16;
  /** The number of its `Origin` among those whose pages may read a denial; 0 for none of them. */
  origin: u16;
  /** Parts of the response of which the policy may deny something to this caller, and to some caller: see {@link Parts}. */
  deniedParts: u8;
  ruledParts: u8;
  /** The number of the pins that are about its server; 0 for none. */
  pins: u8;
  /** It asks for a list, and states a revision: see {@link Call.statedRevision}. */
  statesList: bool;
  statedRevision: i8;
  /** Its request for a list states the client's name, which matched the policy's conditions as `clientMatches` says. */
  statesClient: bool;
  knowsClient: bool;
  clientMatches: u64;
  /** The address of what reads its messages while they pass, 0 where they are not read. */
  reader: usize;
  /** The address of what else the stage keeps of it, or 0. */
  facts: usize;
  /** What the headers say: see `revisions.ts` and {@link MirroredHeaders}. */
  revision: i32;
  methodHash: u64;
  nameHash: u64;
  methodLineHash: u64;
  nameLineHash: u64;

  static take(): CheckedRequest {
    let at = free;
    if (at) free = changetype<CheckedRequest>(at).next;
    else at = heap.alloc(offsetof<CheckedRequest>() + RULES_LIMIT + <usize>PRINCIPAL_LIMIT + <usize>REQUEST_ID_LIMIT);
    // What follows is written before it is read.
    memory.fill(at, 0, offsetof<CheckedRequest>());
    return changetype<CheckedRequest>(at);
  }

  /** It must not be used any more. */
  release(): void {
    this.next = free;
    free = changetype<usize>(this);
  }

  /** How each rule matches the caller: a byte each. */
  get matches(): usize {
    return changetype<usize>(this) + offsetof<CheckedRequest>();
  }

  /** The address of the principal. */
  get principal(): usize {
    return this.matches + RULES_LIMIT;
  }

  /** Bytes of the principal that logs show. */
  get shownPrincipalLength(): i32 {
    return min(<i32>this.principalLength, SHOWN_LIMIT);
  }

  /** Keeps the caller's principal. */
  keepPrincipal(caller: Caller): void {
    this.principalLength = <u16>caller.length;
    this.isPrincipalCut = caller.isCut;
    memory.copy(this.principal, caller.at, caller.length);
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
    const kept = min(length, REQUEST_ID_LIMIT);
    this.requestIdLength = <u8>kept;
    memory.copy(this.requestId, at, kept);
    makePrintable(this.requestId, kept);
  }
}

let free: usize = 0;
