import { mirroredHeaderName } from "../mcp/headers/mirrored_headers";
import { outcomeName } from "../mcp/protocol/outcome";
import { revisionName } from "../mcp/protocol/revisions";
import { streamEndName, streamKindName } from "../mcp/protocol/stream_kinds";
import { taskStateName } from "../mcp/protocol/task_state";
import { tokenKindName } from "../mcp/protocol/token_kinds";
import { toolChangeName } from "../mcp/protocol/tool_change";
import { undecodedName } from "../mcp/protocol/undecoded";
import { sessionEndName, sessionKindName } from "../store/session_entry";
import { codeName } from "./codes";
import { MetricName } from "./metric_name";

/** The families of metrics. Their labels and meaning: docs/metrics.md. */
export enum Family {
  Operations,
  OperationDuration,
  OperationsInFlight,
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
}

export const FAMILY_COUNT: i32 = Family.AccessDecisions + 1;

/** What a family's metrics hold. */
export enum FamilyType {
  Counter,
  Gauge,
  Histogram,
}

const NAMES: string[] = [
  "mcp_operations_total",
  "mcp_operation_duration_milliseconds",
  "mcp_operations_in_flight",
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
      return FamilyType.Histogram;
    case Family.OperationsInFlight:
    case Family.StreamsActive:
    case Family.SessionsActive:
    case Family.DefinitionTokens:
      return FamilyType.Gauge;
    default:
      return FamilyType.Counter;
  }
}

/** What failed an operation: the label `error_type`. */
export enum ErrorType {
  None,
  ToolError,
  RpcError,
  Other,
}

const ERROR_TYPES: string[] = ["", "tool_error", "rpc_error", "other"];

/** Which way bytes or a notification went: the label `mcp_direction`. */
export enum Direction {
  ClientToServer,
  ServerToClient,
}

const DIRECTIONS: string[] = ["client_to_server", "server_to_client"];

/** Whose names did not all get a label value of their own: the label `mcp_label`. */
export enum OverflowingLabel {
  Method,
  Tool,
  Prompt,
  Server,
  Caller,
  ClientName,
  /** All of them: the series budget is spent. */
  Series,
}

/** What the access policy says: the label `mcp_access_action`. */
const ACCESS_ACTIONS: string[] = ["allow", "deny"];

/** Whether that is carried out: the label `mcp_access_mode`. */
const ACCESS_MODES: string[] = ["enforce", "shadow"];

/** Where the numbers of tokens come from: the label `mcp_token_source`. */
const TOKEN_SOURCE = "estimated";

const OVERFLOWING: string[] = [
  "mcp_method_name",
  "gen_ai_tool_name",
  "gen_ai_prompt_name",
  "mcp_server",
  "mcp_caller",
  "mcp_client_name",
  "series",
];

/** Appends the labels that are a family's own: `first` and `second` are members of the enumerations named here. */
export function appendOwnLabels(name: MetricName, family: Family, first: i32, second: i32): void {
  switch (family) {
    case Family.Operations:
      name.labelText("mcp_outcome", outcomeName(first));
      name.labelText("rpc_response_status_code", codeName(second));
      break;
    case Family.OperationDuration:
      name.labelText("error_type", ERROR_TYPES[first]);
      break;
    case Family.Notifications:
    case Family.PayloadBytes:
      name.labelText("mcp_direction", DIRECTIONS[first]);
      break;
    case Family.StreamsActive:
      name.labelText("mcp_stream_kind", streamKindName(first));
      break;
    case Family.Streams:
    case Family.StreamDuration:
      name.labelText("mcp_stream_kind", streamKindName(first));
      name.labelText("mcp_stream_end", streamEndName(second));
      break;
    case Family.SessionsActive:
    case Family.SessionsStarted:
    case Family.SessionsAdopted:
      name.labelText("mcp_session_kind", sessionKindName(first));
      name.labelText("mcp_protocol_version", revisionName(second));
      break;
    case Family.SessionsEnded:
      name.labelText("mcp_session_kind", sessionKindName(first));
      name.labelText("mcp_session_end", sessionEndName(second));
      break;
    case Family.SessionDuration:
    case Family.SessionOperations:
    case Family.SessionTokens:
      name.labelText("mcp_session_kind", sessionKindName(first));
      break;
    case Family.Tokens:
      name.labelText("mcp_token_kind", tokenKindName(first));
      name.labelText("mcp_token_source", TOKEN_SOURCE);
      break;
    case Family.Undecoded:
      name.labelText("mcp_reason", undecodedName(first));
      break;
    case Family.HeaderMismatch:
      name.labelText("mcp_header", mirroredHeaderName(first));
      break;
    case Family.ToolDefinitionChanges:
      name.labelText("mcp_change", toolChangeName(first));
      break;
    case Family.Tasks:
    case Family.TaskDuration:
      name.labelText("mcp_task_state", taskStateName(first));
      break;
    case Family.AccessDecisions:
      name.labelText("mcp_access_action", ACCESS_ACTIONS[first]);
      name.labelText("mcp_access_mode", ACCESS_MODES[second]);
      break;
    case Family.LabelOverflow:
      name.labelText("mcp_label", OVERFLOWING[first]);
      break;
    default:
      break;
  }
}
