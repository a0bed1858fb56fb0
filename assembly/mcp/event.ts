import { ServerKey, SessionKey, ToolKey } from "../identity/keys";
import { IdKind } from "../jsonrpc/id";
import { SessionEntry } from "../store/session_entry";
import { SessionState } from "../store/session_state";
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

/** The kind of an event. The method of {@link Events} with the same name describes it and its members. */
export enum EventKind {
  ServerResolved,
  CallerResolved,
  PrincipalResolved,
  ClientCalls,
  StreamStarted,
  StreamEnded,
  SessionStarted,
  SessionAdopted,
  SessionEnded,
  SessionSettled,
  SessionCounted,
  ClientNamed,
  OperationRead,
  OperationStarted,
  OperationAdmitted,
  OperationWaiting,
  OperationCounted,
  OperationEvicted,
  OperationCancelled,
  OperationDisconnected,
  OperationEnded,
  Notification,
  NotificationRejected,
  Progress,
  Tokens,
  ListMeasured,
  NameSeen,
  ToolChanged,
  UnknownTool,
  TaskEntered,
  TaskEnded,
  HeaderMismatch,
  Undecoded,
  Unchecked,
  Decided,
  Withheld,
  PinMismatched,
  LimitDecided,
  LimitShared,
  LimitWaited,
}

/** An event as sinks receive it. Members that its kind does not have keep values of earlier events. */
export class Event {
  kind: EventKind = EventKind.ServerResolved;
  stream: Stream = changetype<Stream>(0);
  name: usize = 0;
  nameLength: i32 = 0;
  end: StreamEnd = 0;
  entry: SessionEntry = changetype<SessionEntry>(0);
  sessionState: SessionState = 0;
  session: SessionKey = 0;
  operation: Operation | null = null;
  message: McpMessage = changetype<McpMessage>(0);
  isWaiting: bool = false;
  idKind: IdKind = 0;
  idHash: u64 = 0;
  server: ServerKey = 0;
  startedAt: u64 = 0;
  method: Method = 0;
  fromClient: bool = false;
  size: u64 = 0;
  count: u32 = 0;
  tokenKind: TokenKind = 0;
  tokens: u64 = 0;
  targetKind: TargetKind = 0;
  isListed: bool = false;
  tool: ToolKey = 0;
  change: ToolChange = 0;
  state: TaskState = 0;
  durationMs: u64 = 0;
  header: MirroredHeader = 0;
  reason: Undecoded = 0;
  withheldReason: WithheldReason = 0;
  withheldCount: u32 = 0;
  rule: i32 = 0;
  isDenied: bool = false;
  isShadow: bool = false;
  decision: LimitDecision = 0;
}
