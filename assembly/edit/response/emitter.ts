import { COMMA, isSpace } from "../../json/characters";
import { BYTE_BUFFER_SIZE, ByteBuffer } from "./byte_buffer";
import { ELEMENT_LIMIT } from "./list_element";
import { output } from "./output";

/** What becomes of the bytes of messages as they are read. Bytes around messages, the framing of event streams, are never
 *  dropped. */
export enum Mode {
  /** They go to the client. */
  Pass,
  /** They go to the client, and are kept as the text of an element. */
  Copy,
  /** They are held until it is decided what they are. */
  Hold,
  /** They are left out. */
  Drop,
}

/** What bytes that are held are. */
export enum Held {
  /** They stay, whatever is decided. */
  Rest,
  /** White space, and maybe a comma, between the elements of a list, or the beginning of an element that is a scalar. */
  Between,
  /** They are left out if that is decided, or where they are too many. */
  Candidate,
  /** They are left out if that is decided. */
  Replaceable,
}

const NO_COMMA: i32 = -1;
/** Bytes of framing that are held at most with an element, which spans several lines of an event's data. */
const FRAMING_LIMIT: i32 = 4096;

/**
 * Moves the bytes of a response to {@link output}, and holds those that are not decided. Of what is held, `all` passes if it is
 * decided that the candidate passes, and `rest` if it does not. Of ` , {"name":"x"}` between the elements of a list, `all` has every
 * byte and `rest` the two spaces.
 *
 * It refers to bytes of the current chunk by their addresses: {@link begin} it with each chunk of the text of messages. Part of a
 * {@link ResponseEditor}.
 */
@unmanaged
export class Emitter {
  mode: Mode;
  held: Held;
  /** The bytes of the current callback are not what the client gets. */
  hasChanged: bool;
  /** The first byte of the chunk that has not been moved. */
  private mark: usize;
  private chunk: usize;
  /** Bytes of messages before the chunk, as the tokenizer counts them. */
  private passed: u64;
  /** Where in the held bytes the comma is, and where the candidate begins. */
  private commaAt: i32;
  private candidateAt: i32;
  /** Between elements, something else than white space and a comma has come. */
  private isBetweenOver: bool;
  /** More would be held than may be. */
  private isFull: bool;
  /** The candidate has framing inside: its text is in `text`. */
  private isSplit: bool;

  /** A chunk of the text of messages begins, before which so many bytes of them have been read. */
  begin(chunk: usize, passed: u64): void {
    this.chunk = chunk;
    this.mark = chunk;
    this.passed = passed;
  }

  /** The next byte of the text, at this address, joins two lines of data. It is not among the bytes of the response. */
  beginJoint(at: usize, passed: u64): void {
    this.begin(at, passed);
    this.mark = at + 1;
    if (this.mode == Mode.Copy) {
      this.keep(at, 1);
    } else if (this.mode == Mode.Hold && this.held == Held.Candidate) {
      this.split();
      this.text.append(at, 1);
    }
  }

  /** The address of the byte at this offset; the beginning of the chunk where that lies before it. */
  addressOf(offset: u64): usize {
    return offset < this.passed ? this.chunk : this.chunk + <usize>(offset - this.passed);
  }

  /** Moves the bytes before the one at this address by the current mode. */
  moveTo(address: usize): void {
    const at = this.mark;
    if (address <= at) return;
    const size = address - at;
    this.mark = address;
    switch (this.mode) {
      case Mode.Copy:
        this.keep(at, <i32>size);
      // falls through
      case Mode.Pass:
        output.append(at, size);
        break;
      case Mode.Hold:
        this.hasChanged = true;
        this.hold(at, <i32>size);
        break;
      default:
        this.hasChanged = true;
    }
  }

  /** Leaves out the bytes before the one at this address, whatever the mode is. */
  leaveOut(address: usize): void {
    if (address <= this.mark) return;
    this.hasChanged = true;
    this.mark = address;
  }

  /** Bytes around the text of messages. */
  frame(at: usize, size: usize): void {
    if (size == 0) return;
    if (this.mode != Mode.Hold) return output.append(at, size);
    this.hasChanged = true;
    if (this.held == Held.Candidate) this.split();
    this.all.append(at, <i32>size);
    this.rest.append(at, <i32>size);
  }

  /** Puts bytes in the place that has been reached, of held bytes among those that stay. */
  insert(at: usize, size: i32): void {
    this.hasChanged = true;
    if (this.mode == Mode.Hold) this.rest.append(at, size);
    else output.append(at, size);
  }

  /** Holds what follows. */
  beginHold(held: Held): void {
    this.mode = Mode.Hold;
    this.held = held;
    if (held == Held.Candidate) this.candidateAt = this.all.length;
  }

  /** What follows is copied. */
  beginCopy(): void {
    this.mode = Mode.Copy;
  }

  /** What follows and is held stays. */
  endCandidate(): void {
    this.held = Held.Rest;
  }

  /** Holds, or copies, the next element of a list and what is before it. */
  beginBetween(isEdited: bool): void {
    this.forget();
    if (isEdited) this.beginHold(Held.Between);
    else this.mode = Mode.Pass;
  }

  /** Takes the last bytes that stay for bytes of the candidate, which began before the chunk. */
  reclaim(size: i32): void {
    this.rest.length -= size;
  }

  /** Bytes of a token that began at this offset which have been held before the chunk. */
  heldBefore(offset: u64): i32 {
    return offset < this.passed ? <i32>(this.passed - offset) : 0;
  }

  /** Whether more is held than may be: an element with framing inside, or what is between two. */
  get isOverfull(): bool {
    return this.isFull || this.all.length - this.candidateAt > ELEMENT_LIMIT + FRAMING_LIMIT;
  }

  /** The text of the candidate, or of what was copied. */
  get textAt(): usize {
    return this.isSplit ? this.text.at : this.all.at + this.candidateAt;
  }

  get textLength(): i32 {
    return this.isSplit ? this.text.length : this.all.length - this.candidateAt;
  }

  /** Lets all that is held pass, and what follows. `withComma`: the comma before the candidate, too. */
  release(withComma: bool = true): void {
    const all = this.all;
    const comma = this.commaAt;
    if (this.mode == Mode.Hold) {
      this.hasChanged = true;
      if (comma == NO_COMMA || withComma) {
        output.append(all.at, all.length);
      } else {
        output.append(all.at, comma);
        output.append(all.at + comma + 1, all.length - comma - 1);
      }
    }
    this.forget();
    this.mode = Mode.Pass;
  }

  /** Leaves the candidate out, and lets the rest pass. `mode`: that of what follows. */
  reject(mode: Mode): void {
    this.hasChanged = true;
    output.append(this.rest.at, this.rest.length);
    this.forget();
    this.mode = mode;
  }

  /** Puts bytes in place of the candidate, which the rest follows. */
  replace(at: usize, size: i32): void {
    output.append(at, size);
    this.reject(Mode.Pass);
  }

  /** Too much white space is held between elements: lets it pass, though not the comma. */
  shorten(): void {
    const hasComma = this.commaAt != NO_COMMA;
    const isOver = this.isBetweenOver;
    this.reject(Mode.Hold);
    this.held = Held.Between;
    this.isBetweenOver = isOver;
    if (!hasComma) return;
    this.commaAt = 0;
    this.all.append(COMMA_TEXT, 1);
  }

  /** Drops what is held, and has no memory for more. */
  free(): void {
    this.forget();
    this.all.free();
    this.rest.free();
    this.text.free();
  }

  /** Drops what is held. */
  forget(): void {
    this.all.clear();
    this.rest.clear();
    this.text.clear();
    this.commaAt = NO_COMMA;
    this.candidateAt = 0;
    this.isBetweenOver = false;
    this.isFull = false;
    this.isSplit = false;
  }

  /** The candidate has framing inside. */
  private split(): void {
    if (this.isSplit) return;
    this.isSplit = true;
    this.text.append(this.all.at + this.candidateAt, this.all.length - this.candidateAt);
  }

  private hold(at: usize, size: i32): void {
    switch (this.held) {
      case Held.Between:
        return this.holdBetween(at, size);
      case Held.Candidate:
        return this.keep(at, size);
      case Held.Rest:
        this.rest.append(at, size);
      // falls through
      default:
        this.all.append(at, size);
    }
  }

  /** Keeps bytes of the candidate, as long as there is room. */
  private keep(at: usize, size: i32): void {
    this.isFull = this.isFull || this.textLength + size > ELEMENT_LIMIT;
    if (this.isFull) return;
    this.all.append(at, size);
    if (this.isSplit) this.text.append(at, size);
  }

  private holdBetween(at: usize, size: i32): void {
    let spaces = 0;
    for (let i = 0; i < size && !this.isBetweenOver; i++) {
      const byte = load<u8>(at + i);
      if (isSpace(byte)) {
        spaces++;
        continue;
      }
      this.rest.append(at + i - spaces, spaces);
      spaces = 0;
      if (byte == COMMA && this.commaAt == NO_COMMA) this.commaAt = this.all.length + i;
      else this.isBetweenOver = true;
    }
    if (spaces) this.rest.append(at + size - spaces, spaces);
    this.all.append(at, size);
  }

  /** All bytes that are held, or copied. */
  private get all(): ByteBuffer {
    return changetype<ByteBuffer>(changetype<usize>(this) + BUFFERS_AT);
  }

  /** Those of them that stay. */
  private get rest(): ByteBuffer {
    return changetype<ByteBuffer>(changetype<usize>(this) + BUFFERS_AT + BYTE_BUFFER_SIZE);
  }

  /** The text of a candidate that has framing inside. */
  private get text(): ByteBuffer {
    return changetype<ByteBuffer>(changetype<usize>(this) + BUFFERS_AT + 2 * BYTE_BUFFER_SIZE);
  }
}

const COMMA_TEXT: usize = memory.data<u8>([COMMA]);
const BUFFERS_AT: usize = (offsetof<Emitter>() + 7) & ~7;
/** Bytes of an emitter and its buffers. */
export const EMITTER_SIZE: usize = BUFFERS_AT + 3 * BYTE_BUFFER_SIZE;
