import { mirroredHeaderName } from "../mcp/headers/mirrored_headers";
import { limitDecisionName } from "../mcp/protocol/limit_decision";
import { outcomeName } from "../mcp/protocol/outcome";
import { revisionName } from "../mcp/protocol/revisions";
import { spanResultName } from "../mcp/protocol/span_result";
import { streamEndName, streamKindName } from "../mcp/protocol/stream_kinds";
import { taskStateName } from "../mcp/protocol/task_state";
import { tokenKindName } from "../mcp/protocol/token_kinds";
import { toolChangeName } from "../mcp/protocol/tool_change";
import { undecodedName } from "../mcp/protocol/undecoded";
import { withheldReasonName } from "../mcp/protocol/withheld_reason";
import { sessionEndName, sessionKindName } from "../store/session_entry";
import { sessionStateName } from "../store/session_state";
import { codeName } from "./codes";

/**
 * The metric families: their names, types and labels. Everything else that lists them (tags in bootstraps, relabel
 * rules, tests) is generated from this file or compared with it. CONTRIBUTING.md explains how to add one.
 */
export enum Family {
  Operations,
  OperationDuration,
  OperationsInFlight,
  OldestOperation,
  Notifications,
  PayloadBytes,
  Streams,
  StreamDuration,
  StreamsActive,
  SessionsActive,
  SessionsStarted,
  SessionsAdopted,
  SessionsEnded,
  SessionDuration,
  SessionOperations,
  SessionTokens,
  Tokens,
  DefinitionTokens,
  Undecoded,
  LabelOverflow,
  StoreEvictions,
  StoreConflicts,
  Progress,
  HeaderMismatch,
  UnknownToolCalls,
  RepeatedCalls,
  ToolDefinitionChanges,
  Tasks,
  TaskDuration,
  AccessDecisions,
  AccessPolicy,
  AccessRules,
  AccessOutdated,
  ElementsWithheld,
  PinMismatches,
  LimitDecisions,
  LimitKeyOverflow,
  LimitWait,
  LimitQueueLength,
  ConcurrencyLimit,
  ConcurrencyInFlight,
  TraceSpans,
  ConfigurationInvalid,
  BuildInfo,
}

export const FAMILY_COUNT: i32 = Family.BuildInfo + 1;

/** The type of a family's metrics. */
export enum FamilyType {
  Counter,
  Gauge,
  Histogram,
}

const NAMES: string[] = [
  "mcp_operations_total",
  "mcp_operation_duration_milliseconds",
  "mcp_operations_in_flight",
  "mcp_oldest_operation_milliseconds",
  "mcp_notifications_total",
  "mcp_payload_bytes_total",
  "mcp_streams_total",
  "mcp_stream_duration_milliseconds",
  "mcp_streams_active",
  "mcp_sessions_active",
  "mcp_sessions_started_total",
  "mcp_sessions_adopted_total",
  "mcp_sessions_ended_total",
  "mcp_session_duration_milliseconds",
  "mcp_session_operations",
  "mcp_session_tokens",
  "mcp_tokens_total",
  "mcp_definition_tokens",
  "mcp_undecoded_total",
  "mcp_label_overflow_total",
  "mcp_store_evictions_total",
  "mcp_store_conflicts_total",
  "mcp_progress_total",
  "mcp_header_mismatch_total",
  "mcp_unknown_tool_calls_total",
  "mcp_repeated_calls_total",
  "mcp_tool_definition_changes_total",
  "mcp_tasks_total",
  "mcp_task_duration_milliseconds",
  "mcp_access_decisions_total",
  "mcp_access_policy",
  "mcp_access_rules",
  "mcp_access_outdated",
  "mcp_list_elements_withheld_total",
  "mcp_tool_pin_mismatches_total",
  "mcp_limit_decisions_total",
  "mcp_limit_key_overflow_total",
  "mcp_limit_wait_milliseconds",
  "mcp_limit_queue_length",
  "mcp_concurrency_limit",
  "mcp_concurrency_in_flight",
  "mcp_trace_spans_total",
  "mcp_configuration_invalid",
  "mcp_build_info",
];

export function familyName(family: Family): string {
  return NAMES[family];
}

export function familyType(family: Family): FamilyType {
  switch (family) {
    case Family.OperationDuration:
    case Family.StreamDuration:
    case Family.SessionDuration:
    case Family.SessionOperations:
    case Family.SessionTokens:
    case Family.TaskDuration:
    case Family.LimitWait:
      return FamilyType.Histogram;
    case Family.OperationsInFlight:
    case Family.OldestOperation:
    case Family.StreamsActive:
    case Family.SessionsActive:
    case Family.DefinitionTokens:
    case Family.AccessPolicy:
    case Family.AccessRules:
    case Family.AccessOutdated:
    case Family.LimitQueueLength:
    case Family.ConcurrencyLimit:
    case Family.ConcurrencyInFlight:
    case Family.ConfigurationInvalid:
    case Family.BuildInfo:
      return FamilyType.Gauge;
    default:
      return FamilyType.Counter;
  }
}

/** Why an operation failed: the label `error_type`. */
export enum ErrorType {
  None,
  ToolError,
  RpcError,
  Denied,
  Limited,
  Other,
}

const ERROR_TYPES: string[] = ["", "tool_error", "rpc_error", "denied", "limited", "other"];

/** The direction of bytes or of a notification: the label `mcp_direction`. */
export enum Direction {
  ClientToServer,
  ServerToClient,
}

const DIRECTIONS: string[] = ["client_to_server", "server_to_client"];

/** The label whose limit on values was reached: the label `mcp_label`. */
export enum OverflowingLabel {
  Method,
  Tool,
  Prompt,
  Server,
  Caller,
  ClientName,
  /** The limit on series was reached. */
  Series,
}

/** The decision of the access policy: the label `mcp_access_action`. */
const ACCESS_ACTIONS: string[] = ["allow", "deny"];

/** Whether a decision is enforced: the label `mcp_access_mode`. */
const ACCESS_MODES: string[] = ["enforce", "shadow"];

/** The source of token counts: the label `mcp_token_source`. */
const TOKEN_SOURCES: string[] = ["estimated"];

const OVERFLOWING: string[] = [
  "mcp_method_name",
  "gen_ai_tool_name",
  "gen_ai_prompt_name",
  "mcp_server",
  "mcp_caller",
  "mcp_client_name",
  "series",
];

/**
 * The labels of metrics, in the order in which a metric name contains them. Labels with a closed set of values are
 * adjacent.
 */
export enum Label {
  Role,
  Server,
  Method,
  Tool,
  Prompt,
  Outcome,
  ErrorCode,
  ErrorType,
  Direction,
  StreamKind,
  StreamEnd,
  SessionKind,
  SessionEnd,
  SessionState,
  ProtocolVersion,
  TokenKind,
  TokenSource,
  Header,
  Change,
  TaskState,
  Reason,
  Overflowing,
  WithheldReason,
  LimitDecision,
  SpanResult,
  AccessAction,
  AccessMode,
  Caller,
  ClientName,
  AccessRule,
  LimitRule,
  BuildVersion,
  BuildRevision,
}

export const LABEL_COUNT: i32 = Label.BuildRevision + 1;

/** No name may be the end of another one, because Envoy's tags find them anywhere in a metric's name. */
const LABEL_NAMES: string[] = [
  "mcp_role",
  "mcp_server",
  "mcp_method_name",
  "gen_ai_tool_name",
  "gen_ai_prompt_name",
  "mcp_outcome",
  "rpc_response_status_code",
  "error_type",
  "mcp_direction",
  "mcp_stream_kind",
  "mcp_stream_end",
  "mcp_session_kind",
  "mcp_session_end",
  "mcp_session_state",
  "mcp_protocol_version",
  "mcp_token_kind",
  "mcp_token_source",
  "mcp_header",
  "mcp_change",
  "mcp_task_state",
  "mcp_reason",
  "mcp_label",
  "mcp_withheld_reason",
  "mcp_limit_decision",
  "mcp_result",
  "mcp_access_action",
  "mcp_access_mode",
  "mcp_caller",
  "mcp_client_name",
  "mcp_access_rule",
  "mcp_limit_rule",
  "mcp_build_version",
  "mcp_build_revision",
];

export function labelName(label: Label): string {
  return LABEL_NAMES[label];
}

/** Whether the values of a label are {@link closedValue}s, which the family's recorder chooses. */
export function isClosed(label: Label): bool {
  return label >= Label.Outcome && label <= Label.AccessMode;
}

/** A set of labels, one bit each. */
type LabelBits = u64;

if (LABEL_COUNT > 64) ERROR("LabelBits are too few.");

/** The set of one label. The shift needs 64 bits, and an untyped literal has 32. */
@inline
function only(label: Label): LabelBits {
  return (<LabelBits>1) << label;
}

const OF_SERVER: LabelBits = only(Label.Role) | only(Label.Server);
const OF_TOOL: LabelBits = OF_SERVER | only(Label.Tool);
const OF_METHOD: LabelBits = OF_SERVER | only(Label.Method);
const OF_TARGET: LabelBits = OF_METHOD | only(Label.Tool) | only(Label.Prompt);
const OF_STREAM: LabelBits = OF_SERVER | only(Label.StreamKind);
const OF_SESSION: LabelBits = OF_SERVER | only(Label.SessionKind);

/** The labels that a family's metrics may have. At most two of them are closed, or three for a gauge. */
export function familyLabels(family: Family): LabelBits {
  switch (family) {
    case Family.Operations:
      return OF_TARGET | only(Label.Outcome) | only(Label.ErrorCode) | only(Label.Caller);
    case Family.OperationDuration:
      return OF_TARGET | only(Label.ErrorType);
    case Family.OldestOperation:
      return OF_TARGET;
    case Family.Notifications:
      return OF_METHOD | only(Label.Direction);
    case Family.PayloadBytes:
      return OF_TARGET | only(Label.Direction);
    case Family.StreamsActive:
      return OF_STREAM;
    case Family.Streams:
    case Family.StreamDuration:
      return OF_STREAM | only(Label.StreamEnd);
    case Family.SessionsAdopted:
      return OF_SESSION | only(Label.ProtocolVersion);
    case Family.SessionsActive:
      return OF_SESSION | only(Label.SessionState) | only(Label.ProtocolVersion) | only(Label.ClientName);
    case Family.SessionsStarted:
      return OF_SESSION | only(Label.ProtocolVersion) | only(Label.ClientName);
    case Family.SessionsEnded:
      return OF_SESSION | only(Label.SessionEnd);
    case Family.SessionDuration:
    case Family.SessionOperations:
    case Family.SessionTokens:
      return OF_SESSION;
    case Family.Tokens:
      return OF_TOOL | only(Label.TokenKind) | only(Label.TokenSource);
    case Family.DefinitionTokens:
      return OF_METHOD;
    case Family.Undecoded:
      return OF_SERVER | only(Label.Reason);
    case Family.LabelOverflow:
      return OF_SERVER | only(Label.Overflowing);
    case Family.HeaderMismatch:
      return OF_SERVER | only(Label.Header);
    case Family.Progress:
    case Family.RepeatedCalls:
    case Family.ConcurrencyLimit:
    case Family.ConcurrencyInFlight:
      return OF_TOOL;
    case Family.ToolDefinitionChanges:
      return OF_TOOL | only(Label.Change);
    case Family.Tasks:
    case Family.TaskDuration:
      return OF_TOOL | only(Label.TaskState);
    case Family.AccessDecisions:
      return (
        OF_TARGET | only(Label.AccessAction) | only(Label.AccessMode) | only(Label.Caller) | only(Label.AccessRule)
      );
    case Family.AccessPolicy:
      return only(Label.Role) | only(Label.AccessMode);
    case Family.ElementsWithheld:
      return OF_METHOD | only(Label.WithheldReason) | only(Label.AccessMode);
    case Family.PinMismatches:
      return OF_TOOL | only(Label.WithheldReason) | only(Label.AccessMode);
    case Family.AccessRules:
    case Family.AccessOutdated:
      return only(Label.Role);
    case Family.LimitDecisions:
      return OF_SERVER | only(Label.LimitDecision) | only(Label.LimitRule);
    case Family.LimitKeyOverflow:
    case Family.LimitWait:
    case Family.LimitQueueLength:
      return OF_SERVER | only(Label.LimitRule);
    case Family.TraceSpans:
      return only(Label.Role) | only(Label.SpanResult);
    case Family.ConfigurationInvalid:
      return 0;
    case Family.BuildInfo:
      return only(Label.BuildVersion) | only(Label.BuildRevision);
    default:
      return OF_SERVER;
  }
}

/**
 * The value of a label with a closed set of values, by index: a member of the label's enumeration. Empty if the label
 * is omitted.
 */
export function closedValue(label: Label, index: i32): string {
  switch (label) {
    case Label.Outcome:
      return outcomeName(index);
    case Label.ErrorCode:
      return codeName(index);
    case Label.ErrorType:
      return ERROR_TYPES[index];
    case Label.Direction:
      return DIRECTIONS[index];
    case Label.StreamKind:
      return streamKindName(index);
    case Label.StreamEnd:
      return streamEndName(index);
    case Label.SessionKind:
      return sessionKindName(index);
    case Label.SessionEnd:
      return sessionEndName(index);
    case Label.SessionState:
      return sessionStateName(index);
    case Label.ProtocolVersion:
      return revisionName(index);
    case Label.TokenKind:
      return tokenKindName(index);
    case Label.TokenSource:
      return TOKEN_SOURCES[index];
    case Label.Header:
      return mirroredHeaderName(index);
    case Label.Change:
      return toolChangeName(index);
    case Label.TaskState:
      return taskStateName(index);
    case Label.Reason:
      return undecodedName(index);
    case Label.Overflowing:
      return OVERFLOWING[index];
    case Label.WithheldReason:
      return withheldReasonName(index);
    case Label.LimitDecision:
      return limitDecisionName(index);
    case Label.SpanResult:
      return spanResultName(index);
    case Label.AccessAction:
      return ACCESS_ACTIONS[index];
    case Label.AccessMode:
      return ACCESS_MODES[index];
    default:
      return "";
  }
}
