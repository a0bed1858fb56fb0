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

/** Reports events to all sinks, in the order in which they were added. Each method reports one kind of event; its parameters
 *  become the members of the {@link Event}. */
export class Events {
  private sinks: EventSink[] = [];
  private event: Event = new Event();
  /** Elements that were withheld and are not yet reported, which are alike: the address of their stream, and why. */
  private withheldCount: u32 = 0;
  private withheldFrom: usize = 0;
  private withheldMethod: Method = 0;
  private withheldReason: WithheldReason = 0;
  private isWithheldInShadow: bool = false;

  add(sink: EventSink): void {
    this.sinks.push(sink);
  }

  /** The stream's server is known. Its name is empty where nothing names it, and valid until the next call of the host. */
  serverResolved(stream: Stream, name: usize, nameLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.ServerResolved);
  }

  /** The stream's caller has been looked up. Its address is empty where there is none, and valid likewise. */
  callerResolved(stream: Stream, address: usize, addressLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.name = address;
    event.nameLength = addressLength;
    this.report(EventKind.CallerResolved);
  }

  /** The principal of the stream's caller, which sinks show, has been read: not empty, and valid until the next call of the
   *  host. */
  principalResolved(stream: Stream, principal: usize, principalLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.name = principal;
    event.nameLength = principalLength;
    this.report(EventKind.PrincipalResolved);
  }

  /** Decisions about a message of this client follow. `session`: the one that the stream names, or 0; `nameLength` is 0 where
   *  the message does not name the client's software. */
  clientCalls(stream: Stream, session: SessionKey, name: usize, nameLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.session = session;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.ClientCalls);
  }

  /** The stream is MCP. */
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

  /** A session began, which this proxy has seen. */
  sessionStarted(entry: SessionEntry): void {
    const event = this.event;
    event.entry = entry;
    this.report(EventKind.SessionStarted);
  }

  /** A session was found that began elsewhere. */
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

  /** The totals of a session that has ended are final. */
  sessionSettled(entry: SessionEntry): void {
    const event = this.event;
    event.entry = entry;
    this.report(EventKind.SessionSettled);
  }

  /** The sweep counted a live session, which is in this state. The entry lies in the store, which must not be used meanwhile. */
  sessionCounted(entry: SessionEntry, state: SessionState): void {
    const event = this.event;
    event.entry = entry;
    event.sessionState = state;
    this.report(EventKind.SessionCounted);
  }

  /** The client of a session has named its software; `nameLength` is 0 where it has not. */
  clientNamed(session: SessionKey, name: usize, nameLength: i32): void {
    const event = this.event;
    event.session = session;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.ClientNamed);
  }

  /** A request has been read, of the client, or of the server where `operation.fromServer`: before it waits for its answer in the
   *  store. `isRejected`: the gate keeps it from the server. {@link operationStarted} follows for those of the client. */
  operationRead(stream: Stream, operation: Operation, message: McpMessage, isRejected: bool): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    event.message = message;
    event.isDenied = isRejected;
    this.report(EventKind.OperationRead);
  }

  /** The operation of a client's request has begun. `isWaiting`: its answer comes on another stream. */
  operationStarted(stream: Stream, operation: Operation, isWaiting: bool): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    event.isWaiting = isWaiting;
    this.report(EventKind.OperationStarted);
  }

  /** The gate lets an operation on that has waited for limits: from now on the server has it. `wasWaiting`: it was reported to
   *  wait for its answer in the store, where it still is if `operation.isParked`. */
  operationAdmitted(stream: Stream, operation: Operation, wasWaiting: bool): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    event.isWaiting = wasWaiting;
    this.report(EventKind.OperationAdmitted);
  }

  /** The stream of an operation has ended, and its answer or its cancellation, if one comes, comes on another one.
   *  `operation.outcome`: the one without a cancellation, or Open where the answer decides. */
  operationWaiting(stream: Stream, operation: Operation): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.OperationWaiting);
  }

  /** The sweep counted an operation that waits for its answer. `isWaiting`: the stream on which that is to come has not ended.
   *  `nameLength` is 0 where it names no target; `startedAt` in nanoseconds. The store must not be used meanwhile. */
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

  /** An operation that waited was evicted: {@link operationEnded} follows. */
  operationEvicted(stream: Stream): void {
    const event = this.event;
    event.stream = stream;
    this.report(EventKind.OperationEvicted);
  }

  /** The client cancels its request of this JSON-RPC id, whose operation may be open on another stream or have ended. */
  operationCancelled(stream: Stream, session: SessionKey, kind: IdKind, id: u64): void {
    const event = this.event;
    event.stream = stream;
    event.session = session;
    event.idKind = kind;
    event.idHash = id;
    this.report(EventKind.OperationCancelled);
  }

  /** The client closed the stream of an operation before its answer. {@link operationWaiting} or {@link operationEnded}
   *  follows. */
  operationDisconnected(stream: Stream, operation: Operation): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.OperationDisconnected);
  }

  /** An operation has its one outcome. Where it has waited for an answer elsewhere, `operation.isParked`. */
  operationEnded(stream: Stream, operation: Operation): void {
    const event = this.event;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.OperationEnded);
  }

  /** `count` notifications of one method passed, of `size` bytes together. `session` is 0 where they belong to none. */
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

  /** The gate kept a notification of the client from the server. */
  notificationRejected(stream: Stream, method: Method, session: SessionKey): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.session = session;
    this.report(EventKind.NotificationRejected);
  }

  /** The server reported progress `count` times: of this operation, or null where that is not known. */
  progress(stream: Stream, operation: Operation | null, count: u32): void {
    const event = this.event;
    event.count = count;
    event.stream = stream;
    event.operation = operation;
    this.report(EventKind.Progress);
  }

  /** Texts outside of any operation passed: so many tokens of this kind, estimated. */
  tokens(stream: Stream, kind: TokenKind, tokens: u32): void {
    const event = this.event;
    event.stream = stream;
    event.tokenKind = kind;
    event.tokens = tokens;
    this.report(EventKind.Tokens);
  }

  /** The server's list by this method was read to its end: so many tokens, estimated. */
  listMeasured(stream: Stream, method: Method, tokens: u64): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.tokens = tokens;
    this.report(EventKind.ListMeasured);
  }

  /** The server has a tool or prompt of this name. `isListed`: it is in a list, and else a call of it succeeded. */
  nameSeen(stream: Stream, kind: TargetKind, name: usize, nameLength: u32, isListed: bool): void {
    const event = this.event;
    event.stream = stream;
    event.targetKind = kind;
    event.name = name;
    event.nameLength = nameLength;
    event.isListed = isListed;
    this.report(EventKind.NameSeen);
  }

  /** The server's list of tools differs from the one that this caller saw last. */
  toolChanged(stream: Stream, tool: ToolKey, change: ToolChange): void {
    const event = this.event;
    event.stream = stream;
    event.tool = tool;
    event.change = change;
    this.report(EventKind.ToolChanged);
  }

  /** A call failed whose tool is not in the server's list. */
  unknownTool(stream: Stream): void {
    const event = this.event;
    event.stream = stream;
    this.report(EventKind.UnknownTool);
  }

  /** A task entered this state. `tool` is 0 where it is not known. */
  taskEntered(stream: Stream, tool: ToolKey, state: TaskState): void {
    const event = this.event;
    event.stream = stream;
    event.tool = tool;
    event.state = state;
    this.report(EventKind.TaskEntered);
  }

  /** That state is its last one, so many milliseconds after the task's request. */
  taskEnded(stream: Stream, tool: ToolKey, state: TaskState, durationMs: u64): void {
    const event = this.event;
    event.stream = stream;
    event.tool = tool;
    event.state = state;
    event.durationMs = durationMs;
    this.report(EventKind.TaskEnded);
  }

  /** A header that repeats the body is missing or differs from it. */
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

  /** A message of the client passed on a path that the access policy does not govern. The method is None for an answer to an
   *  unknown request; `nameLength` is 0 where it names no target. */
  unchecked(stream: Stream, method: Method, name: usize, nameLength: i32): void {
    const event = this.event;
    event.stream = stream;
    event.method = method;
    event.name = name;
    event.nameLength = nameLength;
    this.report(EventKind.Unchecked);
  }

  /** The access policy decided a message. `rule` is the index of a rule or a {@link SpecialRule}. */
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

  /** An element of a list, or an answer to the request of one, was withheld from the client. `method` asks for such lists.
   *  `isShadow`: it passed, and would be withheld if the policy were enforced. Those that are alike are reported together, by
   *  {@link endWithheld}, since lists may lose hundreds. */
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

  /** Reports what was withheld. Call it in the callback in which it was, while its stream is open. */
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

  /** A list brings a tool whose definition is not the pinned one. `reason`: Unpinned or Changed. `isShadow`: the tool passes all the
   *  same. */
  pinMismatched(stream: Stream, name: usize, nameLength: i32, reason: WithheldReason, isShadow: bool): void {
    const event = this.event;
    event.stream = stream;
    event.name = name;
    event.nameLength = nameLength;
    event.withheldReason = reason;
    event.isShadow = isShadow;
    this.report(EventKind.PinMismatched);
  }

  /** A limit decided a request. `rule`: the index of the limit's rule. */
  limitDecided(stream: Stream, rule: i32, decision: LimitDecision): void {
    const event = this.event;
    event.stream = stream;
    event.rule = rule;
    event.decision = decision;
    this.report(EventKind.LimitDecided);
  }

  /** A request was counted in an allowance that callers share since there are too many keys. `rule` as in
   *  {@link limitDecided}. */
  limitShared(stream: Stream, rule: i32): void {
    const event = this.event;
    event.stream = stream;
    event.rule = rule;
    this.report(EventKind.LimitShared);
  }

  /** A request no longer waits for the rule of this index, for which it has waited so long: the rule admits it now or limits it,
   *  it waits for another rule, or its client is gone. */
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
