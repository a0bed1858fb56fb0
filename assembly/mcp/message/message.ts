import { TRACE_CONTEXT_SIZE, TraceContext } from "../../http/trace_context";
import { IdKind } from "../../jsonrpc/id";
import { MessageReader } from "../../jsonrpc/message_reader";
import { StreamHash } from "../../memory/stream_hash";
import { ListedTools } from "./listed_tools";
import { Method, TargetKind } from "../protocol/methods";
import { CLIENT_NAME_LIMIT, NAME_LIMIT, NO_CODE } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";
import { PayloadField } from "./payload";
import { UNKNOWN_REVISION } from "../protocol/revisions";
import { TaskState } from "../protocol/task_state";
import { Texts } from "./texts";
import { TokenKind, TokenSettings } from "../protocol/token_kinds";

/** The contents of an MCP message that have been read. Part of an {@link McpReader}, which fills it in. The stored names
 *  follow this object in memory. */
@unmanaged
export class McpMessage {
  method: Method;
  /** The method whose responses contain the latest list of definitions. */
  listMethod: Method;
  listed: TargetKind;
  listedAt: usize;
  listedLength: u32;
  /** The {@link keyedTextHash} of the method's name if there are headers to compare it with, otherwise 1; 0 if it is not a
   *  string. */
  methodHash: u64;
  /** The hash of the id of the task in a notification or response, and the state of the task; 0 and None if there is none. */
  task: u64;
  taskState: TaskState;
  /** The address of the {@link MirroredHeaders} to compare with the arguments; 0 for none. */
  mirrored: usize;
  /** The address of the {@link ListedTools} being read; 0 for none. */
  tools: usize;
  nameHash: u64;
  uriHash: u64;
  paramsTask: u64;
  /** Whether the arguments have started. */
  hasArguments: bool;
  argumentsRead: StreamHash;
  keptNameLength: u32;
  /** The kind and the hash of `params.requestId` in a cancellation. */
  cancelledKind: IdKind;
  cancelledHash: u64;
  isToolError: bool;
  resultType: Outcome;
  isTask: bool;
  /** For `initialize`: whether the client offers a revision, which no other JSON-RPC protocol does. */
  offersRevision: bool;
  metaRevision: i32;
  resultRevision: i32;
  keptClientNameLength: u32;
  /** Whether a response in the message names a role (user or assistant). */
  namesRole: bool;
  cursorHash: u64;
  nextCursorHash: u64;
  reader: MessageReader;
  texts: Texts;

  /** Whether the message is part of a batch. */
  get isBatch(): bool {
    return this.reader.isBatch;
  }

  get idKind(): IdKind {
    return this.reader.idKind;
  }

  /** The hash of the id: see {@link idHash}. */
  get idHash(): u64 {
    return this.reader.idHash;
  }

  /** The hash of the id that clients treat as equal: see {@link alikeHash}. */
  get alikeHash(): u64 {
    return this.reader.alikeHash;
  }

  /** The size of the message in bytes. */
  get size(): u64 {
    return this.reader.size;
  }

  /** The address of the id's text: see {@link MessageReader.idText}. */
  get idText(): usize {
    return this.reader.idText;
  }

  get idLength(): u32 {
    return this.reader.idLength;
  }

  /** The trace context in `params._meta`; empty if there is no valid one. */
  get trace(): TraceContext {
    const trace = changetype<TraceContext>(changetype<usize>(this) + TRACE_AT);
    // Of several `_meta`, the last one counts, which may have no context.
    if (!this.reader.fields.has(PayloadField.MetaTraceparent)) trace.clear();
    return trace;
  }

  /** The address of the target's name or URI, {@link nameLength} bytes. */
  get name(): usize {
    return changetype<usize>(this) + offsetof<McpMessage>();
  }

  /** The length of the target's name in bytes; 0 if there is none, or if it is too long. */
  get nameLength(): u32 {
    const fields = this.reader.fields;
    const isNamed = fields.has(PayloadField.ParamsName) || fields.has(PayloadField.ParamsUri);
    return isNamed ? this.keptNameLength : 0;
  }

  /** Stores the name or URI of the target, if it is not too long. */
  keepName(at: usize, length: u32): void {
    this.keptNameLength = length <= NAME_LIMIT ? length : 0;
    memory.copy(this.name, at, this.keptNameLength);
  }

  /** Stores the name of the client's software, if it is not too long. */
  keepClientName(at: usize, length: u32): void {
    this.keptClientNameLength = length <= CLIENT_NAME_LIMIT ? length : 0;
    memory.copy(this.clientName, at, this.keptClientNameLength);
  }

  /** The address of the name of the client's software, {@link clientNameLength} bytes. */
  get clientName(): usize {
    return this.name + NAME_LIMIT;
  }

  /** The length of the name of the client's software in bytes; 0 if there is none, or if it is too long. */
  get clientNameLength(): u32 {
    const fields = this.reader.fields;
    const isNamed = fields.has(PayloadField.ClientName) || fields.has(PayloadField.MetaClientName);
    return isNamed ? this.keptClientNameLength : 0;
  }

  /** For a request: the revision in its `_meta`; UNKNOWN_REVISION if there is none. */
  get requestRevision(): i32 {
    return this.reader.fields.has(PayloadField.MetaProtocolVersion) ? this.metaRevision : UNKNOWN_REVISION;
  }

  /** For the response to `initialize`: the agreed revision; UNKNOWN_REVISION if there is none. */
  get agreedRevision(): i32 {
    return this.reader.fields.has(PayloadField.ResultProtocolVersion) ? this.resultRevision : UNKNOWN_REVISION;
  }

  /** For a cancellation: the hash of the request id; 0 if there is none. */
  get cancelledId(): u64 {
    const named = this.reader.fields.has(PayloadField.ParamsRequestId) && this.cancelledKind != IdKind.Invalid;
    return named ? this.cancelledHash : 0;
  }

  /** For a request: a keyed hash of its arguments as written; 0 if it has none. */
  get argumentsHash(): u64 {
    return this.hasArguments ? this.argumentsRead.value : 0;
  }

  /** For a request: whether it continues a call that had asked for input. */
  get continuesCall(): bool {
    const fields = this.reader.fields;
    return fields.has(PayloadField.ParamsInputResponses) || fields.has(PayloadField.ParamsRequestState);
  }

  /** For a request: the hash of the id of its task; 0 if it concerns none. */
  get requestedTask(): u64 {
    return this.paramsTask;
  }

  /** For a request: the hash of its target, which `Mcp-Name` repeats; 0 if there is none. */
  get targetHash(): u64 {
    switch (this.method) {
      case Method.ToolsCall:
      case Method.PromptsGet:
        return this.nameHash;
      case Method.ResourcesRead:
        return this.uriHash;
      case Method.TasksGet:
      case Method.TasksUpdate:
      case Method.TasksCancel:
        return this.paramsTask;
      default:
        return 0;
    }
  }

  /** Whether a listed task has been read, both id and state, in either order. */
  get isListedTask(): bool {
    return this.reader.fields.has(PayloadField.ListedTask) && this.task != 0 && this.taskState != TaskState.None;
  }

  /** Resets the message. */
  clear(tokens: TokenSettings): void {
    this.trace.clear();
    this.method = Method.None;
    this.methodHash = 0;
    this.texts.reset(tokens);
    this.namesRole = false;
    this.offersRevision = false;
    this.task = 0;
    this.taskState = TaskState.None;
    this.nameHash = 0;
    this.uriHash = 0;
    this.paramsTask = 0;
    this.hasArguments = false;
    this.releaseTools();
  }

  releaseTools(): void {
    if (this.tools) changetype<ListedTools>(this.tools).release();
    this.tools = 0;
  }

  /** For a response: the tools that it lists, read to their end; null if it lists none. */
  get listedTools(): ListedTools | null {
    if (!this.tools) return null;
    const tools = changetype<ListedTools>(this.tools);
    tools.end();
    return tools;
  }

  /** The estimated tokens of this kind; 0 if estimates are disabled. */
  tokens(kind: TokenKind): u32 {
    return this.texts.tokens(kind);
  }

  /** Whether the message contains a sample of the client's model, rather than input of a user. */
  get isSampled(): bool {
    return this.namesRole;
  }

  /** For a list request: a hash of the requested page; 0 for the first page. */
  get cursor(): u64 {
    return this.reader.fields.has(PayloadField.ParamsCursor) ? this.cursorHash : 0;
  }

  /** For a list: a hash of its next page; 0 if this is the last page. */
  get nextCursor(): u64 {
    return this.reader.fields.has(PayloadField.ResultNextCursor) ? this.nextCursorHash : 0;
  }

  /** For a response: whether it is an error without a request id, as servers send for messages that they could not read. */
  get isErrorOfUnknownRequest(): bool {
    return this.reader.isErrorResponse && (this.idKind == IdKind.Null || this.idKind == IdKind.Absent);
  }

  /** For a response: the outcome of its operation. */
  get outcome(): Outcome {
    const fields = this.reader.fields;
    if (this.reader.isErrorResponse) return Outcome.RpcError;
    if (fields.has(PayloadField.ResultIsError) && this.isToolError) return Outcome.ToolError;
    if (fields.has(PayloadField.ResultTask) && this.isTask) return Outcome.TaskAccepted;
    return fields.has(PayloadField.ResultType) ? this.resultType : Outcome.Ok;
  }

  /** The code of an error response; {@link NO_CODE} for other messages, or if it is not a 32-bit integer. */
  get errorCode(): i32 {
    return this.reader.isErrorResponse ? this.reader.errorCode : NO_CODE;
  }
}

const TRACE_AT: usize = (offsetof<McpMessage>() + NAME_LIMIT + CLIENT_NAME_LIMIT + 7) & ~7;
/** The size in bytes of a message with its names and its trace context. */
export const MESSAGE_SIZE: usize = TRACE_AT + TRACE_CONTEXT_SIZE;
