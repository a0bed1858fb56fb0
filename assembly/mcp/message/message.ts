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

/** What has been read of an MCP message. Part of an {@link McpReader}, which fills it in; the names that it keeps lie behind it. */
@unmanaged
export class McpMessage {
  method: Method;
  /** The method whose answers have the list of definitions that was begun last. */
  listMethod: Method;
  listed: TargetKind;
  listedAt: usize;
  listedLength: u32;
  /** The {@link keyedTextHash} of the method's name where there are headers to compare it with, else 1; 0 where it is no text. */
  methodHash: u64;
  /** The hash of the id of the task that a notification or answer is about, and its state; 0 and None where there is none. */
  task: u64;
  taskState: TaskState;
  /** The headers whose repetition of arguments is to be checked, or 0. */
  mirrored: usize;
  /** The tools of the list that is read, or 0. */
  tools: usize;
  nameHash: u64;
  uriHash: u64;
  paramsTask: u64;
  /** The arguments have begun. */
  hasArguments: bool;
  argumentsRead: StreamHash;
  keptNameLength: u32;
  /** `params.requestId` of a cancellation. */
  cancelledKind: IdKind;
  cancelledHash: u64;
  isToolError: bool;
  resultType: Outcome;
  isTask: bool;
  /** Of `initialize`: the client offers a revision, as that of no other JSON-RPC protocol does. */
  offersRevision: bool;
  metaRevision: i32;
  resultRevision: i32;
  keptClientNameLength: u32;
  /** One of the answers in it says who speaks. */
  namesRole: bool;
  cursorHash: u64;
  nextCursorHash: u64;
  reader: MessageReader;
  texts: Texts;

  /** Whether it came in a batch. */
  get isBatch(): bool {
    return this.reader.isBatch;
  }

  get idKind(): IdKind {
    return this.reader.idKind;
  }

  /** See {@link idHash}. */
  get idHash(): u64 {
    return this.reader.idHash;
  }

  /** See {@link alikeHash}. */
  get alikeHash(): u64 {
    return this.reader.alikeHash;
  }

  /** Bytes of the message's text. */
  get size(): u64 {
    return this.reader.size;
  }

  /** The text of its id: see {@link MessageReader.idText}. */
  get idText(): usize {
    return this.reader.idText;
  }

  get idLength(): u32 {
    return this.reader.idLength;
  }

  /** The trace context in `params._meta`; none where there is no valid one. */
  get trace(): TraceContext {
    const trace = changetype<TraceContext>(changetype<usize>(this) + TRACE_AT);
    // Of several `_meta` the last one counts, which may have none.
    if (!this.reader.fields.has(PayloadField.MetaTraceparent)) trace.clear();
    return trace;
  }

  /** The target's name or URI, {@link nameLength} bytes. */
  get name(): usize {
    return changetype<usize>(this) + offsetof<McpMessage>();
  }

  /** 0 where there is no name, or none that can be kept. */
  get nameLength(): u32 {
    const fields = this.reader.fields;
    const isNamed = fields.has(PayloadField.ParamsName) || fields.has(PayloadField.ParamsUri);
    return isNamed ? this.keptNameLength : 0;
  }

  /** Keeps what names the target, if it is not too long. */
  keepName(at: usize, length: u32): void {
    this.keptNameLength = length <= NAME_LIMIT ? length : 0;
    memory.copy(this.name, at, this.keptNameLength);
  }

  /** Keeps the name of the client's software, if it is not too long. */
  keepClientName(at: usize, length: u32): void {
    this.keptClientNameLength = length <= CLIENT_NAME_LIMIT ? length : 0;
    memory.copy(this.clientName, at, this.keptClientNameLength);
  }

  /** The name of the client's software, {@link clientNameLength} bytes. */
  get clientName(): usize {
    return this.name + NAME_LIMIT;
  }

  /** 0 where the client's software is not named, or by more than can be kept. */
  get clientNameLength(): u32 {
    const fields = this.reader.fields;
    const isNamed = fields.has(PayloadField.ClientName) || fields.has(PayloadField.MetaClientName);
    return isNamed ? this.keptClientNameLength : 0;
  }

  /** Of a request: the revision that its `_meta` names. */
  get requestRevision(): i32 {
    return this.reader.fields.has(PayloadField.MetaProtocolVersion) ? this.metaRevision : UNKNOWN_REVISION;
  }

  /** Of the answer to `initialize`: the revision that was agreed on. */
  get agreedRevision(): i32 {
    return this.reader.fields.has(PayloadField.ResultProtocolVersion) ? this.resultRevision : UNKNOWN_REVISION;
  }

  /** Of a cancellation: the hash of the id it names; 0 where it names none. */
  get cancelledId(): u64 {
    const named = this.reader.fields.has(PayloadField.ParamsRequestId) && this.cancelledKind != IdKind.Invalid;
    return named ? this.cancelledHash : 0;
  }

  /** Of a request: a keyed hash of its arguments as they are written; 0 where it has none. */
  get argumentsHash(): u64 {
    return this.hasArguments ? this.argumentsRead.value : 0;
  }

  /** Of a request: whether it goes on with a call that had asked for input. */
  get continuesCall(): bool {
    const fields = this.reader.fields;
    return fields.has(PayloadField.ParamsInputResponses) || fields.has(PayloadField.ParamsRequestState);
  }

  /** Of a request: the hash of the task's id that it is about; 0 where it is about none. */
  get requestedTask(): u64 {
    return this.paramsTask;
  }

  /** Of a request: the hash of what it names as its target, which is what `Mcp-Name` repeats; 0 where there is none. */
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

  /** Whether a task of a list has been read: its id and its state, in whatever order. */
  get isListedTask(): bool {
    return this.reader.fields.has(PayloadField.ListedTask) && this.task != 0 && this.taskState != TaskState.None;
  }

  /** As if nothing had been read. */
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

  /** Of an answer: the tools that it lists, read to their end; null where it lists none. */
  get listedTools(): ListedTools | null {
    if (!this.tools) return null;
    const tools = changetype<ListedTools>(this.tools);
    tools.end();
    return tools;
  }

  /** The tokens of its texts of this kind, estimated; 0 where that is switched off. */
  tokens(kind: TokenKind): u32 {
    return this.texts.tokens(kind);
  }

  /** Whether it brings what a client's model sampled, rather than what a user entered. */
  get isSampled(): bool {
    return this.namesRole;
  }

  /** Of a list's request: a hash of the page that it asks for, 0 for the first. */
  get cursor(): u64 {
    return this.reader.fields.has(PayloadField.ParamsCursor) ? this.cursorHash : 0;
  }

  /** Of a list: a hash of its next page, 0 where this is the last. */
  get nextCursor(): u64 {
    return this.reader.fields.has(PayloadField.ResultNextCursor) ? this.nextCursorHash : 0;
  }

  /** Of a response: whether it is an error that names no request, as servers answer what they could not read. */
  get isErrorOfUnknownRequest(): bool {
    return this.reader.isErrorResponse && (this.idKind == IdKind.Null || this.idKind == IdKind.Absent);
  }

  /** Of a response: how it ends its operation. */
  get outcome(): Outcome {
    const fields = this.reader.fields;
    if (this.reader.isErrorResponse) return Outcome.RpcError;
    if (fields.has(PayloadField.ResultIsError) && this.isToolError) return Outcome.ToolError;
    if (fields.has(PayloadField.ResultTask) && this.isTask) return Outcome.TaskAccepted;
    return fields.has(PayloadField.ResultType) ? this.resultType : Outcome.Ok;
  }

  /** Of an error response: the code; {@link NO_CODE} of any other, or where it is no integer of 32 bits. */
  get errorCode(): i32 {
    return this.reader.isErrorResponse ? this.reader.errorCode : NO_CODE;
  }
}

const TRACE_AT: usize = (offsetof<McpMessage>() + NAME_LIMIT + CLIENT_NAME_LIMIT + 7) & ~7;
/** Bytes of a message, its names and its trace context. */
export const MESSAGE_SIZE: usize = TRACE_AT + TRACE_CONTEXT_SIZE;
