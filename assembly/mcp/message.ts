import { Token } from "../json/token";
import { IdKind, idHash, idKind } from "../jsonrpc/id";
import { MessageKind, MessageReader, Part, Refusal } from "../jsonrpc/message_reader";
import { equalsText } from "../memory/bytes";
import { StreamHash } from "../memory/stream_hash";
import { ListedTools } from "./listed_tools";
import { Method, TargetKind, methodOf } from "./methods";
import { MirroredHeaders, textHash } from "./mirrored_headers";
import { CLIENT_NAME_LIMIT, NAME_LIMIT, NO_CODE } from "./operation";
import { Outcome } from "./outcome";
import { PayloadField, measuredFields, messageFields, textKind } from "./payload";
import { UNKNOWN_REVISION, revisionOf } from "./revisions";
import { TaskState, taskStateOf } from "./task_state";
import { Texts } from "./texts";
import { TokenKind, TokenSettings } from "./token_kinds";

/** What {@link McpMessage.next} found. */
export enum McpPart {
  /** The bytes are used up. */
  More,
  /** The method: see `method`. */
  Method,
  /** The name of a tool or prompt in a list: `listed`, `listedAt`, `listedLength`. */
  Listed,
  /** A task in a list: `task`, `taskState`. */
  Task,
  /** A message of a batch is over: see {@link McpMessage.finish} and {@link McpMessage.beginNext}. */
  End,
  /** It is no JSON-RPC message: see `refusal`. */
  Refused,
}

const plainFields = messageFields();
const fieldsWithTexts = measuredFields();

/** Reads an MCP message, or a batch of them, and keeps of one at a time what statistics need. Pooled. */
@unmanaged
export class McpMessage {
  method: Method;
  listed: TargetKind;
  listedAt: usize;
  listedLength: u32;
  /** The hash of the method's name; 0 where it is no text. See {@link textHash}. */
  methodHash: u64;
  /** The hash of the task's id that a notification or answer tells of, and its state; 0 where there is none. */
  task: u64;
  taskState: TaskState;
  /** The headers whose repetition of arguments is to be checked, or 0. */
  mirrored: usize;
  /** The tools of the list that is read, or 0. */
  private tools: usize;
  private nameHash: u64;
  private uriHash: u64;
  private paramsTask: u64;
  /** The arguments have begun. */
  private hasArguments: bool;
  private argumentsRead: StreamHash;
  private estimates: bool;
  private keptNameLength: u32;
  /** `params.requestId` of a cancellation. */
  cancelledKind: IdKind;
  private cancelledHash: u64;
  private isToolError: bool;
  private resultType: Outcome;
  private isTask: bool;
  private metaRevision: i32;
  private resultRevision: i32;
  private keptClientNameLength: u32;
  /** One of the answers in it says who speaks. */
  private namesRole: bool;
  private cursorHash: u64;
  private nextCursorHash: u64;
  private reader: MessageReader;
  private texts: Texts;
  private nextFree: usize;

  /** Ready for a message or batch. */
  static take(tokens: TokenSettings): McpMessage {
    const tree = tokens.estimate ? fieldsWithTexts : plainFields;
    let self = changetype<McpMessage>(free);
    if (free) {
      free = self.nextFree;
      self.reader.reset(tree);
    } else {
      self = changetype<McpMessage>(heap.alloc(offsetof<McpMessage>() + NAME_LIMIT + CLIENT_NAME_LIMIT));
      self.reader = MessageReader.create(tree);
      self.texts = Texts.create();
      self.argumentsRead = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
      self.tools = 0;
    }
    self.estimates = tokens.estimate;
    self.mirrored = 0;
    self.clear(tokens);
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    this.releaseTools();
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  private releaseTools(): void {
    if (this.tools) changetype<ListedTools>(this.tools).release();
    this.tools = 0;
  }

  /** Ready for the next message of a batch. */
  beginNext(tokens: TokenSettings): void {
    this.reader.beginNext();
    this.clear(tokens);
  }

  private clear(tokens: TokenSettings): void {
    this.method = Method.None;
    this.methodHash = 0;
    this.texts.reset(tokens);
    this.namesRole = false;
    this.task = 0;
    this.taskState = TaskState.None;
    this.nameHash = 0;
    this.uriHash = 0;
    this.paramsTask = 0;
    this.hasArguments = false;
    this.releaseTools();
  }

  /** The next bytes of the message; those before must be used up. */
  feed(at: usize, length: usize): void {
    this.reader.feed(at, length);
  }

  next(): McpPart {
    const reader = this.reader;
    while (true) {
      switch (reader.next()) {
        case Part.Method: {
          const tokens = reader.fields.tokens;
          const isText = reader.fields.value == Token.String;
          this.method = isText ? methodOf(tokens.textAt, tokens.textTotal) : Method.None;
          this.methodHash = isText ? textHash(tokens.textAt, tokens.textLength, tokens.textTotal) : 0;
          return McpPart.Method;
        }
        case Part.Payload: {
          const part = this.takePayload();
          if (part != McpPart.More) return part;
          break;
        }
        case Part.Text:
          this.takeText();
          break;
        case Part.LastText:
          this.takeText();
          if (this.estimates) this.texts.endValue(textKind(reader.fields.field));
          break;
        case Part.End:
          return McpPart.End;
        case Part.Refused:
          return McpPart.Refused;
        default:
          return McpPart.More;
      }
    }
  }

  /** After the last byte, in a batch at {@link McpPart.End}: what the message was. */
  finish(): MessageKind {
    return this.reader.finish();
  }

  /** Whether it is a batch. */
  get isBatch(): bool {
    return this.reader.isBatch;
  }

  /** After the last byte of a batch: why it could not be read whole; {@link Refusal.None} where it was. */
  finishBatch(): Refusal {
    return this.reader.finishBatch();
  }

  /** Whether the bytes so far may be the whole document. */
  get complete(): bool {
    return this.reader.fields.tokens.complete;
  }

  /** Whether no byte but white space has come. */
  get blank(): bool {
    return this.reader.fields.tokens.blank;
  }

  get refusal(): Refusal {
    return this.reader.refusal;
  }

  get idKind(): IdKind {
    return this.reader.idKind;
  }

  /** See {@link idHash}. */
  get idHash(): u64 {
    return this.reader.idHash;
  }

  /** Bytes of the message's text. */
  get size(): u64 {
    return this.reader.size;
  }

  /** The target's name, {@link nameLength} bytes. */
  get name(): usize {
    return changetype<usize>(this) + offsetof<McpMessage>();
  }

  /** 0 where there is no name, or none that can be kept. */
  get nameLength(): u32 {
    return this.reader.fields.has(PayloadField.ParamsName) ? this.keptNameLength : 0;
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

  /** Of a request: a hash of its arguments as they are written; 0 where it has none. */
  get argumentsHash(): u64 {
    return this.hasArguments ? this.argumentsRead.value | 1 : 0;
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

  /** Of an answer: the tools that it lists, read to their end; null where it lists none. */
  get listedTools(): ListedTools | null {
    if (!this.tools) return null;
    const tools = changetype<ListedTools>(this.tools);
    tools.end();
    return tools;
  }

  /** Says which index the name that was found last, of a tool in a list, has among the labels. */
  setToolLabel(label: i32): void {
    if (this.tools) changetype<ListedTools>(this.tools).setName(this.listedAt, this.listedLength, label);
  }

  /** The tokens of its texts of this kind, estimated; 0 where that is switched off. */
  tokens(kind: TokenKind): u32 {
    return this.texts.tokens(kind);
  }

  /** Whether it brings what a client's model sampled, rather than what a user entered. */
  get isSampled(): bool {
    return this.namesRole;
  }

  /** Of a list's request: a hash of the page that it asks for, 0 for the first. Known where tokens are estimated. */
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

  /** Whether a task of a list has been read: its id and its state, in whatever order. */
  private get isListedTask(): bool {
    return this.reader.fields.has(PayloadField.ListedTask) && this.task != 0 && this.taskState != TaskState.None;
  }

  private takeText(): void {
    const tokens = this.reader.fields.tokens;
    const at = tokens.textAt;
    const length = tokens.textLength;
    switch (this.reader.fields.field) {
      case PayloadField.FirstText + TokenKind.Arguments:
        if (!this.hasArguments) this.argumentsRead.reset();
        this.hasArguments = true;
        this.argumentsRead.feed(at, length);
        if (this.mirrored) changetype<MirroredHeaders>(this.mirrored).feedArguments(at, length);
        break;
      case PayloadField.ToolDescription:
        if (this.tools) changetype<ListedTools>(this.tools).feedDescription(at, length);
        break;
      case PayloadField.ToolInputSchema:
        if (this.tools) changetype<ListedTools>(this.tools).feedInputSchema(at, length);
        break;
    }
    if (this.estimates) this.texts.takePart(at, length);
  }

  /** Takes a field of the payload. Returns what of it is to be told at once; {@link McpPart.More} where nothing is. */
  private takePayload(): McpPart {
    const fields = this.reader.fields;
    const tokens = fields.tokens;
    const isText = fields.value == Token.String;
    const at = tokens.textAt;
    const length = tokens.textTotal;
    switch (fields.field) {
      case PayloadField.ParamsName:
        this.nameHash = isText ? textHash(at, tokens.textLength, length) : 0;
        this.keptNameLength = 0;
        if (isText && length <= NAME_LIMIT) {
          memory.copy(this.name, at, length);
          this.keptNameLength = length;
        }
        return McpPart.More;
      case PayloadField.ParamsRequestId:
        this.cancelledKind = idKind(fields.value);
        this.cancelledHash = idHash(this.cancelledKind, at, tokens.textLength, length);
        return McpPart.More;
      case PayloadField.MetaProtocolVersion:
        this.metaRevision = isText ? revisionOf(at, length) : UNKNOWN_REVISION;
        return McpPart.More;
      case PayloadField.ResultProtocolVersion:
        this.resultRevision = isText ? revisionOf(at, length) : UNKNOWN_REVISION;
        return McpPart.More;
      case PayloadField.ClientName:
      case PayloadField.MetaClientName:
        this.keptClientNameLength = 0;
        if (isText && length <= CLIENT_NAME_LIMIT) {
          memory.copy(this.clientName, at, length);
          this.keptClientNameLength = length;
        }
        return McpPart.More;
      case PayloadField.ResultIsError:
        this.isToolError = fields.value == Token.True;
        return McpPart.More;
      case PayloadField.ResultType:
        this.resultType = isText ? outcomeOfResultType(at, length) : Outcome.Ok;
        return McpPart.More;
      case PayloadField.ResultTask:
        this.isTask = fields.value == Token.ObjectStart;
        return McpPart.More;
      case PayloadField.ResultRole:
      case PayloadField.InputResponseRole:
        this.namesRole = true;
        return McpPart.More;
      case PayloadField.ParamsCursor:
        this.cursorHash = isText && length ? textHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ResultNextCursor:
        this.nextCursorHash = isText && length ? textHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ParamsUri:
        this.uriHash = isText ? textHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ParamsInputResponses:
      case PayloadField.ParamsRequestState:
        return McpPart.More;
      case PayloadField.ParamsTaskId:
        this.paramsTask = isText ? textHash(at, tokens.textLength, length) : 0;
        this.task = this.paramsTask;
        return McpPart.More;
      case PayloadField.ResultTaskId:
        this.task = isText ? textHash(at, tokens.textLength, length) : 0;
        return this.isListedTask ? McpPart.Task : McpPart.More;
      case PayloadField.ParamsTaskStatus:
      case PayloadField.ResultTaskStatus:
        this.taskState = isText ? taskStateOf(at, length) : TaskState.None;
        return this.isListedTask ? McpPart.Task : McpPart.More;
      case PayloadField.ListedTask:
        this.task = 0;
        this.taskState = TaskState.None;
        return McpPart.More;
      case PayloadField.ResultTool:
        if (!this.tools) this.tools = changetype<usize>(ListedTools.take());
        changetype<ListedTools>(this.tools).begin();
        return McpPart.More;
      default:
        if (!isText) return McpPart.More;
        if (this.estimates) this.texts.take(TokenKind.Definitions, at, tokens.textLength);
        if (length > NAME_LIMIT) return McpPart.More;
        this.listed = fields.field == PayloadField.ResultToolName ? TargetKind.Tool : TargetKind.Prompt;
        this.listedAt = at;
        this.listedLength = length;
        return McpPart.Listed;
    }
  }
}

let free: usize = 0;

/** How `result.resultType` (2026-07-28) ends the operation; unknown types count as complete. */
function outcomeOfResultType(at: usize, length: u32): Outcome {
  if (equalsText(at, length, "input_required")) return Outcome.InputRequired;
  return equalsText(at, length, "task") ? Outcome.TaskAccepted : Outcome.Ok;
}
