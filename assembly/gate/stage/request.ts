import { Exchange } from "../../mcp/exchange/exchange";
import { RejectedRequest } from "../../edit/request/rejected_request";
import { Rewrites } from "../../edit/request/rewrites";
import { Parts, listPart, ListKind } from "../../edit/response/list_kind";
import { IdKind } from "../../jsonrpc/id";
import { KeptBytes } from "../../memory/kept_bytes";
import { ExchangeServices } from "../../mcp/exchange/services";
import { Pool } from "../../memory/pool";

/** Maximum length in bytes of the kept id of a list request. */
const LIST_ID_LIMIT: i32 = 128;

/** The state of one stage for one request. Stages extend and pool it. */
@unmanaged
export class StageState {
  /** Address of the stage. */
  stage: usize;
  /** Address of the state of the next stage that applies to the request; 0 for none. */
  next: usize;
  /** The stage holds the request. Set by the gate. */
  holds: bool;
  /** The stage reads the body of the request while it passes. Set by the stage. */
  reads: bool;
}

/** A request that stages apply to. Pooled. */
@unmanaged
export class GateRequest {
  exchange: Exchange;
  /** The proxy's id of the stream. */
  stream: u32;
  /** Keyed hash of the caller, set by stages: of the principal, otherwise of the address. 0 if neither is known. */
  owner: u64;
  /** Number of body bytes that the proxy has held, and number that have passed or were read as if they had. */
  heldBytes: usize;
  passedBytes: usize;
  /** Address of the first stage's state. */
  first: usize;
  /** The headers are held as well, since `heldAtMs` (milliseconds). */
  holdsHeaders: bool;
  /** A stage has answered the request in place of the server. */
  isAnswered: bool;
  heldAtMs: u64;
  /** The trace context of its messages must be written into its headers. The proxy holds these until the request
   *  goes on. */
  setsTraceparent: bool;
  /** A stage must read the response, so the server must not compress it. */
  wantsPlainAnswer: bool;
  /** The lists that the request asks for. */
  askedLists: Parts;
  /** The id of the list request, if that is the only message: `listIdLength` bytes at `listId`, a string if
   *  `isListIdText`, otherwise a number. Length 0 if the id is not known. */
  listIdLength: u8;
  isListIdText: bool;
  /** Address of the {@link ResponseEditor} of the response; 0 for none. */
  editor: usize;
  /** Address of the newest {@link RejectedRequest} of the body; 0 for none. */
  firstRejected: usize;
  /** Address of the changes to the body, 0 for none, and address of the state of the last stage that requested one. */
  private rewritesAt: usize;
  rejecting: usize;
  /** The request counts toward the held requests, with `budgetedBytes` bytes, for `budgetedOwner`: see {@link
   *  HeldBudget}. A later stage may set another `owner`. */
  isBudgeted: bool;
  budgetedBytes: usize;
  budgetedOwner: u64;
  /** The body so far, if the filter itself keeps it from the server: see {@link OwnHolding}. Address of its {@link
   *  KeptBytes}; 0 for none. */
  private keptAt: usize;
  /** Addresses of the neighbours in the list of requests whose headers are held; 0 for none. */
  next: usize;
  previous: usize;
  private servicesAt: usize;

  static acquire(exchange: Exchange, stream: u32, services: ExchangeServices): GateRequest {
    const self = changetype<GateRequest>(pool.acquire());
    self.exchange = exchange;
    self.stream = stream;
    self.servicesAt = changetype<usize>(services);
    return self;
  }

  /** Returns the request to the pool. It must not be used afterwards. */
  release(): void {
    if (this.rewritesAt) changetype<Rewrites>(this.rewritesAt).release();
    this.releaseKept();
    for (let at = this.firstRejected; at;) {
      const rejected = changetype<RejectedRequest>(at);
      at = rejected.next;
      rejected.release();
    }
    pool.release(changetype<usize>(this));
  }

  /** The services of the exchange. */
  get services(): ExchangeServices {
    return changetype<ExchangeServices>(this.servicesAt);
  }

  /** Records that a message asks for a list of this kind. `id` is the id of a request that is not part of a batch;
   *  otherwise `idLength` is 0. */
  asksForList(kind: ListKind, id: usize, idLength: i32, isText: bool): void {
    this.askedLists |= listPart(kind);
    this.listIdLength = idLength <= LIST_ID_LIMIT ? <u8>idLength : 0;
    this.isListIdText = isText;
    memory.copy(this.listId, id, this.listIdLength);
  }

  get listId(): usize {
    return changetype<usize>(this) + offsetof<GateRequest>();
  }

  /** The body so far, to add more; created if there is none. */
  openKept(): KeptBytes {
    if (!this.keptAt) this.keptAt = changetype<usize>(KeptBytes.acquire());
    return changetype<KeptBytes>(this.keptAt);
  }

  /** Frees the body that the filter itself has kept. */
  releaseKept(): void {
    if (this.keptAt) changetype<KeptBytes>(this.keptAt).release();
    this.keptAt = 0;
  }

  /** The changes to the body; null for none. */
  get rewrites(): Rewrites | null {
    return this.rewritesAt ? changetype<Rewrites>(this.rewritesAt) : null;
  }

  /** The changes to the body, to add more; created if there are none. */
  openRewrites(): Rewrites {
    if (!this.rewritesAt) this.rewritesAt = changetype<usize>(Rewrites.acquire());
    return changetype<Rewrites>(this.rewritesAt);
  }

  addRejected(rejected: RejectedRequest): void {
    rejected.next = this.firstRejected;
    this.firstRejected = changetype<usize>(rejected);
  }

  /** The request in the body that has this id and that the gate keeps from the server; null if there is none. */
  rejected(kind: IdKind, idHash: u64): RejectedRequest | null {
    for (let at = this.firstRejected; at; at = changetype<RejectedRequest>(at).next) {
      const rejected = changetype<RejectedRequest>(at);
      if (rejected.idKind == kind && rejected.idHash == idHash) return rejected;
    }
    return null;
  }

  /** Appends the state of a stage after those of earlier stages. */
  append(state: StageState): void {
    if (!this.first) {
      this.first = changetype<usize>(state);
      return;
    }
    let last = changetype<StageState>(this.first);
    while (last.next) last = changetype<StageState>(last.next);
    last.next = changetype<usize>(state);
  }

  /** Whether a stage holds the request. */
  get isHeld(): bool {
    for (let at = this.first; at; at = changetype<StageState>(at).next) {
      if (changetype<StageState>(at).holds) return true;
    }
    return false;
  }

  /** Whether a stage reads the body while it passes. */
  get isRead(): bool {
    for (let at = this.first; at; at = changetype<StageState>(at).next) {
      if (changetype<StageState>(at).reads) return true;
    }
    return false;
  }
}

const pool = new Pool(offsetof<GateRequest>() + LIST_ID_LIMIT);
