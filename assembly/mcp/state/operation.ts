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

/** A request and its response, once that arrives. Pooled. */
@unmanaged
export class Operation {
  method: Method;
  idKind: IdKind;
  /** The hash of the request's JSON-RPC id: see `jsonrpc/id.ts`. */
  idHash: u64;
  /** The sizes of the request message and of the response message in bytes. */
  requestSize: u64;
  responseSize: u64;
  outcome: Outcome;
  /** The outcome in the access log of the operation's own stream; Open if that shows none. */
  shownOutcome: Outcome;
  /** The code of the JSON-RPC error; {@link NO_CODE} if there is none. */
  errorCode: i32;
  /** The length of the target's name in bytes; 0 if there is none, or if it is too long. */
  nameLength: u32;
  /** The length of the name of the client's software in bytes; 0 if it is unknown. */
  clientNameLength: u32;

  /** For a list request: a hash of the cursor of the requested page; 0 for the first page. */
  cursor: u64;
  /** The times when the request arrived and when the operation ended (0: now), in nanoseconds of the host's clock. */
  startedAt: u64;
  endedAt: u64;
  /** Whether the server sent the request, so that the client responds. */
  fromServer: bool;
  /** Whether the server sent the request on a resumable stream, which may deliver it again. */
  mayBeReplayed: bool;
  /** Whether the operation waits for its response on another stream, or for its cancellation, and therefore does not end
   *  with its own stream. */
  isParked: bool;
  /** The session to which the operation belongs; 0 for none. */
  session: SessionKey;
  /** A hash that a repetition of the call would share; 0 if repetitions are not detected. */
  callHash: u64;
  /** The task that the operation concerns; 0 for none. */
  task: TaskKey;
  /** The server of the operation's own stream, and the caller as sinks show it. Set once the operation waits for its
   *  response on another stream. */
  server: ServerKey;
  caller: CallerKey;
  /** The session that the request belongs to, as far as that is known when the operation starts; 0 for none, or if the gate
   *  rejects the request. */
  begunIn: SessionKey;
  /** Used by {@link SessionWork} only: whether the operation is counted as open there. */
  isCounted: bool;
  /** Whether the log of messages has a line for the operation. */
  isLogged: bool;
  /** Used by limits only: the number of the class in which a tool call is in flight; 0 for none. */
  toolClass: u16;
  /** The address of the {@link Admission} that limits settle when the operation ends; 0 for none. */
  admission: usize;
  /** The address of the operation's {@link Span}; 0 if traces record none. */
  span: usize;
  /** Used by limits only: what {@link ConcurrencyLimit.start} returned for a tool call that is in flight; `end` needs it. */
  callToken: u32;
  /** The address of the stream's next open operation; 0 for none. */
  next: usize;
  /** Used by statistics only: the label of the operation's server, and the addresses of the open operations that started
   *  before and after it (0 for none). */
  serverLabel: i32;
  older: usize;
  newer: usize;

  /** The address of the target's name, `nameLength` bytes. */
  get name(): usize {
    return this.tokensAt(TOKEN_KIND_COUNT);
  }

  /** The address of the name of the client's software, `clientNameLength` bytes. */
  get clientName(): usize {
    return this.name + NAME_LIMIT;
  }

  /** The estimated tokens of this kind in the request and the response. */
  tokens(kind: TokenKind): u32 {
    return load<u32>(this.tokensAt(kind));
  }

  /** The estimated tokens that a model wrote or reads: those of all kinds except repetitions. */
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

  static acquire(): Operation {
    const self = changetype<Operation>(pool.acquire());
    self.errorCode = NO_CODE;
    return self;
  }

  release(): void {
    if (this.admission) changetype<Admission>(this.admission).release();
    if (this.span) changetype<Span>(this.span).release();
    pool.release(changetype<usize>(this));
  }

  /** The duration in milliseconds, until the operation ended or else until `now` (nanoseconds). 0 if the clock was set back. */
  durationMs(now: u64): u64 {
    return elapsed(this.startedAt, this.endedAt ? this.endedAt : now) / NANOSECONDS_PER_MILLISECOND;
  }

  /** Copies the target's name: at most {@link NAME_LIMIT} bytes. */
  setName(at: usize, length: u32): void {
    memory.copy(this.name, at, length);
    this.nameLength = length;
  }

  /** Copies the name of the client's software: at most {@link CLIENT_NAME_LIMIT} bytes. */
  setClientName(at: usize, length: u32): void {
    memory.copy(this.clientName, at, length);
    this.clientNameLength = length;
  }
}

const TOKENS_SIZE: usize = TOKEN_KIND_COUNT * sizeof<u32>();

const pool = new Pool(offsetof<Operation>() + TOKENS_SIZE + NAME_LIMIT + CLIENT_NAME_LIMIT);
