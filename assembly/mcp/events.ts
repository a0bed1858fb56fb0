import { ServerKey, SessionKey, ToolKey } from "../identity/keys";
import { IdKind } from "../jsonrpc/id";
import { SessionEntry } from "../store/session_entry";
import { SessionState } from "../store/session_state";
import { Event, EventKind } from "./event";
import { EventSink } from "./event_sink";
import { MirroredHeader } from "./headers/mirrored_headers";
import { McpMessage } from "./message/message";
import { LimitDecision } from "./protocol/limit_decision";
import { Method, TargetKind } from "./protocol/methods";
import { StreamEnd } from "./protocol/stream_kinds";
import { TaskState } from "./protocol/task_state";
import { TokenKind } from "./protocol/token_kinds";
import { ToolChange } from "./protocol/tool_change";
import { Undecoded } from "./protocol/undecoded";
import { WithheldReason } from "./protocol/withheld_reason";
import { Operation } from "./state/operation";
import { Stream } from "./state/stream";

/** Reports events to all sinks, in the order in which the sinks were added. Each method reports one kind of event; its
 *  parameters become members of the {@link Event}. */
export class Events {
  private sinks: EventSink[] = [];
  private event: Event = new Event();
  /** Withheld elements that are alike and not reported yet: their number, the address of their stream, and the reason. */
  private withheldCount: u32 = 0;
  private withheldFrom: usize = 0;
  private withheldMethod: Method = 0;
  private withheldReason: WithheldReason = 0;
  private isWithheldInShadow: bool = false;

  add(sink: EventSink): void {
    this.sinks.push(sink);
  }

  /** The stream's server is known. Its name is empty if nothing names it, and valid until the next host call. */
  serverResolved(stream: Stream, name: usize, nameLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.ServerResolved);
  }

  /** The stream's caller has been looked up. The address is empty if there is none, and valid until the next host call. */
  callerResolved(stream: Stream, address: usize, addressLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.name = address;
    event.nameLength = addressLength;
    this.report(EventKind.CallerResolved);
  }

  /** The principal of the stream's caller has been read for the sinks. It is not empty, and valid until the next host call. */
  principalResolved(stream: Stream, principal: usize, principalLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.name = principal;
    event.nameLength = principalLength;
    this.report(EventKind.PrincipalResolved);
  }

  /** Decisions about a message of this client follow. `session` is the session that the stream names; 0 for none.
   *  `nameLength` is 0 if the message does not name the client's software. */
  clientCalls(stream: Stream, session: SessionKey, name: usize, nameLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.session = session;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.ClientCalls);
  }

  /** The stream has been recognized as MCP. */
  streamStarted(stream: Stream): void {
    const event = this.event;
    event.stream = stream;
    this.report(EventKind.StreamStarted);
  }

  /** The stream has ended. */
  streamEnded(stream: Stream, end: StreamEnd): void {
    const event = this.event;
    event.stream = stream;
    event.end = end;
    this.report(EventKind.StreamEnded);
  }

  /** A session has started at this proxy. */
  sessionStarted(entry: SessionEntry): void {
    const event = this.event;
    event.entry = entry;
    this.report(EventKind.SessionStarted);
  }

  /** A session that started elsewhere has been found. */
  sessionAdopted(entry: SessionEntry): void {
    const event = this.event;
    event.entry = entry;
    this.report(EventKind.SessionAdopted);
  }

  /** A session has ended. */
  sessionEnded(entry: SessionEntry): void {
    const event = this.event;
    event.entry = entry;
    this.report(EventKind.SessionEnded);
  }

  /** The totals of an ended session are final. */
  sessionSettled(entry: SessionEntry): void {
    const event = this.event;
    event.entry = entry;
    this.report(EventKind.SessionSettled);
  }

  /** The sweep counted an active session in this state. The entry is inside the store's loaded value, so the store must not
   *  be used during the call. */
  sessionCounted(entry: SessionEntry, state: SessionState): void {
    const event = this.event;
    event.entry = entry;
    event.sessionState = state;
    this.report(EventKind.SessionCounted);
  }

  /** The client of a session has named its software; `nameLength` is 0 if it has not. */
  clientNamed(session: SessionKey, name: usize, nameLength: i32): void {
    const event = this.event;
    event.session = session;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.ClientNamed);
  }

  /** A request has been read. It is the server's if `operation.fromServer`, otherwise the client's. It does not wait in the
   *  store for its response yet. `isRejected`: the gate does not forward it to the server. For a client's request, {@link
   *  operationStarted} follows. */
  operationRead(stream: Stream, operation: Operation, message: McpMessage, isRejected: bool): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    event.message = message;
    event.isDenied = isRejected;
    this.report(EventKind.OperationRead);
  }

  /** The operation of a client's request has started. `isWaiting`: its response arrives on another stream. */
  operationStarted(stream: Stream, operation: Operation, isWaiting: bool): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    event.isWaiting = isWaiting;
    this.report(EventKind.OperationStarted);
  }

  /** The gate forwards an operation that has waited for limits to the server. `wasWaiting`: it was reported as waiting in
   *  the store for its response, and still waits there if `operation.isParked`. */
  operationAdmitted(stream: Stream, operation: Operation, wasWaiting: bool): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    event.isWaiting = wasWaiting;
    this.report(EventKind.OperationAdmitted);
  }

  /** The stream of an operation has ended. Its response or cancellation, if there is one, arrives on another stream.
   *  `operation.outcome` is the outcome without a cancellation; Open if the response decides it. */
  operationWaiting(stream: Stream, operation: Operation): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.OperationWaiting);
  }

  /** The sweep counted an operation that waits for its response. `isWaiting`: the stream that should carry the response has
   *  not ended. `nameLength` is 0 if the operation has no target; `startedAt` is in nanoseconds. The store must not be used
   *  during the call. */
  operationCounted(
    server: ServerKey,
    session: SessionKey,
    fromClient: bool,
    isWaiting: bool,
    method: Method,
    name: usize,
    nameLength: i32,
    startedAt: u64,
  ): void {
    const event = this.event;
    event.server = server;
    event.session = session;
    event.fromClient = fromClient;
    event.isWaiting = isWaiting;
    event.method = method;
    event.name = name;
    event.nameLength = nameLength;
    event.startedAt = startedAt;
    this.report(EventKind.OperationCounted);
  }

  /** A waiting operation was evicted. {@link operationEnded} follows. */
  operationEvicted(stream: Stream): void {
    const event = this.event;
    event.stream = stream;
    this.report(EventKind.OperationEvicted);
  }

  /** The client cancels its request with this JSON-RPC id. The operation may be open on another stream or have ended. */
  operationCancelled(stream: Stream, session: SessionKey, kind: IdKind, id: u64): void {
    const event = this.event;
    event.stream = stream;
    event.session = session;
    event.idKind = kind;
    event.idHash = id;
    this.report(EventKind.OperationCancelled);
  }

  /** The client closed the stream of an operation before its response. {@link operationWaiting} or {@link operationEnded}
   *  follows. */
  operationDisconnected(stream: Stream, operation: Operation): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.OperationDisconnected);
  }

  /** An operation has ended and has its final outcome. `operation.isParked`: it has waited for its response on another
   *  stream. */
  operationEnded(stream: Stream, operation: Operation): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.OperationEnded);
  }

  /** `count` notifications of one method have passed, `size` bytes in total. `session` is 0 if they belong to none. */
  notifications(stream: Stream, method: Method, fromClient: bool, count: u32, size: u64, session: SessionKey): void {
    const event = this.event;
    event.count = count;
    event.stream = stream;
    event.method = method;
    event.fromClient = fromClient;
    event.size = size;
    event.session = session;
    this.report(EventKind.Notification);
  }

  /** The gate rejected a notification of the client. */
  notificationRejected(stream: Stream, method: Method, session: SessionKey): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.session = session;
    this.report(EventKind.NotificationRejected);
  }

  /** The server reported progress of this operation `count` times. The operation is null if it is unknown. */
  progress(stream: Stream, operation: Operation | null, count: u32): void {
    const event = this.event;
    event.count = count;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.Progress);
  }

  /** Texts outside of any operation have passed: an estimated number of tokens of this kind. */
  tokens(stream: Stream, kind: TokenKind, tokens: u32): void {
    const event = this.event;
    event.stream = stream;
    event.tokenKind = kind;
    event.tokens = tokens;
    this.report(EventKind.Tokens);
  }

  /** The server's list for this method was read to its end: an estimated number of tokens. */
  listMeasured(stream: Stream, method: Method, tokens: u64): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.tokens = tokens;
    this.report(EventKind.ListMeasured);
  }

  /** The server has a tool or prompt with this name. `isListed`: the name is in a list; otherwise a call of it succeeded. */
  nameSeen(stream: Stream, kind: TargetKind, name: usize, nameLength: u32, isListed: bool): void {
    const event = this.event;
    event.stream = stream;
    event.targetKind = kind;
    event.name = name;
    event.nameLength = nameLength;
    event.isListed = isListed;
    this.report(EventKind.NameSeen);
  }

  /** The server's tool list differs from the one that this caller saw before. */
  toolChanged(stream: Stream, tool: ToolKey, change: ToolChange): void {
    const event = this.event;
    event.stream = stream;
    event.tool = tool;
    event.change = change;
    this.report(EventKind.ToolChanged);
  }

  /** A call of a tool that is not in the server's list failed. */
  unknownTool(stream: Stream): void {
    const event = this.event;
    event.stream = stream;
    this.report(EventKind.UnknownTool);
  }

  /** A task has entered this state. `tool` is 0 if it is unknown. */
  taskEntered(stream: Stream, tool: ToolKey, state: TaskState): void {
    const event = this.event;
    event.stream = stream;
    event.tool = tool;
    event.state = state;
    this.report(EventKind.TaskEntered);
  }

  /** A task has entered its final state, `durationMs` milliseconds after its request. {@link taskEntered} precedes this
   *  event. */
  taskEnded(stream: Stream, tool: ToolKey, state: TaskState, durationMs: u64): void {
    const event = this.event;
    event.stream = stream;
    event.tool = tool;
    event.state = state;
    event.durationMs = durationMs;
    this.report(EventKind.TaskEnded);
  }

  /** A header that must repeat a value of the body is missing or differs from it. */
  headerMismatch(stream: Stream, header: MirroredHeader): void {
    const event = this.event;
    event.stream = stream;
    event.header = header;
    this.report(EventKind.HeaderMismatch);
  }

  /** A message could not be read. */
  undecoded(stream: Stream, reason: Undecoded): void {
    const event = this.event;
    event.stream = stream;
    event.reason = reason;
    this.report(EventKind.Undecoded);
  }

  /** A message of the client has passed on a path that the access policy does not govern. The method is None for a response
   *  to an unknown request; `nameLength` is 0 if the message has no target. */
  unchecked(stream: Stream, method: Method, name: usize, nameLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.Unchecked);
  }

  /** The access policy has decided about a message. `rule` is the index of a rule or a {@link SpecialRule}. */
  decided(
    stream: Stream,
    method: Method,
    name: usize,
    nameLength: i32,
    rule: i32,
    isDenied: bool,
    isShadow: bool,
  ): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.name = name;
    event.nameLength = nameLength;
    event.rule = rule;
    event.isDenied = isDenied;
    event.isShadow = isShadow;
    this.report(EventKind.Decided);
  }

  /** An element of a list, or the response to a list request, was withheld from the client. `method` is the method of the
   *  list. `isShadow`: dry run; it passed, but would be withheld if the policy were enforced. Since lists may lose hundreds
   *  of elements, those that are alike are reported together by {@link endWithheld}. */
  withheld(stream: Stream, method: Method, reason: WithheldReason, isShadow: bool): void {
    const isAlike =
      this.withheldFrom == changetype<usize>(stream) &&
      this.withheldMethod == method &&
      this.withheldReason == reason &&
      this.isWithheldInShadow == isShadow;
    if (!isAlike) this.endWithheld();
    this.withheldFrom = changetype<usize>(stream);
    this.withheldMethod = method;
    this.withheldReason = reason;
    this.isWithheldInShadow = isShadow;
    this.withheldCount++;
  }

  /** Reports the withheld elements. Must be called in the same callback as {@link withheld}, while the stream is open. */
  endWithheld(): void {
    const count = this.withheldCount;
    if (count == 0) return;
    this.withheldCount = 0;
    const event = this.event;
    event.stream = changetype<Stream>(this.withheldFrom);
    event.method = this.withheldMethod;
    event.withheldReason = this.withheldReason;
    event.withheldCount = count;
    event.isShadow = this.isWithheldInShadow;
    this.report(EventKind.Withheld);
  }

  /** A list contains a tool whose definition is not the pinned one. `reason` is Unpinned or Changed. `isShadow`: dry run;
   *  the tool passes. */
  pinMismatched(stream: Stream, name: usize, nameLength: i32, reason: WithheldReason, isShadow: bool): void {
    const event = this.event;
    event.stream = stream;
    event.name = name;
    event.nameLength = nameLength;
    event.withheldReason = reason;
    event.isShadow = isShadow;
    this.report(EventKind.PinMismatched);
  }

  /** A limit has decided about a request. `rule` is the index of the limit's rule. */
  limitDecided(stream: Stream, rule: i32, decision: LimitDecision): void {
    const event = this.event;
    event.stream = stream;
    event.rule = rule;
    event.decision = decision;
    this.report(EventKind.LimitDecided);
  }

  /** A request was counted in an allowance that callers share because there are too many keys. `rule` is the index of the
   *  limit's rule. */
  limitShared(stream: Stream, rule: i32): void {
    const event = this.event;
    event.stream = stream;
    event.rule = rule;
    this.report(EventKind.LimitShared);
  }

  /** A request has stopped waiting for the rule with this index, after `durationMs` milliseconds: the rule has admitted or
   *  limited it, it waits for another rule, or its client has disconnected. */
  limitWaited(stream: Stream, rule: i32, durationMs: u64): void {
    const event = this.event;
    event.stream = stream;
    event.rule = rule;
    event.durationMs = durationMs;
    this.report(EventKind.LimitWaited);
  }

  private report(kind: EventKind): void {
    const event = this.event;
    event.kind = kind;
    for (let i = 0; i < this.sinks.length; i++) unchecked(this.sinks[i]).receive(event);
  }
}
