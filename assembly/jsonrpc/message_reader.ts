import { integerOf } from "../json/canonical_number";
import { FieldReader, FieldTree, Found } from "../json/fields";
import { Fault, Token } from "../json/token";
import { equalsText } from "../memory/bytes";
import { IdKind, alikeHash, idHash, idKind } from "./id";

/** Fields of the envelope (JSON-RPC 2.0, sections 4 and 5). Those of what it carries begin at {@link FIRST_PAYLOAD_FIELD}. */
export enum EnvelopeField {
  Root = 1,
  Version,
  Id,
  Method,
  Result,
  Error,
  ErrorCode,
}

export const FIRST_PAYLOAD_FIELD: i32 = 16;

/** The fields of the envelope, to which those of the payload are added. */
export function envelopeFields(): FieldTree {
  const tree = new FieldTree();
  tree.add(EnvelopeField.Root, []);
  tree.add(EnvelopeField.Version, ["jsonrpc"]);
  tree.add(EnvelopeField.Id, ["id"]);
  tree.add(EnvelopeField.Method, ["method"]);
  tree.add(EnvelopeField.Result, ["result"]);
  tree.add(EnvelopeField.Error, ["error"]);
  tree.add(EnvelopeField.ErrorCode, ["error", "code"]);
  return tree;
}

/** What {@link MessageReader.next} found. */
export enum Part {
  /** The bytes are used up. */
  More,
  /** The method's name: in `fields.tokens`' text. */
  Method,
  /** A field of the payload: `fields.field`, `fields.value`, and its text. */
  Payload,
  /** Bytes of a field of the payload that is captured: `fields.field`, and the bytes as text of `fields.tokens`. */
  Text,
  /** The last of them. */
  LastText,
  /** A message of a batch is over: {@link MessageReader.finish} tells what it was, {@link MessageReader.beginNext} goes on. */
  End,
  /** What was read contradicts a JSON-RPC message: see `refusal`. */
  Refused,
}

/** What a message was. */
export enum MessageKind {
  None,
  Request,
  Notification,
  Response,
}

/** Why something is no message. */
export enum Refusal {
  None,
  /** JSON, but not a JSON-RPC 2.0 message, or a batch of none. */
  NotJsonRpc,
  /** Not JSON. */
  Syntax,
  /** It ended too early. */
  Truncated,
  /** Nested deeper than the decoder follows. */
  Depth,
}

/** Bytes of an id's text that are kept: a UUID has 36. */
export const ID_TEXT_LIMIT: usize = 40;

/** Reads a JSON-RPC 2.0 message, or a batch of them (section 6), out of byte chunks. */
@unmanaged
export class MessageReader {
  fields: FieldReader;
  refusal: Refusal;
  idKind: IdKind;
  /** See {@link idHash}. */
  idHash: u64;
  /** See {@link alikeHash}. */
  alikeHash: u64;
  /** Bytes of the id's text: see {@link idText}. */
  idLength: u32;
  /** The code of an error response; `i32.MIN_VALUE` where it is no integer of 32 bits. */
  errorCode: i32;
  private methodIsString: bool;
  private isError: bool;
  /** The batch has a message that is over. */
  private hasMessages: bool;

  static create(tree: FieldTree): MessageReader {
    const self = changetype<MessageReader>(heap.alloc(offsetof<MessageReader>() + ID_TEXT_LIMIT));
    self.fields = FieldReader.create(tree);
    self.reset(tree);
    return self;
  }

  /** Ready for another message or batch, to read the fields of `tree`. */
  reset(tree: FieldTree): void {
    this.fields.reset(tree);
    this.hasMessages = false;
    this.beginNext();
  }

  /** Ready for the next message of a batch. */
  beginNext(): void {
    this.refusal = Refusal.None;
    this.idKind = IdKind.Absent;
    this.idHash = 0;
    this.alikeHash = 0;
    this.idLength = 0;
    this.methodIsString = false;
    this.isError = false;
    this.errorCode = i32.MIN_VALUE;
  }

  /** The next bytes of the message; those before must be used up. */
  feed(at: usize, length: usize): void {
    this.fields.tokens.feed(at, length);
  }

  next(): Part {
    const fields = this.fields;
    if (this.refusal && !fields.isList) return Part.Refused;
    while (true) {
      const found = fields.next();
      if (found == Found.Nothing) break;
      if (found == Found.DocumentEnd) return this.endOfMessage();
      // What is left of a batch's message that is none.
      if (this.refusal) continue;
      if (found != Found.Field) return found == Found.Part ? Part.Text : Part.LastText;
      if (fields.field >= FIRST_PAYLOAD_FIELD) return Part.Payload;
      if (!this.takeEnvelope(fields)) {
        if (!fields.isList) return Part.Refused;
        if (fields.field == EnvelopeField.Root && fields.value != Token.ArrayStart) return this.endOfMessage();
        continue;
      }
      if (fields.field == EnvelopeField.Method) return Part.Method;
    }
    const fault = fields.tokens.fault;
    if (!fault) return Part.More;
    this.refusal = fault == Fault.Depth ? Refusal.Depth : Refusal.Syntax;
    return Part.Refused;
  }

  private endOfMessage(): Part {
    this.hasMessages = true;
    return Part.End;
  }

  /** Whether it is a batch. */
  get isBatch(): bool {
    return this.fields.isList;
  }

  /** After the last byte of a batch: why it could not be read whole; {@link Refusal.None} where it was. */
  finishBatch(): Refusal {
    const tokens = this.fields.tokens;
    if (tokens.fault) return this.refusal;
    if (!tokens.complete) return Refusal.Truncated;
    return this.hasMessages ? Refusal.None : Refusal.NotJsonRpc;
  }

  /** After the last byte, in a batch at {@link Part.End}: what the message was. {@link MessageKind.None} where it is none,
   *  for `refusal`'s cause. */
  finish(): MessageKind {
    const fields = this.fields;
    if (this.refusal) return MessageKind.None;
    if (!fields.isList && !fields.tokens.complete) return this.refuse(Refusal.Truncated);
    if (fields.has(EnvelopeField.Version) && this.idKind != IdKind.Invalid) {
      if (fields.has(EnvelopeField.Method)) {
        if (this.methodIsString) {
          return fields.has(EnvelopeField.Id) ? MessageKind.Request : MessageKind.Notification;
        }
      } else if (this.isErrorResponse || (fields.has(EnvelopeField.Result) && fields.has(EnvelopeField.Id))) {
        return MessageKind.Response;
      }
    }
    return this.refuse(Refusal.NotJsonRpc);
  }

  /** Whether the response tells of an error: `error` is there and is an object. */
  get isErrorResponse(): bool {
    return this.isError && this.fields.has(EnvelopeField.Error);
  }

  /** Offset of the message's opening brace from the first byte fed since {@link reset}. Valid if {@link finish} returns a
   *  message. */
  get start(): u64 {
    return this.fields.tokens.documentStart;
  }

  /** Offset of the byte after its closing brace, once that has been read. */
  get end(): u64 {
    return this.fields.tokens.documentEnd;
  }

  /** Bytes of the message's text, from brace to brace. */
  get size(): u64 {
    return this.end - this.start;
  }

  /** The text of an id that is a text or a number, `idLength` bytes; none of a longer one than {@link ID_TEXT_LIMIT}. */
  get idText(): usize {
    return changetype<usize>(this) + offsetof<MessageReader>();
  }

  private takeId(at: usize, kept: i32, total: u32): void {
    const kind = this.idKind;
    const isText = kind == IdKind.String || kind == IdKind.Number;
    this.idLength = isText && total <= <u32>ID_TEXT_LIMIT ? total : 0;
    memory.copy(this.idText, at, this.idLength);
    this.idHash = idHash(kind, at, kept, total);
    this.alikeHash = alikeHash(kind, this.idHash, at, kept, total);
  }

  private refuse(refusal: Refusal): MessageKind {
    this.refusal = refusal;
    return MessageKind.None;
  }

  /** Takes a field of the envelope. False where it contradicts JSON-RPC. */
  private takeEnvelope(fields: FieldReader): bool {
    const tokens = fields.tokens;
    switch (fields.field) {
      case EnvelopeField.Root:
        if (fields.value == Token.ObjectStart) return true;
        this.refuse(Refusal.NotJsonRpc);
        return false;
      case EnvelopeField.Version:
        if (fields.value == Token.String && equalsText(tokens.textAt, tokens.textTotal, "2.0")) return true;
        this.refuse(Refusal.NotJsonRpc);
        return false;
      case EnvelopeField.Id:
        this.idKind = idKind(fields.value);
        this.takeId(tokens.textAt, tokens.textLength, tokens.textTotal);
        return true;
      case EnvelopeField.Method:
        this.methodIsString = fields.value == Token.String;
        return true;
      case EnvelopeField.Error:
        this.isError = fields.value == Token.ObjectStart;
        this.errorCode = i32.MIN_VALUE;
        return true;
      case EnvelopeField.ErrorCode:
        this.errorCode = i32.MIN_VALUE;
        if (fields.value == Token.Number && <u32>tokens.textLength == tokens.textTotal) {
          this.errorCode = integerOf(tokens.textAt, tokens.textLength);
        }
        return true;
      default:
        return true;
    }
  }
}
