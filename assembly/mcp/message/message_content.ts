import { IdKind } from "../../jsonrpc/id";
import { MessageReader, Refusal } from "../../jsonrpc/message_reader";
import { StreamHash } from "../../memory/stream_hash";
import { ListedTools } from "./listed_tools";
import { Method, TargetKind } from "../protocol/methods";
import { NAME_LIMIT, NO_CODE } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";
import { PayloadField } from "./payload";
import { UNKNOWN_REVISION } from "../protocol/revisions";
import { TaskState } from "../protocol/task_state";
import { Texts } from "./texts";
import { TokenKind } from "../protocol/token_kinds";

/** What has been read of an MCP message that statistics need. */
@unmanaged
export class MessageContent {
  method: Method;
  listed: TargetKind;
  listedAt: usize;
  listedLength: u32;
  /** The {@link keyedTextHash} of the method's name; 0 where it is no text. */
  methodHash: u64;
  /** The hash of the task's id that a notification or answer tells of, and its state; 0 where there is none. */
  task: u64;
  taskState: TaskState;
  /** The headers whose repetition of arguments is to be checked, or 0. */
  mirrored: usize;
  /** The tools of the list that is read, or 0. */
  protected tools: usize;
  protected nameHash: u64;
  protected uriHash: u64;
  protected paramsTask: u64;
  /** The arguments have begun. */
  protected hasArguments: bool;
  protected argumentsRead: StreamHash;
  protected estimates: bool;
  protected keptNameLength: u32;
  /** `params.requestId` of a cancellation. */
  cancelledKind: IdKind;
  protected cancelledHash: u64;
  protected isToolError: bool;
  protected resultType: Outcome;
  protected isTask: bool;
  protected metaRevision: i32;
  protected resultRevision: i32;
  protected keptClientNameLength: u32;
  /** One of the answers in it says who speaks. */
  protected namesRole: bool;
  protected cursorHash: u64;
  protected nextCursorHash: u64;
  protected reader: MessageReader;
  protected texts: Texts;
  /** The address of the names that are kept. */
  protected names: usize;

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

  /** The target's name or URI, {@link nameLength} bytes. */
  get name(): usize {
    return this.names;
  }

  /** 0 where there is no name, or none that can be kept. */
  get nameLength(): u32 {
    const fields = this.reader.fields;
    const isNamed = fields.has(PayloadField.ParamsName) || fields.has(PayloadField.ParamsUri);
    return isNamed ? this.keptNameLength : 0;
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
