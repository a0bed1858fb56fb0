import { CallerKey, ServerKey, SessionKey, TaskKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../../memory/elapsed";
import { Pool } from "../../memory/pool";
import { CLIENT_NAME_LIMIT, NAME_LIMIT, NO_CODE } from "../protocol/limits";
import { Method } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { TOKEN_KIND_COUNT, TokenKind, isRepetition } from "../protocol/token_kinds";
import { Admission } from "./admission";
import { Span } from "./span";

/** A request and, in time, its answer. */
@unmanaged
export class Operation {
  method: Method;
  idKind: IdKind;
  /** The hash of its JSON-RPC id: see `jsonrpc/id.ts`. */
  idHash: u64;
  /** Bytes of the request and of the response message. */
  requestSize: u64;
  responseSize: u64;
  outcome: Outcome;
  /** The outcome that the access log of its own stream shows; Open where it shows none. */
  shownOutcome: Outcome;
  /** The JSON-RPC error's code, or {@link NO_CODE}. */
  errorCode: i32;
  /** Bytes of the target's name; 0 where there is none, or none that can be kept. */
  nameLength: u32;
  /** Bytes of the name of the client's software; 0 where it is not known. */
  clientNameLength: u32;

  /** Of a list: a hash of the page asked for, 0 for the first. */
  cursor: u64;
  /** When its request arrived, and when it ended if that is not now, in nanoseconds of the host's clock. */
  startedAt: u64;
  endedAt: u64;
  /** The server asked, and the client answers. */
  fromServer: bool;
  /** The server asked on a stream that can be resumed, which may bring the request again. */
  mayBeReplayed: bool;
  /** It waits for an answer on another stream, or for its cancellation, and does not end with its own stream. */
  isParked: bool;
  /** The session that it belongs to; 0 where there is none. */
  session: SessionKey;
  /** A hash of what a call's repetition would have in common with it; 0 where none is looked for. */
  callHash: u64;
  /** The task that it is about; 0 where it is about none. */
  task: TaskKey;
  /** The server of the stream that it came on, and what sinks show of the caller, once it waits for an answer elsewhere. */
  server: ServerKey;
  caller: CallerKey;
  /** The session in which it begins, as far as the request says; 0 where it says nothing, or the gate keeps it from the server. */
  begunIn: SessionKey;
  /** Set and read by {@link SessionWork} alone: it counts as open there. */
  isCounted: bool;
  /** Set and read by limits alone: the number of the class in which a tool's call is in flight; 0 for none. */
  toolClass: u16;
  /** The address of what limits settle at its end; 0 for nothing. */
  admission: usize;
  /** The address of its {@link Span}; 0 where traces keep nothing of it. */
  span: usize;
  /** Set and read by limits alone: what the limit of its class keeps of a tool's call that is in flight. */
  callToken: u32;
  /** The address of the next open one of the stream, or 0. */
  next: usize;
  /** Set and read by statistics alone: the label of its server, and the addresses of the open operations that began before and
   *  after it, or 0. */
  serverLabel: i32;
  older: usize;
  newer: usize;

  /** The target's name. */
  get name(): usize {
    return this.tokensAt(TOKEN_KIND_COUNT);
  }

  /** The name of the client's software. */
  get clientName(): usize {
    return this.name + NAME_LIMIT;
  }

  /** The estimated tokens of this kind in the request and its answer. */
  tokens(kind: TokenKind): u32 {
    return load<u32>(this.tokensAt(kind));
  }

  /** The estimated tokens that a model wrote or reads: of all kinds that do not repeat another one. */
  get modelTokens(): u64 {
    let sum: u64 = 0;
    for (let kind = 0; kind < TOKEN_KIND_COUNT; kind++) {
      if (!isRepetition(kind)) sum += this.tokens(kind);
    }
    return sum;
  }

  addTokens(kind: TokenKind, tokens: u32): void {
    const at = this.tokensAt(kind);
    store<u32>(at, load<u32>(at) + tokens);
  }

  private tokensAt(kind: TokenKind): usize {
    return changetype<usize>(this) + offsetof<Operation>() + kind * sizeof<u32>();
  }

  static take(): Operation {
    const self = changetype<Operation>(pool.take());
    self.errorCode = NO_CODE;
    return self;
  }

  release(): void {
    if (this.admission) changetype<Admission>(this.admission).release();
    if (this.span) changetype<Span>(this.span).release();
    pool.release(changetype<usize>(this));
  }

  /** How long it took, in milliseconds: until it ended, or else until `now` (nanoseconds). 0 where the clock was set back. */
  durationMs(now: u64): u64 {
    return elapsed(this.startedAt, this.endedAt ? this.endedAt : now) / NANOSECONDS_PER_MILLISECOND;
  }

  /** Keeps the target's name: at most {@link NAME_LIMIT} bytes. */
  setName(at: usize, length: u32): void {
    memory.copy(this.name, at, length);
    this.nameLength = length;
  }

  /** Keeps the name of the client's software: at most {@link CLIENT_NAME_LIMIT} bytes. */
  setClientName(at: usize, length: u32): void {
    memory.copy(this.clientName, at, length);
    this.clientNameLength = length;
  }
}

const TOKENS_SIZE: usize = TOKEN_KIND_COUNT * sizeof<u32>();

const pool = new Pool(offsetof<Operation>() + TOKENS_SIZE + NAME_LIMIT + CLIENT_NAME_LIMIT);
