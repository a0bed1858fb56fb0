import { Token } from "../../json/token";
import { idHash, idKind } from "../../jsonrpc/id";
import { MessageKind, MessageReader, Part, ReadFault } from "../../jsonrpc/message_reader";
import { equalsText } from "../../memory/bytes";
import { keyedTextHash } from "../../memory/keyed_hash";
import { StreamHash } from "../../memory/stream_hash";
import { KeptLists } from "./kept_lists";
import { ListReading } from "./list_reading";
import { ListedTools } from "./listed_tools";
import { MESSAGE_SIZE, McpMessage } from "./message";
import { Method, TargetKind, methodOf } from "../protocol/methods";
import { MirroredHeaders } from "../headers/mirrored_headers";
import { NAME_LIMIT } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";
import { PayloadField, listMethod, measuredFields, messageFields, textKind } from "./payload";
import { UNKNOWN_REVISION, revisionOf } from "../protocol/revisions";
import { TaskState, taskStateOf } from "../protocol/task_state";
import { Texts } from "./texts";
import { TokenKind, TokenSettings } from "../protocol/token_kinds";

/** What {@link McpReader.next} found. */
export enum McpPart {
  /** All bytes have been read. Call {@link McpReader.feed}. */
  More,
  /** The method has been read: see `method`. */
  Method,
  /** A list of definitions starts: see `listMethod` and {@link McpReader.compareList}. */
  List,
  /** The name of a tool or prompt in a list has been read: see `listed`, `listedAt`, `listedLength`. */
  Listed,
  /** A task in a list has been read: see `task`, `taskState`. */
  Task,
  /** A message of a batch has ended: see {@link McpReader.finish} and {@link McpReader.beginNext}. */
  End,
  /** The input is not a JSON-RPC message: see `fault`. */
  Fault,
}

const plainFields = messageFields();
const fieldsWithTexts = measuredFields();

/** Reads an MCP message, or the messages of a batch one at a time, into its {@link McpMessage}. Pooled: one block of memory
 *  holds both. */
@unmanaged
export class McpReader {
  private reader: MessageReader;
  private list: ListReading;
  private estimates: bool;
  private nextFree: usize;

  /** Acquires a reader for a message or batch. */
  static acquire(tokens: TokenSettings): McpReader {
    const tree = tokens.estimate ? fieldsWithTexts : plainFields;
    let self = changetype<McpReader>(free);
    if (free) {
      free = self.nextFree;
      self.reader.reset(tree);
    } else {
      self = changetype<McpReader>(heap.alloc(MESSAGE_AT + MESSAGE_SIZE));
      self.reader = MessageReader.create(tree);
      self.message.reader = self.reader;
      self.message.texts = Texts.create();
      self.message.argumentsRead = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
      self.message.tools = 0;
      self.list = ListReading.create(self.message);
    }
    self.estimates = tokens.estimate;
    self.message.mirrored = 0;
    self.message.clear(tokens);
    return self;
  }

  /** The current message. */
  @inline
  get message(): McpMessage {
    return changetype<McpMessage>(changetype<usize>(this) + MESSAGE_AT);
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    this.list.reset();
    this.message.releaseTools();
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Prepares for the next message of a batch. */
  beginNext(tokens: TokenSettings): void {
    this.reader.beginNext();
    this.message.clear(tokens);
  }

  /** Whether the bytes so far may be the complete document. */
  get complete(): bool {
    return this.reader.fields.tokens.complete;
  }

  /** Whether only white space has been read. */
  get blank(): bool {
    return this.reader.fields.tokens.blank;
  }

  /** The reason why the input is not a message. */
  get fault(): ReadFault {
    return this.reader.fault;
  }

  /** Supplies the next bytes of the message, after all earlier bytes have been read. */
  feed(at: usize, length: usize): void {
    this.reader.feed(at, length);
    this.list.handleChunk();
  }

  /** At {@link McpPart.List}: skips the list if an equal one of this server is stored. The result is the same as if it had
   *  been read, except that its names are not reported again. Otherwise the list may be stored: see {@link KeptLists.keep}. */
  compareList(lists: KeptLists, server: u64): void {
    this.list.begin(lists, server);
  }

  next(): McpPart {
    const reader = this.reader;
    const message = this.message;
    while (true) {
      switch (reader.next()) {
        case Part.Method: {
          const tokens = reader.fields.tokens;
          const isText = reader.fields.value == Token.String;
          message.method = isText ? methodOf(tokens.textAt, tokens.textTotal) : Method.None;
          // The hash is needed only to compare it with headers.
          if (message.mirrored && isText) {
            message.methodHash = keyedTextHash(tokens.textAt, tokens.textLength, tokens.textTotal);
          } else {
            message.methodHash = isText ? 1 : 0;
          }
          return McpPart.Method;
        }
        case Part.Payload: {
          const part = this.readPayload();
          if (part != McpPart.More) return part;
          break;
        }
        case Part.Text:
          this.readText();
          break;
        case Part.LastText:
          this.readText();
          if (this.estimates) message.texts.endValue(textKind(reader.fields.field));
          break;
        case Part.End:
          return McpPart.End;
        case Part.Fault:
          return McpPart.Fault;
        default:
          if (this.list.readOn()) break;
          return McpPart.More;
      }
    }
  }

  /** Returns the kind of the message. Call it after the last byte; in a batch, at {@link McpPart.End}. */
  finish(): MessageKind {
    return this.reader.finish();
  }

  /** Whether the input is a batch. */
  get isBatch(): bool {
    return this.reader.isBatch;
  }

  /** After the last byte of a batch: the reason why it could not be read completely; {@link ReadFault.None} if it was. */
  finishBatch(): ReadFault {
    return this.reader.finishBatch();
  }

  private readText(): void {
    const message = this.message;
    const tokens = this.reader.fields.tokens;
    const at = tokens.textAt;
    const length = tokens.textLength;
    switch (this.reader.fields.field) {
      case PayloadField.FirstText + TokenKind.Arguments:
        if (!message.hasArguments) message.argumentsRead.reset();
        message.hasArguments = true;
        message.argumentsRead.feed(at, length);
        if (message.mirrored) changetype<MirroredHeaders>(message.mirrored).feedArguments(at, length);
        break;
      case PayloadField.ToolDescription:
        if (message.tools) changetype<ListedTools>(message.tools).feedDescription(at, length);
        break;
      case PayloadField.ToolInputSchema:
        if (message.tools) changetype<ListedTools>(message.tools).feedInputSchema(at, length);
        break;
    }
    if (this.estimates) message.texts.readPart(at, length);
  }

  /** Handles a field of the payload. Returns the part that the caller must process at once; {@link McpPart.More} if there is
   *  none. */
  private readPayload(): McpPart {
    const message = this.message;
    const fields = this.reader.fields;
    const tokens = fields.tokens;
    const isText = fields.value == Token.String;
    const at = tokens.textAt;
    const length = tokens.textTotal;
    switch (fields.field) {
      case PayloadField.ParamsName:
        message.nameHash = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        message.keepName(at, isText ? length : 0);
        return McpPart.More;
      case PayloadField.ParamsRequestId:
        message.cancelledKind = idKind(fields.value);
        message.cancelledHash = idHash(message.cancelledKind, at, tokens.textLength, length);
        return McpPart.More;
      case PayloadField.MetaProtocolVersion:
        message.metaRevision = isText ? revisionOf(at, length) : UNKNOWN_REVISION;
        return McpPart.More;
      case PayloadField.ParamsProtocolVersion:
        message.offersRevision = isText;
        return McpPart.More;
      case PayloadField.ResultProtocolVersion:
        message.resultRevision = isText ? revisionOf(at, length) : UNKNOWN_REVISION;
        return McpPart.More;
      case PayloadField.ClientName:
      case PayloadField.MetaClientName:
        message.keepClientName(at, isText ? length : 0);
        return McpPart.More;
      case PayloadField.MetaTraceparent:
        message.trace.read(at, isText ? tokens.textLength : 0);
        return McpPart.More;
      case PayloadField.ResultIsError:
        message.isToolError = fields.value == Token.True;
        return McpPart.More;
      case PayloadField.ResultType:
        message.resultType = isText ? outcomeOfResultType(at, length) : Outcome.Ok;
        return McpPart.More;
      case PayloadField.ResultTask:
        message.isTask = fields.value == Token.ObjectStart;
        return McpPart.More;
      case PayloadField.ResultRole:
      case PayloadField.InputResponseRole:
        message.namesRole = true;
        return McpPart.More;
      case PayloadField.ParamsCursor:
        message.cursorHash = isText && length ? keyedTextHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ResultNextCursor:
        message.nextCursorHash = isText && length ? keyedTextHash(at, tokens.textLength, length) : 0;
        return McpPart.More;
      case PayloadField.ParamsUri:
        message.uriHash = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        if (!fields.has(PayloadField.ParamsName)) message.keepName(at, isText ? length : 0);
        return McpPart.More;
      case PayloadField.ParamsInputResponses:
      case PayloadField.ParamsRequestState:
        return McpPart.More;
      case PayloadField.ParamsTaskId:
        message.paramsTask = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        message.task = message.paramsTask;
        return McpPart.More;
      case PayloadField.ResultTaskId:
        message.task = isText ? keyedTextHash(at, tokens.textLength, length) : 0;
        return message.isListedTask ? McpPart.Task : McpPart.More;
      case PayloadField.ParamsTaskStatus:
      case PayloadField.ResultTaskStatus:
        message.taskState = isText ? taskStateOf(at, length) : TaskState.None;
        return message.isListedTask ? McpPart.Task : McpPart.More;
      case PayloadField.ListedTask:
        message.task = 0;
        message.taskState = TaskState.None;
        return McpPart.More;
      case PayloadField.Tools:
      case PayloadField.Prompts:
      case PayloadField.Resources:
      case PayloadField.ResourceTemplates:
        if (fields.value == Token.ArrayEnd) this.list.end();
        if (fields.value != Token.ArrayStart) return McpPart.More;
        message.listMethod = listMethod(fields.field);
        message.texts.beginDefinitions();
        return McpPart.List;
      case PayloadField.ResultTool:
        if (!message.tools) message.tools = changetype<usize>(ListedTools.acquire());
        changetype<ListedTools>(message.tools).begin();
        return McpPart.More;
      default:
        if (!isText) return McpPart.More;
        if (this.estimates) message.texts.readText(TokenKind.Definitions, at, tokens.textLength);
        if (length > NAME_LIMIT) return McpPart.More;
        message.listed = fields.field == PayloadField.ResultToolName ? TargetKind.Tool : TargetKind.Prompt;
        if (message.listed == TargetKind.Tool && message.tools)
          changetype<ListedTools>(message.tools).setName(at, length);
        message.listedAt = at;
        message.listedLength = length;
        return McpPart.Listed;
    }
  }
}

const MESSAGE_AT: usize = (offsetof<McpReader>() + 7) & ~7;
let free: usize = 0;

/** The outcome for `result.resultType` (2026-07-28). Unknown types count as complete. */
function outcomeOfResultType(at: usize, length: u32): Outcome {
  if (equalsText(at, length, "input_required")) return Outcome.InputRequired;
  return equalsText(at, length, "task") ? Outcome.TaskAccepted : Outcome.Ok;
}
