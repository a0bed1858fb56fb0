/** What {@link EventReader.next} found. */
export enum EventPart {
  /** The bytes are used up. */
  More,
  /** Bytes of the event's data: `dataAt`, `dataLength`. */
  Data,
  /** The event is over. */
  End,
}

/** Where in a line the reading stands. */
enum Line {
  Start,
  /** In a field's name. */
  Name,
  /** Behind the colon, where one space is left out. */
  BeforeValue,
  DataValue,
  TypeValue,
  IdValue,
  /** A comment, or a field that carries nothing for us. */
  Ignored,
}

/** How many bytes of a field name, an event type or the beginning of data are told from others. */
const WORD_LIMIT: u32 = 8;
/** `data`, `event`, `id`, `message` and `endpoint`, the first byte lowest. */
const DATA: u64 = 0x61746164;
const EVENT: u64 = 0x746e657665;
const ID: u64 = 0x6469;
const MESSAGE: u64 = 0x6567617373656d;
const ENDPOINT: u64 = 0x746e696f70646e65;
/** `[DONE]`, likewise. */
const DONE: u64 = 0x5d454e4f445b;

/** `data: `, and the two halves of `event: message` with its line feed, which have a byte in common. */
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
 * Takes an event stream apart (WHATWG HTML, section 9.2.6 "Interpreting an event stream") as it flows by, in any
 * chunking, with no copy: the data of an event is handed on as it comes, its lines joined by a line feed. Line ends are
 * LF, CRLF or CR. What stands behind the last blank line when the stream ends is no event.
 */
@unmanaged
export class EventReader {
  /** The data found, valid until the next call. */
  dataAt: usize;
  dataLength: usize;
  /** Offset in the stream of the first byte of the current event's first line. The line feed that completes the CRLF of the
   *  blank line before belongs to no event. */
  eventStart: u64;
  /** An event of the stream had an id: what follows it can be had on another stream. */
  hasIds: bool;

  private chunk: usize;
  /** Bytes of the chunks before this one. */
  private passed: u64;
  private at: usize;
  private end: usize;
  private line: Line;
  /** The first bytes of the field name or event type being read, and the length of the whole. */
  private word: u64;
  private wordLength: u32;
  /** What the value of the field that is read is. */
  private value: Line;
  /** The event's type, as in `word`. */
  private type: u64;
  private typeLength: u32;
  /** The first bytes of the event's data, as in `word`, and the length of the whole. */
  private beginning: u64;
  private total: u64;
  /** The event has a data line. */
  private hasData: bool;
  /** The event's end has been told. */
  private told: bool;
  /** The line before ended in CR: a line feed at once belongs to its end. */
  private afterCR: bool;
  /** Bytes of the byte order mark seen at the stream's start; 3 once that is decided. */
  private mark: u32;

  static create(): EventReader {
    const self = changetype<EventReader>(heap.alloc(offsetof<EventReader>()));
    self.reset();
    return self;
  }

  /** Ready for another stream. */
  reset(): void {
    memory.fill(changetype<usize>(this), 0, offsetof<EventReader>());
  }

  /** The next bytes of the stream; those before must be used up. They must stay in place while they are read. */
  feed(at: usize, length: usize): void {
    this.passed += this.at - this.chunk;
    this.chunk = at;
    this.at = at;
    this.end = at + length;
  }

  /** At {@link EventPart.End}: whether the event's type is `message`, the default, which is what carries JSON-RPC. */
  get isMessage(): bool {
    return this.typeLength == 0 || (this.typeLength == 7 && this.type == MESSAGE);
  }

  /** At {@link EventPart.End}: whether the event's type is `endpoint`. */
  get isEndpoint(): bool {
    return this.typeLength == 8 && this.type == ENDPOINT;
  }

  /** At {@link EventPart.End}: whether the data is `[DONE]`, with which streams after OpenAI's pattern end. It is no JSON. */
  get isEndMark(): bool {
    return this.total == 6 && this.beginning == DONE;
  }

  /** At {@link EventPart.Data}: offset in the stream of the first byte of the data. The line feed that joins two data lines
   *  has the offset of the second line's value. */
  get dataStart(): u64 {
    const isJoint = this.dataAt == LINE_FEED;
    return this.offsetOf(isJoint ? this.at : this.dataAt);
  }

  /** At {@link EventPart.End}: offset in the stream of the byte after the event's blank line; of a CRLF after its CR. */
  get eventEnd(): u64 {
    return this.offsetOf(this.at);
  }

  next(): EventPart {
    if (this.told) {
      this.told = false;
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

  /** The first byte of a line. True where the line is blank and so ends an event. */
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
      this.told = isEvent;
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

  /** Passes over the beginning of a line as most servers write it: the whole type `message`, or the name of an event's first
   *  data. False where the line is another one or cut. */
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

  /** Bytes of a field's name. True where the line is one more of the data: `dataAt` is the line feed between. */
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

  /** Keeps what of the current data belongs to the first bytes of the event's. */
  private keepBeginning(): void {
    for (let i: usize = 0; i < this.dataLength && this.total + i < WORD_LIMIT; i++) {
      this.beginning |= (<u64>load<u8>(this.dataAt + i)) << ((this.total + i) * 8);
    }
  }

  /** Takes the line end that stands next. */
  private endLine(): void {
    this.afterCR = load<u8>(this.at) == CR;
    this.at++;
    this.line = Line.Start;
  }
}

/** The first LF or CR in [at, end); `end` where there is none. */
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
