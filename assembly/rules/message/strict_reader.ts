import { Fault, Token } from "../../json/token";
import { TEXT_LIMIT } from "../../json/string_decoder";
import { Tokenizer } from "../../json/tokenizer";
import { Utf8Validator } from "../../json/utf8";
import { BATCH_LIMIT } from "../../mcp/protocol/limits";
import { equalsText } from "../../memory/bytes";
import { StreamHash } from "../../memory/stream_hash";
import { Key, SLOT_LIMIT } from "./keys";
import { RequestFault } from "./request_fault";
import { MemberSlot } from "./deciding_keys";

/** Maximum size in bytes of the kept deciding strings of a message. */
const TEXTS_LIMIT: u32 = 4096;

/** Maximum length in bytes of the string of a member that is only observed. */
const OBSERVED_LIMIT: u32 = 64;

/** Maximum number of kept strings of a list. */
const ITEM_LIMIT: i32 = 64;

/** The result of {@link StrictReader.next}. */
export enum Reading {
  /** All bytes have been read. */
  More,
  /** The end of a message. */
  Message,
  /** Something that must be rejected: see `fault`. */
  Fault,
}

/** The kind of a message (JSON-RPC 2.0, sections 4 and 5). */
export enum MessageForm {
  Request,
  Notification,
  Response,
}

/** The value of a deciding member. */
@unmanaged
class Value {
  /** The value's type, or its first token; More if the member is missing. */
  token: Token;
  /** Number of kept bytes, and their offset among the texts. */
  length: u32;
  at: u32;
  /** Length in bytes of the whole text. */
  total: u32;

  /** Resets to the value of a missing member. */
  clear(): void {
    v128.store(changetype<usize>(this), i64x2.splat(0));
  }
}

const VALUE_SIZE: usize = offsetof<Value>();

/**
 * Reads the deciding members of JSON-RPC messages, and rejects everything that two parsers could read differently.
 * Bytes may arrive in chunks of any size. Parsers may differ (RFC 8259 sections 4, 8 and 9) in duplicate members, names
 * that differ by case (equal in Go), bytes around the document, invalid UTF-8, and numbers as ids. Pooled.
 */
@unmanaged
export class StrictReader {
  fault: RequestFault;
  /** Address of the {@link Key} of the deciding member at fault; 0 if no single member is. */
  faultyKey: usize;
  /** The kind of the current message. */
  form: MessageForm;
  isBatch: bool;
  /** Number of messages so far. */
  count: i32;
  /** Offsets in the body: of the current message's first byte, of the byte after the message, and of the start and
   *  end of its method without the quotes. For a message without a method, the last two are those of an earlier one. */
  messageStart: usize;
  messageEnd: usize;
  methodStart: usize;
  methodEnd: usize;
  private tokens: Tokenizer;
  private utf8: Utf8Validator;
  /** Addresses of the {@link Key} of messages, of the open object (0 outside of messages), and of the next value. */
  private root: usize;
  private open: usize;
  private named: usize;
  /** Number of kept strings of the message's list: see {@link Key.isList}. */
  itemCount: i32;
  /** The list has more elements than those kept, or elements that are not strings. */
  hasOddItems: bool;
  private isInList: bool;
  /** One bit for each slot whose member has been read: the first 64 slots, and those after them. */
  private seen: u64;
  private seenBehind: u64;
  private textsUsed: u32;
  private hashesArguments: bool;
  /** Computes {@link argumentsHash}; null until first needed. */
  private argumentsRead: StreamHash | null;
  private nextFree: usize;

  /** Acquires a reader of messages with these deciding members, which must live as long as the reader.
   *  `hashesArguments`: {@link argumentsHash} is needed, and no member inside the arguments is deciding. */
  static acquire(root: Key, hashesArguments: bool = false): StrictReader {
    let self = changetype<StrictReader>(free);
    if (free) {
      free = self.nextFree;
      self.tokens.reset();
    } else {
      self = changetype<StrictReader>(heap.alloc(SIZE));
      self.tokens = Tokenizer.create();
      self.utf8 = changetype<Utf8Validator>(heap.alloc(offsetof<Utf8Validator>()));
      self.argumentsRead = null;
      self.seen = 0;
      self.seenBehind = 0;
      memory.fill(self.values, 0, VALUES_SIZE);
    }
    self.hashesArguments = hashesArguments;
    if (hashesArguments && !self.argumentsRead) {
      self.argumentsRead = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
    }
    self.utf8.reset();
    self.root = changetype<usize>(root);
    self.fault = RequestFault.None;
    self.faultyKey = 0;
    self.isBatch = false;
    self.count = 0;
    self.open = 0;
    self.isInList = false;
    return self;
  }

  /** Returns the reader to the pool. It must not be used afterwards. */
  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Sets the next bytes, which must stay in place while they are read. All earlier ones must have been read. */
  feed(at: usize, length: usize): void {
    if (!this.utf8.feed(at, length)) this.fault = RequestFault.NotUtf8;
    this.tokens.feed(at, length);
  }

  /** Reads to the end of the next message. */
  next(): Reading {
    while (!this.fault) {
      const token = this.tokens.next();
      switch (token) {
        case Token.More:
          return Reading.More;
        case Token.Error:
          this.fault = this.tokens.fault == Fault.Depth ? RequestFault.TooDeep : RequestFault.NotJson;
          break;
        case Token.Key:
          this.readKey();
          break;
        case Token.ObjectEnd:
          this.open = changetype<Key>(this.open).parent;
          if (this.open == 0 && this.finishMessage()) return Reading.Message;
          break;
        case Token.Part:
        case Token.LastPart:
          this.argumentsRead!.feed(this.tokens.textAt, this.tokens.textLength);
          break;
        case Token.ArrayEnd:
          // The end of a list of strings, or of a batch: the reader skips any other array.
          this.isInList = false;
          break;
        default:
          if (this.isInList) this.readItem(token);
          else if (this.open) this.readValue(token);
          else this.readOutside(token);
      }
    }
    return Reading.Fault;
  }

  /** Ends the body. Returns false if it must be rejected. */
  finish(): bool {
    if (this.fault) return false;
    if (!this.utf8.isComplete) this.fault = RequestFault.NotUtf8;
    else if (!this.tokens.complete) this.fault = RequestFault.NotJson;
    else if (this.count == 0) this.fault = RequestFault.BadBatch;
    return !this.fault;
  }

  /** The type of the member's value, or its first token; More if the member is missing. */
  token(slot: i32): Token {
    return this.value(slot).token;
  }

  has(slot: i32): bool {
    return this.value(slot).token != Token.More;
  }

  /** Address of the text of a string, or of a number as written. */
  textAt(slot: i32): usize {
    return this.texts + this.value(slot).at;
  }

  textLength(slot: i32): i32 {
    return this.value(slot).length;
  }

  /** Whether the text is longer than its kept part. */
  isCut(slot: i32): bool {
    return this.textTotal(slot) > <u32>this.textLength(slot);
  }

  /** Length in bytes of the whole text. */
  textTotal(slot: i32): u32 {
    return this.value(slot).total;
  }

  /** Address of a string of the list, as far as it is kept. */
  itemAt(index: i32): usize {
    return this.texts + this.item(index).at;
  }

  itemLength(index: i32): i32 {
    return this.item(index).length;
  }

  /** Whether the string of the list is longer than its kept part. */
  isItemCut(index: i32): bool {
    return this.item(index).total > this.item(index).length;
  }

  /** Whether the value is a string equal to this ASCII text. */
  isText(slot: i32, text: string): bool {
    return this.token(slot) == Token.String && equalsText(this.textAt(slot), this.textLength(slot), text);
  }

  /** Keyed hash of the bytes of the arguments as written. All messages without arguments have the same hash. */
  get argumentsHash(): u64 {
    return this.argumentsRead!.value;
  }

  private readKey(): void {
    const tokens = this.tokens;
    this.named = 0;
    // A longer name is no deciding one, even with escapes.
    if (tokens.textTotal > TEXT_LIMIT) return tokens.skipValue();
    const key = changetype<Key>(this.open).find(tokens.textAt, tokens.textLength);
    if (!key) {
      // Some parsers end the name at a NUL or drop half of a surrogate pair, and then read another name.
      const isOdd = tokens.textLossy || (tokens.textEscaped && hasNul(tokens.textAt, tokens.textLength));
      if (isOdd) this.fault = RequestFault.BadText;
      return tokens.skipValue();
    }
    const isSeen = this.see(key.slot);
    if (key.isObserved) {
      if (isSeen || !key.name.equals(tokens.textAt, tokens.textLength)) tokens.skipValue();
      else this.named = changetype<usize>(key);
      return;
    }
    if (!key.name.equals(tokens.textAt, tokens.textLength)) this.fault = RequestFault.CaseVariant;
    else if (tokens.textEscaped) this.fault = RequestFault.EscapedKey;
    else if (isSeen) this.fault = RequestFault.DuplicateKey;
    if (this.fault) this.faultyKey = changetype<usize>(key);
    this.named = changetype<usize>(key);
    if (this.hashesArguments && key.slot == MemberSlot.Arguments) tokens.captureValue();
  }

  /** Records that the member of a slot was read. Returns whether it was read before. */
  private see(slot: i32): bool {
    const bit = (<u64>1) << (slot & 63);
    const isFirst = slot < 64;
    const isSeen = ((isFirst ? this.seen : this.seenBehind) & bit) != 0;
    if (isFirst) this.seen |= bit;
    else this.seenBehind |= bit;
    return isSeen;
  }

  private readValue(token: Token): void {
    const key = changetype<Key>(this.named);
    const value = this.value(key.slot);
    value.token = token;
    if (token == Token.ObjectStart && key.inside.length) this.open = this.named;
    else if (token == Token.ArrayStart && key.isList) this.isInList = true;
    else if (token == Token.ObjectStart || token == Token.ArrayStart) this.tokens.skipContainer();
    else if (token == Token.String || token == Token.Number) this.keepText(value);
  }

  /** Reads an element of a list of strings. */
  private readItem(token: Token): void {
    const isContainer = token == Token.ObjectStart || token == Token.ArrayStart;
    if (isContainer) this.tokens.skipContainer();
    if (token != Token.String || this.itemCount == ITEM_LIMIT) {
      this.hasOddItems = true;
      return;
    }
    const item = this.item(this.itemCount++);
    item.token = token;
    this.keepText(item);
  }

  private keepText(value: Value): void {
    const tokens = this.tokens;
    const isObserved = changetype<Key>(this.named).isObserved;
    if (isObserved && tokens.textTotal > OBSERVED_LIMIT) return;
    if (changetype<Key>(this.named).slot == MemberSlot.Method) {
      this.methodStart = <usize>tokens.tokenStart + 1;
      this.methodEnd = <usize>tokens.tokenEnd - 1;
    }
    const length = min(<u32>tokens.textLength, TEXTS_LIMIT - this.textsUsed);
    value.at = this.textsUsed;
    value.length = length;
    value.total = tokens.textTotal;
    memory.copy(this.texts + value.at, tokens.textAt, length);
    this.textsUsed += length;
    // The flag and the NUL check apply only to strings.
    if (value.token == Token.String && !isObserved && (tokens.textLossy || hasNul(tokens.textAt, tokens.textLength))) {
      this.fault = RequestFault.BadText;
      this.faultyKey = this.named;
    }
  }

  /** Reads a value at the root, or in the batch there. */
  private readOutside(token: Token): void {
    if (token == Token.ArrayStart && !this.isBatch) {
      this.isBatch = true;
    } else if (token != Token.ObjectStart) {
      this.fault = this.isBatch ? RequestFault.BadBatch : RequestFault.NoMessage;
    } else if (++this.count > BATCH_LIMIT) {
      this.fault = RequestFault.BadBatch;
    } else {
      this.open = this.root;
      this.messageStart = <usize>this.tokens.tokenStart;
      this.clearValues();
      this.itemCount = 0;
      this.hasOddItems = false;
      this.isInList = false;
      if (this.hashesArguments) this.argumentsRead!.reset();
      this.textsUsed = 0;
    }
  }

  /** Clears the values of the previous message. Only the slots that were read need it. */
  private clearValues(): void {
    for (let bits = this.seen; bits; bits &= bits - 1) this.value(<i32>ctz(bits)).clear();
    for (let bits = this.seenBehind; bits; bits &= bits - 1) this.value(64 + <i32>ctz(bits)).clear();
    this.seen = 0;
    this.seenBehind = 0;
  }

  /** Checks a complete message. Returns false if it is not a valid one. */
  private finishMessage(): bool {
    this.messageEnd = <usize>this.tokens.tokenEnd;
    this.fault = this.judge();
    return !this.fault;
  }

  private judge(): RequestFault {
    const id = this.token(MemberSlot.Id);
    const hasId = id != Token.More;
    if (hasId && (this.isCut(MemberSlot.Id) || (id != Token.String && !this.isInteger(MemberSlot.Id))))
      return RequestFault.BadId;
    const answers = (this.has(MemberSlot.Result) ? 1 : 0) + (this.has(MemberSlot.Error) ? 1 : 0);
    if (this.token(MemberSlot.Method) == Token.String) {
      if (answers) return RequestFault.NoMessage;
      if (this.isCut(MemberSlot.Method)) return RequestFault.BadText;
      this.form = hasId ? MessageForm.Request : MessageForm.Notification;
      return RequestFault.None;
    }
    if (this.has(MemberSlot.Method) || answers == 0 || !hasId) return RequestFault.NoMessage;
    this.form = MessageForm.Response;
    return RequestFault.None;
  }

  /** Whether a value is a number without fraction and exponent. */
  isInteger(slot: i32): bool {
    if (this.token(slot) != Token.Number) return false;
    const at = this.textAt(slot);
    for (let i = 0; i < this.textLength(slot); i++) {
      const byte = load<u8>(at + i);
      if (byte != 0x2d && <u8>(byte - 0x30) > 9) return false;
    }
    return true;
  }

  private value(slot: i32): Value {
    return changetype<Value>(this.values + <usize>slot * VALUE_SIZE);
  }

  private item(index: i32): Value {
    return changetype<Value>(this.values + VALUES_SIZE + <usize>index * VALUE_SIZE);
  }

  private get values(): usize {
    return changetype<usize>(this) + offsetof<StrictReader>();
  }

  private get texts(): usize {
    return this.values + VALUES_SIZE + ITEMS_SIZE;
  }
}

function hasNul(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(at + i) == 0) return true;
  }
  return false;
}

const VALUES_SIZE: usize = <usize>SLOT_LIMIT * VALUE_SIZE;
const ITEMS_SIZE: usize = <usize>ITEM_LIMIT * VALUE_SIZE;
const SIZE: usize = offsetof<StrictReader>() + VALUES_SIZE + ITEMS_SIZE + TEXTS_LIMIT;
let free: usize = 0;
