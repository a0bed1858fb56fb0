import { Token } from "../json/token";
import { IdKind, idHash, idKind } from "../jsonrpc/id";
import { MessageKind, MessageReader, Part, Refusal } from "../jsonrpc/message_reader";
import { equalsText, hashBytes } from "../memory/bytes";
import { Method, TargetKind, methodOf } from "./methods";
import { CLIENT_NAME_LIMIT, NAME_LIMIT, NO_CODE } from "./operation";
import { Outcome } from "./outcome";
import { PayloadField, measuredFields, messageFields, textKind } from "./payload";
import { UNKNOWN_REVISION, revisionOf } from "./revisions";
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
  private keptNameLength: u32;
  /** `params.requestId` of a cancellation. */
  private cancelledKind: IdKind;
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
    }
    self.clear(tokens);
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Ready for the next message of a batch. */
  beginNext(tokens: TokenSettings): void {
    this.reader.beginNext();
    this.clear(tokens);
  }

  private clear(tokens: TokenSettings): void {
    this.method = Method.None;
    this.texts.reset(tokens);
    this.namesRole = false;
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
          return McpPart.Method;
        }
        case Part.Payload:
          if (this.takePayload()) return McpPart.Listed;
          break;
        case Part.Text:
          this.takeText();
          break;
        case Part.LastText:
          this.takeText();
          this.texts.endValue(textKind(reader.fields.field));
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

  private takeText(): void {
    const tokens = this.reader.fields.tokens;
    this.texts.takePart(tokens.textAt, tokens.textLength);
  }

  /** Takes a field of the payload. True where it is a name in a list. */
  private takePayload(): bool {
    const fields = this.reader.fields;
    const tokens = fields.tokens;
    const isText = fields.value == Token.String;
    const at = tokens.textAt;
    const length = tokens.textTotal;
    switch (fields.field) {
      case PayloadField.ParamsName:
        this.keptNameLength = 0;
        if (isText && length <= NAME_LIMIT) {
          memory.copy(this.name, at, length);
          this.keptNameLength = length;
        }
        return false;
      case PayloadField.ParamsRequestId:
        this.cancelledKind = idKind(fields.value);
        this.cancelledHash = idHash(this.cancelledKind, at, tokens.textLength, length);
        return false;
      case PayloadField.MetaProtocolVersion:
        this.metaRevision = isText ? revisionOf(at, length) : UNKNOWN_REVISION;
        return false;
      case PayloadField.ResultProtocolVersion:
        this.resultRevision = isText ? revisionOf(at, length) : UNKNOWN_REVISION;
        return false;
      case PayloadField.ClientName:
      case PayloadField.MetaClientName:
        this.keptClientNameLength = 0;
        if (isText && length <= CLIENT_NAME_LIMIT) {
          memory.copy(this.clientName, at, length);
          this.keptClientNameLength = length;
        }
        return false;
      case PayloadField.ResultIsError:
        this.isToolError = fields.value == Token.True;
        return false;
      case PayloadField.ResultType:
        this.resultType = isText ? outcomeOfResultType(at, length) : Outcome.Ok;
        return false;
      case PayloadField.ResultTask:
        this.isTask = fields.value == Token.ObjectStart;
        return false;
      case PayloadField.ResultRole:
      case PayloadField.InputResponseRole:
        this.namesRole = true;
        return false;
      case PayloadField.ParamsCursor:
        this.cursorHash = isText && length ? hashBytes(at, tokens.textLength, length) | 1 : 0;
        return false;
      case PayloadField.ResultNextCursor:
        this.nextCursorHash = isText && length ? hashBytes(at, tokens.textLength, length) | 1 : 0;
        return false;
      default:
        if (!isText) return false;
        this.texts.take(TokenKind.Definitions, at, tokens.textLength);
        if (length > NAME_LIMIT) return false;
        this.listed = fields.field == PayloadField.ResultToolName ? TargetKind.Tool : TargetKind.Prompt;
        this.listedAt = at;
        this.listedLength = length;
        return true;
    }
  }
}

let free: usize = 0;

/** How `result.resultType` (2026-07-28) ends the operation; unknown types count as complete. */
function outcomeOfResultType(at: usize, length: u32): Outcome {
  if (equalsText(at, length, "input_required")) return Outcome.InputRequired;
  return equalsText(at, length, "task") ? Outcome.TaskAccepted : Outcome.Ok;
}
