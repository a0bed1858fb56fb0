import { integerOf } from "../json/canonical_number";
import { FieldReader, FieldTree, Found } from "../json/fields";
import { Fault, Token } from "../json/token";
import { equalsText } from "../memory/bytes";
import { IdKind, alikeHash, idHash, idKind } from "./id";

/** The fields of the envelope (JSON-RPC 2.0, sections 4 and 5). Fields of the payload begin at {@link FIRST_PAYLOAD_FIELD}. */
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

/** A new tree with the fields of the envelope, to which the caller adds those of the payload. */
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
  /** All bytes have been read. Call {@link MessageReader.feed}. */
  More,
  /** The method name, in the text of `fields.tokens`. */
  Method,
  /** A field of the payload, in `fields.field`, `fields.value` and the text of `fields.tokens`. */
  Payload,
  /** A part of a captured payload field: `fields.field`, and the bytes in the text of `fields.tokens`. */
  Text,
  /** The last part of a captured payload field. */
  LastText,
  /** A message has ended. {@link MessageReader.finish} returns its kind; {@link MessageReader.beginNext} continues with the
   *  next message of a batch. */
  End,
  /** The input is not a JSON-RPC message: see `fault`. */
  Fault,
}

/** The kind of a message. */
export enum MessageKind {
  None,
  Request,
  Notification,
  Response,
}

/** The reason why input is not a message. */
export enum ReadFault {
  None,
  /** The input is JSON, but not a JSON-RPC 2.0 message, or it is an empty batch. */
  NotJsonRpc,
  /** The input is not JSON. */
  Syntax,
  /** The input ended too early. */
  Truncated,
  /** The input is nested deeper than the decoder supports. */
  Depth,
}

/** The maximum length of a kept id text in bytes: a UUID has 36. */
export const ID_TEXT_LIMIT: usize = 40;

/** Reads a JSON-RPC 2.0 message, or a batch of messages (section 6), from chunks of bytes. */
@unmanaged
export class MessageReader {
  fields: FieldReader;
  fault: ReadFault;
  idKind: IdKind;
  /** The hash of the id: see {@link idHash}. */
  idHash: u64;
  /** The hash of the id that clients treat as equal: see {@link alikeHash}. */
  alikeHash: u64;
  /** The length of {@link idText} in bytes. */
  idLength: u32;
  /** The code of an error response; `i32.MIN_VALUE` if it is not a 32-bit integer. */
  errorCode: i32;
  private methodIsString: bool;
  private isError: bool;
  /** Whether a message of the batch has ended. */
  private hasMessages: bool;

  static create(tree: FieldTree): MessageReader {
    const self = changetype<MessageReader>(heap.alloc(offsetof<MessageReader>() + ID_TEXT_LIMIT));
    self.fields = FieldReader.create(tree);
    self.reset(tree);
    return self;
  }

  /** Prepares for another message or batch, to read the fields of `tree`. */
  reset(tree: FieldTree): void {
    this.fields.reset(tree);
    this.hasMessages = false;
    this.beginNext();
  }

  /** Prepares for the next message of a batch. */
  beginNext(): void {
    this.fault = ReadFault.None;
    this.idKind = IdKind.Absent;
    this.idHash = 0;
    this.alikeHash = 0;
    this.idLength = 0;
    this.methodIsString = false;
    this.isError = false;
    this.errorCode = i32.MIN_VALUE;
  }

  /** Supplies the next bytes of the message, after all earlier bytes have been read. */
  feed(at: usize, length: usize): void {
    this.fields.tokens.feed(at, length);
  }

  next(): Part {
    const fields = this.fields;
    if (this.fault && !fields.isList) return Part.Fault;
    while (true) {
      const found = fields.next();
      if (found == Found.Nothing) break;
      if (found == Found.DocumentEnd) return this.endOfMessage();
      // Skips the rest of an invalid message in a batch.
      if (this.fault) continue;
      if (found != Found.Field) return found == Found.Part ? Part.Text : Part.LastText;
      if (fields.field >= FIRST_PAYLOAD_FIELD) return Part.Payload;
      if (!this.readEnvelope(fields)) {
        if (!fields.isList) return Part.Fault;
        if (fields.field == EnvelopeField.Root && fields.value != Token.ArrayStart) return this.endOfMessage();
        continue;
      }
      if (fields.field == EnvelopeField.Method) return Part.Method;
    }
    const fault = fields.tokens.fault;
    if (!fault) return Part.More;
    this.fault = fault == Fault.Depth ? ReadFault.Depth : ReadFault.Syntax;
    return Part.Fault;
  }

  private endOfMessage(): Part {
    this.hasMessages = true;
    return Part.End;
  }

  /** Whether the input is a batch. */
  get isBatch(): bool {
    return this.fields.isList;
  }

  /** After the last byte of a batch: the reason why it could not be read completely; {@link ReadFault.None} if it was. */
  finishBatch(): ReadFault {
    const tokens = this.fields.tokens;
    if (tokens.fault) return this.fault;
    if (!tokens.complete) return ReadFault.Truncated;
    return this.hasMessages ? ReadFault.None : ReadFault.NotJsonRpc;
  }

  /** Returns the kind of the message. Call it after the last byte; in a batch, at {@link Part.End}. {@link MessageKind.None}
   *  if it is not a message, for the reason in `fault`. */
  finish(): MessageKind {
    const fields = this.fields;
    if (this.fault) return MessageKind.None;
    if (!fields.isList && !fields.tokens.complete) return this.fail(ReadFault.Truncated);
    if (fields.has(EnvelopeField.Version) && this.idKind != IdKind.Invalid) {
      if (fields.has(EnvelopeField.Method)) {
        if (this.methodIsString) {
          return fields.has(EnvelopeField.Id) ? MessageKind.Request : MessageKind.Notification;
        }
      } else if (this.isErrorResponse || (fields.has(EnvelopeField.Result) && fields.has(EnvelopeField.Id))) {
        return MessageKind.Response;
      }
    }
    return this.fail(ReadFault.NotJsonRpc);
  }

  /** Whether the response is an error: `error` exists and is an object. */
  get isErrorResponse(): bool {
    return this.isError && this.fields.has(EnvelopeField.Error);
  }

  /** The offset of the message's opening brace, counted from the first byte fed since {@link reset}. Valid if {@link finish}
   *  returned a message. */
  get start(): u64 {
    return this.fields.tokens.documentStart;
  }

  /** The offset of the byte after the message's closing brace, once that has been read. */
  get end(): u64 {
    return this.fields.tokens.documentEnd;
  }

  /** The size of the message in bytes, from brace to brace. */
  get size(): u64 {
    return this.end - this.start;
  }

  /** The address of the id's text, `idLength` bytes. `idLength` is 0 if the id is neither a string nor a number, or longer
   *  than {@link ID_TEXT_LIMIT}. */
  get idText(): usize {
    return changetype<usize>(this) + offsetof<MessageReader>();
  }

  private readId(at: usize, kept: i32, total: u32): void {
    const kind = this.idKind;
    const isText = kind == IdKind.String || kind == IdKind.Number;
    this.idLength = isText && total <= <u32>ID_TEXT_LIMIT ? total : 0;
    memory.copy(this.idText, at, this.idLength);
    this.idHash = idHash(kind, at, kept, total);
    this.alikeHash = alikeHash(kind, this.idHash, at, kept, total);
  }

  private fail(fault: ReadFault): MessageKind {
    this.fault = fault;
    return MessageKind.None;
  }

  /** Handles a field of the envelope. False if its value is invalid in JSON-RPC. */
  private readEnvelope(fields: FieldReader): bool {
    const tokens = fields.tokens;
    switch (fields.field) {
      case EnvelopeField.Root:
        if (fields.value == Token.ObjectStart) return true;
        this.fail(ReadFault.NotJsonRpc);
        return false;
      case EnvelopeField.Version:
        if (fields.value == Token.String && equalsText(tokens.textAt, tokens.textTotal, "2.0")) return true;
        this.fail(ReadFault.NotJsonRpc);
        return false;
      case EnvelopeField.Id:
        this.idKind = idKind(fields.value);
        this.readId(tokens.textAt, tokens.textLength, tokens.textTotal);
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
