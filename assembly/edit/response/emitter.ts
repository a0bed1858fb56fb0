import { COMMA, isSpace } from "../../json/characters";
import { BYTE_BUFFER_SIZE, ByteBuffer } from "./byte_buffer";
import { ELEMENT_LIMIT } from "./list_element";
import { output } from "./output";

/**
 * What happens to the bytes of messages as they are read. Bytes around messages, the framing of event streams, are
 * never dropped.
 */
export enum Mode {
  /** The bytes go to the client. */
  Pass,
  /** The bytes go to the client, and are kept as the text of an element. */
  Copy,
  /** The bytes are held until it is decided whether they pass. */
  Hold,
  /** The bytes are dropped. */
  Drop,
}

/** The kind of held bytes. */
export enum Held {
  /** The bytes pass in any case. */
  Rest,
  /** White space and possibly a comma between the elements of a list, or the beginning of an element that is a
   *  scalar. */
  Between,
  /** The bytes are dropped if the decision says so, or if there are too many to hold. */
  Candidate,
  /** The bytes are dropped if the decision says so. */
  Replaceable,
}

const NO_COMMA: i32 = -1;
/** Maximum number of framing bytes held with an element that spans several data lines of an event. */
const FRAMING_LIMIT: i32 = 4096;

/**
 * Moves the bytes of a response to {@link output}, and holds those that are not decided yet. Of the held bytes, `all`
 * passes if the candidate passes, and `rest` if it does not. For ` , {"name":"x"}` between the elements of a list,
 * `all` has every byte and `rest` the two spaces.
 *
 * It refers to bytes of the current chunk by their addresses: call {@link begin} with each chunk of the text of
 * messages. Part of a {@link ResponseEditor}.
 */
@unmanaged
export class Emitter {
  mode: Mode;
  held: Held;
  /** The client gets different bytes than those of the current callback. */
  hasChanged: bool;
  /** Address of the first byte of the chunk that has not been moved. */
  private mark: usize;
  private chunk: usize;
  /** Number of bytes of message text before the chunk, as the tokenizer counts them. */
  private passed: u64;
  /** Offsets in the held bytes of the comma and of the candidate; {@link NO_COMMA} for none. */
  private commaAt: i32;
  private candidateAt: i32;
  /** Something other than white space and a comma was read between elements. */
  private isBetweenOver: bool;
  /** More bytes would be held than the limit allows. */
  private isFull: bool;
  /** The candidate contains framing, and its text is in `text`. */
  private isSplit: bool;

  /** Begins a chunk of the text of messages. `passed` bytes of the text came before it. */
  begin(chunk: usize, passed: u64): void {
    this.chunk = chunk;
    this.mark = chunk;
    this.passed = passed;
  }

  /** Handles the next byte of the text, at this address, which joins two data lines. It is not one of the bytes of
   *  the response. */
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

  /** The address of the byte at this offset; the beginning of the chunk if the byte comes before it. */
  addressOf(offset: u64): usize {
    return offset < this.passed ? this.chunk : this.chunk + <usize>(offset - this.passed);
  }

  /** Moves the bytes before this address according to the current mode. */
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

  /** Drops the bytes before this address in any mode. */
  leaveOut(address: usize): void {
    if (address <= this.mark) return;
    this.hasChanged = true;
    this.mark = address;
  }

  /** Handles bytes around the text of messages. */
  frame(at: usize, size: usize): void {
    if (size == 0) return;
    if (this.mode != Mode.Hold) return output.append(at, size);
    this.hasChanged = true;
    if (this.held == Held.Candidate) this.split();
    this.all.append(at, <i32>size);
    this.rest.append(at, <i32>size);
  }

  /** Inserts bytes at the current position; while holding, among the bytes that pass in any case. */
  insert(at: usize, size: i32): void {
    this.hasChanged = true;
    if (this.mode == Mode.Hold) this.rest.append(at, size);
    else output.append(at, size);
  }

  /** Holds the following bytes. */
  beginHold(held: Held): void {
    this.mode = Mode.Hold;
    this.held = held;
    if (held == Held.Candidate) this.candidateAt = this.all.length;
  }

  /** Copies the following bytes. */
  beginCopy(): void {
    this.mode = Mode.Copy;
  }

  /** Ends the candidate. Following held bytes pass in any case. */
  endCandidate(): void {
    this.held = Held.Rest;
  }

  /** Begins to hold or pass what precedes the next element of a list. */
  beginBetween(isEdited: bool): void {
    this.forget();
    if (isEdited) this.beginHold(Held.Between);
    else this.mode = Mode.Pass;
  }

  /** Removes the last `size` bytes from those that pass in any case. They belong to the candidate, which began
   *  before the chunk. */
  reclaim(size: i32): void {
    this.rest.length -= size;
  }

  /** Number of bytes, held before the chunk, of a token that began at this offset. */
  heldBefore(offset: u64): i32 {
    return offset < this.passed ? <i32>(this.passed - offset) : 0;
  }

  /** Whether too many bytes are held: in an element with framing, or between two elements. */
  get isOverfull(): bool {
    return this.isFull || this.all.length - this.candidateAt > ELEMENT_LIMIT + FRAMING_LIMIT;
  }

  /** The text of the candidate, or the copied text. */
  get textAt(): usize {
    return this.isSplit ? this.text.at : this.all.at + this.candidateAt;
  }

  get textLength(): i32 {
    return this.isSplit ? this.text.length : this.all.length - this.candidateAt;
  }

  /** Passes all held bytes and the following ones. `withComma`: also the comma before the candidate. */
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

  /** Drops the candidate and passes the rest. `mode` applies to the following bytes. */
  reject(mode: Mode): void {
    this.hasChanged = true;
    output.append(this.rest.at, this.rest.length);
    this.forget();
    this.mode = mode;
  }

  /** Replaces the candidate by other bytes, then passes the rest. */
  replace(at: usize, size: i32): void {
    output.append(at, size);
    this.reject(Mode.Pass);
  }

  /** Passes the white space held between elements, of which there is too much, but not the comma. */
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

  /** Drops the held bytes, and frees the memory. */
  free(): void {
    this.forget();
    this.all.free();
    this.rest.free();
    this.text.free();
  }

  /** Drops the held bytes. */
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

  /** Switches to separate text, because the candidate contains framing. */
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

  /** Keeps bytes of the candidate while there is room. */
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

  /** All held or copied bytes. */
  private get all(): ByteBuffer {
    return changetype<ByteBuffer>(changetype<usize>(this) + BUFFERS_AT);
  }

  /** The held bytes that pass in any case. */
  private get rest(): ByteBuffer {
    return changetype<ByteBuffer>(changetype<usize>(this) + BUFFERS_AT + BYTE_BUFFER_SIZE);
  }

  /** The text of a candidate that contains framing. */
  private get text(): ByteBuffer {
    return changetype<ByteBuffer>(changetype<usize>(this) + BUFFERS_AT + 2 * BYTE_BUFFER_SIZE);
  }
}

const COMMA_TEXT: usize = memory.data<u8>([COMMA]);
const BUFFERS_AT: usize = (offsetof<Emitter>() + 7) & ~7;
/** Size in bytes of an emitter with its buffers. */
export const EMITTER_SIZE: usize = BUFFERS_AT + 3 * BYTE_BUFFER_SIZE;
