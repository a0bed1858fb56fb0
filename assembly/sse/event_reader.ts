/** What {@link EventReader.next} found. */
export enum EventPart {
  /** All bytes have been read. Call {@link EventReader.feed}. */
  More,
  /** Bytes of the event's data, in `dataAt` and `dataLength`. */
  Data,
  /** The event has ended. */
  End,
}

/** The reader's position in a line. */
enum Line {
  Start,
  /** In the name of a field. */
  Name,
  /** After the colon, where one space is skipped. */
  BeforeValue,
  DataValue,
  TypeValue,
  IdValue,
  /** In a comment or an unused field. */
  Ignored,
}

/** The number of bytes of a field name, an event type or the start of the data that are kept for comparison. */
const WORD_LIMIT: u32 = 8;
/** `data`, `event`, `id`, `message` and `endpoint` as numbers; the first byte is the lowest. */
const DATA: u64 = 0x61746164;
const EVENT: u64 = 0x746e657665;
const ID: u64 = 0x6469;
const MESSAGE: u64 = 0x6567617373656d;
const ENDPOINT: u64 = 0x746e696f70646e65;
/** `[DONE]` as a number; the first byte is the lowest. */
const DONE: u64 = 0x5d454e4f445b;

/** `data: `, and two overlapping parts of `event: message` with its line feed, as numbers. */
const DATA_LINE: u64 = 0x203a61746164;
const DATA_LINE_SIZE: usize = 6;
const DATA_LINE_MASK: u64 = 0xffffffffffff;
const MESSAGE_LINE_BEGIN: u64 = 0x6d203a746e657665;
const MESSAGE_LINE_END: u64 = 0x0a6567617373656d;
const MESSAGE_LINE_SIZE: usize = 15;

const LF: u8 = 0x0a;
const CR: u8 = 0x0d;
const LINE_FEED: usize = memory.data<u8>([LF]);
const BYTE_ORDER_MARK: usize = memory.data<u8>([0xef, 0xbb, 0xbf]);

/**
 * Parses an event stream (WHATWG HTML, section 9.2.6 "Interpreting an event stream") from chunks of any size, without
 * copying. The data of an event is passed on as it arrives, with its lines joined by a line feed. Line ends are LF, CRLF or
 * CR. Lines after the last blank line are not an event.
 */
@unmanaged
export class EventReader {
  /** The latest data, valid until the next call. */
  dataAt: usize;
  dataLength: usize;
  /** The stream offset of the first byte of the current event's first line. The LF that completes the CRLF of the preceding
   *  blank line belongs to no event. */
  eventStart: u64;
  /** Whether an event had an id, so that the client can resume the stream on another connection. */
  hasIds: bool;

  private chunk: usize;
  /** The number of bytes in earlier chunks. */
  private passed: u64;
  private at: usize;
  private end: usize;
  private line: Line;
  /** The first bytes of the current field name or event type (the first one lowest), and its whole length. */
  private word: u64;
  private wordLength: u32;
  /** The state that follows {@link Line.BeforeValue} for the current field. */
  private value: Line;
  /** The first bytes of the event's type (the first one lowest), and its whole length. */
  private type: u64;
  private typeLength: u32;
  /** The first bytes of the event's data (the first one lowest), and its whole length. */
  private beginning: u64;
  private total: u64;
  /** Whether the event has a data line. */
  private hasData: bool;
  /** Whether the end of the event has been returned. */
  private hasReturnedEnd: bool;
  /** Whether the previous line ended with CR; an LF that follows at once belongs to that line end. */
  private afterCR: bool;
  /** The number of bytes of the byte order mark that were read at the start of the stream; 3 once it is complete or absent. */
  private mark: u32;

  static create(): EventReader {
    const self = changetype<EventReader>(heap.alloc(offsetof<EventReader>()));
    self.reset();
    return self;
  }

  /** Prepares for another stream. */
  reset(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<EventReader>());
  }

  /** Supplies the next bytes of the stream, after all earlier bytes have been read. They must stay in place while they are
   *  read. */
  feed(at: usize, length: usize): void {
    this.passed += this.at - this.chunk;
    this.chunk = at;
    this.at = at;
    this.end = at + length;
  }

  /** At {@link EventPart.End}: whether the event's type is `message`, the default type, which carries JSON-RPC. */
  get isMessage(): bool {
    return this.typeLength == 0 || (this.typeLength == 7 && this.type == MESSAGE);
  }

  /** At {@link EventPart.End}: whether the event's type is `endpoint`. */
  get isEndpoint(): bool {
    return this.typeLength == 8 && this.type == ENDPOINT;
  }

  /** At {@link EventPart.End}: whether the data is `[DONE]`, with which streams in OpenAI's style end. It is not JSON. */
  get isEndMark(): bool {
    return this.total == 6 && this.beginning == DONE;
  }

  /** At {@link EventPart.Data}: the stream offset of the first byte of the data. The line feed that joins two data lines has
   *  the offset of the second line's value. */
  get dataStart(): u64 {
    const isJoint = this.dataAt == LINE_FEED;
    return this.offsetOf(isJoint ? this.at : this.dataAt);
  }

  /** At {@link EventPart.End}: the stream offset of the byte after the event's blank line. If that line ends with CRLF, it
   *  is the byte after the CR. */
  get eventEnd(): u64 {
    return this.offsetOf(this.at);
  }

  next(): EventPart {
    if (this.hasReturnedEnd) {
      this.hasReturnedEnd = false;
      this.typeLength = 0;
      this.beginning = 0;
      this.total = 0;
      this.eventStart = this.offsetOf(this.at);
    }
    while (this.at < this.end) {
      switch (this.line) {
        case Line.Start:
          if (this.startLine()) return EventPart.End;
          break;
        case Line.Name:
          if (this.continueName()) return EventPart.Data;
          break;
        case Line.BeforeValue:
          if (load<u8>(this.at) == 0x20) this.at++;
          this.line = this.value;
          break;
        case Line.IdValue:
          if (load<u8>(this.at) != LF && load<u8>(this.at) != CR) this.hasIds = true;
          this.line = Line.Ignored;
          break;
        case Line.DataValue: {
          const stop = endOfLine(this.at, this.end);
          this.dataAt = this.at;
          this.dataLength = stop - this.at;
          this.at = stop;
          if (stop < this.end) this.endLine();
          if (!this.dataLength) break;
          if (this.total < WORD_LIMIT) this.keepBeginning();
          this.total += this.dataLength;
          return EventPart.Data;
        }
        case Line.TypeValue: {
          const stop = endOfLine(this.at, this.end);
          while (this.at < stop) this.appendToWord();
          if (stop < this.end) {
            this.type = this.word;
            this.typeLength = this.wordLength;
            this.endLine();
          }
          break;
        }
        default:
          this.at = endOfLine(this.at, this.end);
          if (this.at < this.end) this.endLine();
      }
    }
    return EventPart.More;
  }

  /** Handles the first byte of a line. True if the line is blank and ends an event. */
  private startLine(): bool {
    const byte = load<u8>(this.at);
    if (this.mark < 3) {
      if (byte == load<u8>(BYTE_ORDER_MARK + this.mark)) {
        this.mark++;
        this.at++;
        return false;
      }
      const partOfMark = this.mark > 0;
      this.mark = 3;
      if (partOfMark) {
        this.line = Line.Ignored;
        return false;
      }
    }
    if (byte == LF || byte == CR) {
      const secondOfPair = this.afterCR && byte == LF;
      const isBetweenEvents = this.eventStart == this.offsetOf(this.at);
      this.endLine();
      if (secondOfPair) {
        if (isBetweenEvents) this.eventStart = this.offsetOf(this.at);
        return false;
      }
      const isEvent = this.hasData;
      this.hasReturnedEnd = isEvent;
      this.hasData = false;
      if (!isEvent) {
        this.typeLength = 0;
        this.eventStart = this.offsetOf(this.at);
      }
      return isEvent;
    }
    if (this.skipUsual()) return false;
    this.word = 0;
    this.wordLength = 0;
    this.line = byte == 0x3a ? Line.Ignored : Line.Name;
    return false;
  }

  /** Fast path for the start of a line as most servers write it: the whole line `event: message`, or `data: ` of an event's
   *  first data line. False if the line differs or is split between chunks. */
  private skipUsual(): bool {
    const at = this.at;
    if (at + MESSAGE_LINE_SIZE > this.end) return false;
    const begin = load<u64>(at);
    if ((begin & DATA_LINE_MASK) == DATA_LINE && !this.hasData) {
      this.hasData = true;
      this.line = Line.DataValue;
      this.at = at + DATA_LINE_SIZE;
      return true;
    }
    if (begin != MESSAGE_LINE_BEGIN || load<u64>(at + MESSAGE_LINE_SIZE - sizeof<u64>()) != MESSAGE_LINE_END)
      return false;
    this.type = MESSAGE;
    this.typeLength = 7;
    this.afterCR = false;
    this.at = at + MESSAGE_LINE_SIZE;
    return true;
  }

  /** Reads a field's name. True if it starts a further data line; then `dataAt` is the line feed that joins the two lines. */
  private continueName(): bool {
    while (this.at < this.end) {
      const byte = load<u8>(this.at);
      const over = byte == LF || byte == CR;
      if (!over && byte != 0x3a) {
        this.appendToWord();
        continue;
      }
      const isData = this.wordLength == 4 && this.word == DATA;
      const isType = this.wordLength == 5 && this.word == EVENT;
      const isId = this.wordLength == 2 && this.word == ID;
      if (over) {
        if (isType) this.typeLength = 0;
        this.endLine();
      } else {
        this.at++;
        this.line = isData || isType || isId ? Line.BeforeValue : Line.Ignored;
        this.value = isData ? Line.DataValue : isType ? Line.TypeValue : Line.IdValue;
      }
      this.word = 0;
      this.wordLength = 0;
      if (!isData) return false;
      const joins = this.hasData;
      this.hasData = true;
      this.dataAt = LINE_FEED;
      this.dataLength = 1;
      if (joins) this.total++;
      return joins;
    }
    return false;
  }

  @inline
  private offsetOf(at: usize): u64 {
    return this.passed + (at - this.chunk);
  }

  private appendToWord(): void {
    if (this.wordLength < WORD_LIMIT) this.word |= (<u64>load<u8>(this.at)) << (this.wordLength * 8);
    this.wordLength++;
    this.at++;
  }

  /** Copies the part of the current data that belongs to the event's first bytes. */
  private keepBeginning(): void {
    for (let i: usize = 0; i < this.dataLength && this.total + i < WORD_LIMIT; i++) {
      this.beginning |= (<u64>load<u8>(this.dataAt + i)) << ((this.total + i) * 8);
    }
  }

  /** Consumes the line end at the current position. */
  private endLine(): void {
    this.afterCR = load<u8>(this.at) == CR;
    this.at++;
    this.line = Line.Start;
  }
}

/** The address of the first LF or CR in [at, end); `end` if there is none. */
function endOfLine(at: usize, end: usize): usize {
  while (at + 64 <= end) {
    const first = v128.or(lineEnds(v128.load(at)), lineEnds(v128.load(at, 16)));
    const second = v128.or(lineEnds(v128.load(at, 32)), lineEnds(v128.load(at, 48)));
    if (v128.any_true(v128.or(first, second))) break;
    at += 64;
  }
  while (at + 16 <= end) {
    const found = i8x16.bitmask(lineEnds(v128.load(at)));
    if (found) return at + ctz(found);
    at += 16;
  }
  while (at < end) {
    const byte = load<u8>(at);
    if (byte == LF || byte == CR) break;
    at++;
  }
  return at;
}

/** A mask of the bytes that are LF or CR. */
@inline
function lineEnds(bytes: v128): v128 {
  return v128.or(i8x16.eq(bytes, i8x16.splat(LF)), i8x16.eq(bytes, i8x16.splat(CR)));
}
