import { MAX_PIECE_BYTES, Pieces } from "./pieces";
import { WINDOW, WINDOW_READ, countWindow, windowCost } from "./window";

/** The number of bytes that must be available from the start of a piece, unless the text ends there. */
const LOOKAHEAD: usize = MAX_PIECE_BYTES + 16;
/** The number of bytes that can wait in the buffer: enough for the many short chunks of texts with escape sequences. */
const BUFFER_SIZE: usize = 512;

const APOSTROPHE: u8 = 0x27;

/** Estimates the number of tokens of a text, from chunks that may be cut anywhere. Reads long chunks in place. The rest of
 *  each chunk waits in a buffer for the bytes that follow. */
@unmanaged
export class Estimator {
  /** Bytes in the buffer. */
  private kept: usize;

  static create(): Estimator {
    const self = changetype<Estimator>(heap.alloc(ESTIMATOR_SIZE));
    self.reset();
    return self;
  }

  /** Prepares for another text. */
  reset(): void {
    this.kept = 0;
    this.pieces.reset();
  }

  /** Reads the next bytes of the text. */
  feed(at: usize, length: usize): void {
    const buffer = this.buffer;
    while (this.kept) {
      const kept = this.kept;
      const added = min(length, BUFFER_SIZE - kept);
      copy(buffer + kept, at, added);
      const end = buffer + kept + added;
      if (end < buffer + BUFFER_SIZE) {
        this.kept = kept + added;
        return;
      }
      const next = this.countPieces(buffer, end, buffer + kept);
      if (next >= buffer + kept) {
        // The next piece begins in the new bytes.
        this.kept = 0;
        at += next - buffer - kept;
        length -= next - buffer - kept;
      } else {
        this.keep(next, end);
        at += added;
        length -= added;
      }
    }
    if (length < BUFFER_SIZE) return this.keep(at, at + length);
    const end = at + length;
    this.keep(this.countPieces(at, end, end), end);
  }

  /** Ends the text. Returns its cost in 1/1024 of a token, and prepares for another text. */
  finish(): u64 {
    const pieces = this.pieces;
    let at = this.buffer;
    const end = at + this.kept;
    memory.fill(end, 0, WINDOW_READ);
    while (at < end) at = this.countNext(at, end);
    const cost = pieces.cost;
    this.reset();
    return cost;
  }

  /** Counts the pieces that begin before `to` and are followed by enough bytes. Returns the address of the next piece. */
  private countPieces(at: usize, end: usize, to: usize): usize {
    while (at < to && end - at >= LOOKAHEAD) at = this.countNext(at, end);
    return at;
  }

  /** Counts the pieces of one window, or a single piece. Returns the address of the next piece. */
  @inline
  private countNext(at: usize, end: usize): usize {
    const pieces = this.pieces;
    if (!i8x16.bitmask(v128.load(at)) && !(pieces.isBehindWord && load<u8>(at) == APOSTROPHE)) {
      const counted = countWindow(at, <u32>min<usize>(end - at, WINDOW));
      if (counted) {
        pieces.cost += windowCost;
        pieces.isBehindWord = false;
        return at + counted;
      }
    }
    return pieces.count(at, end);
  }

  /** Copies bytes to the buffer, where they wait for more. */
  private keep(at: usize, end: usize): void {
    this.kept = end - at;
    copy(this.buffer, at, end - at);
  }

  @inline
  private get pieces(): Pieces {
    return changetype<Pieces>(changetype<usize>(this) + offsetof<Estimator>());
  }

  @inline
  private get buffer(): usize {
    return changetype<usize>(this) + offsetof<Estimator>() + offsetof<Pieces>();
  }
}

/** Copies a small number of bytes, faster than `memory.copy`. If the ranges overlap, `to` must be the lower address. */
function copy(to: usize, from: usize, length: usize): void {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) store<u64>(to + i, load<u64>(from + i));
  for (; i < length; i++) store<u8>(to + i, load<u8>(from + i));
}

/** The size in bytes of an {@link Estimator}, its parts and the bytes that a window may read beyond the buffer. */
@inline
export const ESTIMATOR_SIZE: usize = offsetof<Estimator>() + offsetof<Pieces>() + BUFFER_SIZE + WINDOW_READ;
