import { StageState } from "../gate/stage/request";
import { Caller, PRINCIPAL_LIMIT } from "../identity/caller";
import { makePrintable } from "../memory/bytes";

/** Maximum number of rules in a policy or in limits. */
const RULES_LIMIT: usize = 120;
/** Maximum length in bytes of a principal in logs. */
const SHOWN_LIMIT: i32 = 256;
/** Maximum length in bytes of a kept request id. */
const REQUEST_ID_LIMIT: i32 = 64;

/** What a stage knows about a request until its messages are decided. Pooled. */
@unmanaged
export class RequestState extends StageState {
  /** The request is certainly MCP: the operator named its path, its headers say so, or a message has an MCP method. */
  isMcp: bool;
  /** The request's method allows it to have no body. */
  mayBeEmpty: bool;
  /** The request posts to an HTTP+SSE endpoint that a stream named: the response comes on that stream, and the
   *  headers of Streamable HTTP have no meaning. */
  isHttpSse: bool;
  /** The sender is an HTTP+SSE client, or looks like one by its headers. It waits for responses on another stream,
   *  so a rejection needs an HTTP error status. */
  wantsStatus: bool;
  /** The request posts to an HTTP+SSE endpoint that a stream named, so that no reply to it reaches the client. A
   *  denied request goes to the server with an unknown method, and the server answers. A request that only looks
   *  like HTTP+SSE by its headers is answered here: callers must not be able to make a denied request reach the
   *  server. */
  isRewritable: bool;
  /** The headers name a protocol revision. */
  hasRevision: bool;
  /** The principal is longer than the kept part. */
  isPrincipalCut: bool;
  /** Length of the request id in bytes, at most 64; 0 if there is none. */
  requestIdLength: u8;
  /** Length of the principal in bytes, at most 512; 0 if the caller has none. */
  principalLength: u16;
  /** The number of the `Origin`, if pages of that origin may read a denial; otherwise 0. See {@link
   *  AnswerHeaders.numberOf}. */
  origin: u16;
  /** The parts of the response in which the policy may deny something to this caller, and to any caller: see {@link
   *  Parts}. */
  deniedParts: u8;
  ruledParts: u8;
  /** The number of the tool pins for the server; 0 for none. */
  pins: u8;
  /** The request asks for a list and states a revision: see {@link RuleInput.statedRevision}. */
  statesList: bool;
  statedRevision: i8;
  /** The list request states the client's name. `clientMatches` says how that matched the policy's conditions. */
  statesClient: bool;
  knowsClient: bool;
  clientMatches: u64;
  /** Address of the reader of passing messages; 0 if they are not read. */
  reader: usize;
  /** Address of further data that the stage keeps for the request; 0 for none. */
  facts: usize;
  /** The values of the headers: see `revisions.ts` and {@link MirroredHeaders}. */
  revision: i32;
  methodHash: u64;
  nameHash: u64;
  methodLineHash: u64;
  nameLineHash: u64;

  static acquire(): RequestState {
    let at = free;
    if (at) free = changetype<RequestState>(at).next;
    else at = heap.alloc(offsetof<RequestState>() + RULES_LIMIT + <usize>PRINCIPAL_LIMIT + <usize>REQUEST_ID_LIMIT);
    // The memory after the fields is written before it is read, so it is not cleared.
    memory.fill(at, 0, offsetof<RequestState>());
    return changetype<RequestState>(at);
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    this.next = free;
    free = changetype<usize>(this);
  }

  /** Address of how each rule matches the caller, one byte per rule. */
  get matches(): usize {
    return changetype<usize>(this) + offsetof<RequestState>();
  }

  /** Address of the principal. */
  get principal(): usize {
    return this.matches + RULES_LIMIT;
  }

  /** Number of bytes of the principal in logs. */
  get shownPrincipalLength(): i32 {
    return min(<i32>this.principalLength, SHOWN_LIMIT);
  }

  /** Keeps the caller's principal. */
  keepPrincipal(caller: Caller): void {
    this.principalLength = <u16>caller.length;
    this.isPrincipalCut = caller.isCut;
    memory.copy(this.principal, caller.at, caller.length);
  }

  /** Restores the principal in `caller` and clears everything else there. */
  recallPrincipal(caller: Caller): void {
    caller.clear();
    caller.append(this.principal, this.principalLength);
    caller.isCut = this.isPrincipalCut;
  }

  /** Address of the request id, which is the client's own text if Envoy preserves it. */
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
