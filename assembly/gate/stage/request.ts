import { Exchange } from "../../mcp/exchange/exchange";
import { RejectedRequest } from "../../edit/request/rejected_request";
import { Rewrites } from "../../edit/request/rewrites";
import { Parts, listPart, ListKind } from "../../edit/response/list_kind";
import { IdKind } from "../../jsonrpc/id";
import { ExchangeServices } from "../../mcp/exchange/services";
import { Pool } from "../../memory/pool";

/** Bytes of the id of a list's request that are kept. */
const LIST_ID_LIMIT: i32 = 128;

/** What one stage knows about one request. Stages extend it, and pool what they make. */
@unmanaged
export class StageState {
  /** The address of the stage. */
  stage: usize;
  /** The address of the state of the next stage that is concerned with the request; 0 for none. */
  next: usize;
  /** The stage holds the request. Set by the gate. */
  holds: bool;
  /** The stage reads the body of the request while it passes. Set by the stage. */
  reads: bool;
}

/** A request that stages are concerned with. Pooled. */
@unmanaged
export class GateRequest {
  exchange: Exchange;
  /** The proxy's id of the stream. */
  stream: u32;
  /** A keyed hash of who calls, set by stages: of the principal, else of the address. 0 where neither is known. */
  owner: u64;
  /** Bytes of the body that the proxy has held, and bytes that have passed, or that were read as if they had. */
  heldBytes: usize;
  passedBytes: usize;
  /** The address of the first stage's state. */
  first: usize;
  /** The headers are held as well, since `heldAtMs`, in milliseconds. */
  holdsHeaders: bool;
  /** A stage has answered the request in place of the server. */
  isAnswered: bool;
  heldAtMs: u64;
  /** The trace context of its messages is to be put into its headers, which the proxy keeps from the server until it goes on. */
  setsTraceparent: bool;
  /** A stage must read the answer: the server must not compress it. */
  wantsPlainAnswer: bool;
  /** The lists that it asks for. */
  askedLists: Parts;
  /** The id of the request for a list, where it is the only message: `listIdLength` bytes at `listId`, of a text where
   *  `isListIdText`, else of a number. 0 where it is not known. */
  listIdLength: u8;
  isListIdText: bool;
  /** The address of what edits its response, or 0. */
  editor: usize;
  /** The address of the first {@link RejectedRequest} of its body, the newest one; 0 for none. */
  firstRejected: usize;
  /** The address of what the gate changes in its body, 0 for nothing, and of the state of the stage that wants it last. */
  private rewritesAt: usize;
  rejecting: usize;
  /** It is counted among the requests that are held, with so many bytes, for this owner: see {@link HeldBudget}. A later stage
   *  may set another `owner`. */
  isBudgeted: bool;
  budgetedBytes: usize;
  budgetedOwner: u64;
  /** The addresses of the neighbours in the list of requests whose headers are held; 0 for none. */
  next: usize;
  previous: usize;
  private servicesAt: usize;

  static take(exchange: Exchange, stream: u32, services: ExchangeServices): GateRequest {
    const self = changetype<GateRequest>(pool.take());
    self.exchange = exchange;
    self.stream = stream;
    self.servicesAt = changetype<usize>(services);
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    if (this.rewritesAt) changetype<Rewrites>(this.rewritesAt).release();
    for (let at = this.firstRejected; at;) {
      const rejected = changetype<RejectedRequest>(at);
      at = rejected.next;
      rejected.release();
    }
    pool.release(changetype<usize>(this));
  }

  /** What the exchange works with. */
  get services(): ExchangeServices {
    return changetype<ExchangeServices>(this.servicesAt);
  }

  /** Its message asks for a list of this kind. `id`: of a request that is no part of a batch, else of no bytes. */
  asksForList(kind: ListKind, id: usize, idLength: i32, isText: bool): void {
    this.askedLists |= listPart(kind);
    this.listIdLength = idLength <= LIST_ID_LIMIT ? <u8>idLength : 0;
    this.isListIdText = isText;
    memory.copy(this.listId, id, this.listIdLength);
  }

  get listId(): usize {
    return changetype<usize>(this) + offsetof<GateRequest>();
  }

  /** What the gate changes in its body; null for nothing. */
  get rewrites(): Rewrites | null {
    return this.rewritesAt ? changetype<Rewrites>(this.rewritesAt) : null;
  }

  /** The same, to which changes can be added. */
  openRewrites(): Rewrites {
    if (!this.rewritesAt) this.rewritesAt = changetype<usize>(Rewrites.take());
    return changetype<Rewrites>(this.rewritesAt);
  }

  addRejected(rejected: RejectedRequest): void {
    rejected.next = this.firstRejected;
    this.firstRejected = changetype<usize>(rejected);
  }

  /** The request of its body that has this id and that the gate keeps from the server; null where there is none. */
  rejected(kind: IdKind, idHash: u64): RejectedRequest | null {
    for (let at = this.firstRejected; at; at = changetype<RejectedRequest>(at).next) {
      const rejected = changetype<RejectedRequest>(at);
      if (rejected.idKind == kind && rejected.idHash == idHash) return rejected;
    }
    return null;
  }

  /** Adds the state of a stage behind those of the stages before it. */
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
