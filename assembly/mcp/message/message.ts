import { Token } from "../../json/token";
import { idHash, idKind } from "../../jsonrpc/id";
import { MessageKind, MessageReader, Part, Refusal } from "../../jsonrpc/message_reader";
import { equalsText } from "../../memory/bytes";
import { keyedTextHash } from "../../memory/keyed_hash";
import { StreamHash } from "../../memory/stream_hash";
import { ListedTools } from "./listed_tools";
import { MessageContent } from "./message_content";
import { Method, TargetKind, methodOf } from "../protocol/methods";
import { MirroredHeaders } from "../headers/mirrored_headers";
import { CLIENT_NAME_LIMIT, NAME_LIMIT } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";
import { PayloadField, measuredFields, messageFields, textKind } from "./payload";
import { UNKNOWN_REVISION, revisionOf } from "../protocol/revisions";
import { TaskState, taskStateOf } from "../protocol/task_state";
import { Texts } from "./texts";
import { TokenKind, TokenSettings } from "../protocol/token_kinds";

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
export class McpMessage extends MessageContent {
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
      self.names = changetype<usize>(self) + offsetof<McpMessage>();
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
          this.methodHash = isText ? keyedTextHash(tokens.textAt, tokens.textLength, tokens.textTotal) : 0;
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

  /** Whether a task of a list has been read: its id and its state, in whatever order. */
  private get isListedTask(): bool {
    return this.reader.fields.has(PayloadField.ListedTask) && this.task != 0 && this.taskState != TaskState.None;
  }

  /** Keeps what names the target, if it is not too long. */
  private keepName(at: usize, length: u32): void {
    this.keptNameLength = length <= NAME_LIMIT ? length : 0;
    memory.copy(this.name, at, this.keptNameLength);
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
        this.nameHash = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        this.keepName(at, isText ? length : 0);
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
        this.cursorHash = isText && length ? keyedTextHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ResultNextCursor:
        this.nextCursorHash = isText && length ? keyedTextHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ParamsUri:
        this.uriHash = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        if (!fields.has(PayloadField.ParamsName)) this.keepName(at, isText ? length : 0);
        return McpPart.More;
      case PayloadField.ParamsInputResponses:
      case PayloadField.ParamsRequestState:
        return McpPart.More;
      case PayloadField.ParamsTaskId:
        this.paramsTask = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        this.task = this.paramsTask;
        return McpPart.More;
      case PayloadField.ResultTaskId:
        this.task = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
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
        if (this.listed == TargetKind.Tool && this.tools) changetype<ListedTools>(this.tools).setName(at, length);
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
