import { LONGEST_PIECE, Pieces } from "./pieces";
import { WINDOW, WINDOW_READ, takeWindow, windowCost } from "./window";

/** Bytes that must be readable behind where a piece begins, unless the text ends: then its end is known. */
const LOOKAHEAD: usize = LONGEST_PIECE + 16;
/** Bytes of a text whose pieces are not taken yet: enough for many short chunks, as texts with escapes come in. */
const BUFFER_SIZE: usize = 512;

const APOSTROPHE: u8 = 0x27;

/** Estimates how many tokens a text has, from bytes that may be cut anywhere. Reads long runs of them where they are; what
 *  is left of each waits in a buffer for the bytes behind it. */
@unmanaged
export class Estimator {
  /** Bytes in the buffer. */
  private kept: usize;

  static create(): Estimator {
    const self = changetype<Estimator>(heap.alloc(ESTIMATOR_SIZE));
    self.reset();
    return self;
  }

  /** Ready for another text. */
  reset(): void {
    this.kept = 0;
    this.pieces.reset();
  }

  /** The next bytes of the text. */
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
      const next = this.take(buffer, end, buffer + kept);
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
    this.keep(this.take(at, end, end), end);
  }

  /** What the text costs, in 1/1024 of a token: it is over. Ready for another one. */
  finish(): u64 {
    const pieces = this.pieces;
    let at = this.buffer;
    const end = at + this.kept;
    memory.fill(end, 0, WINDOW_READ);
    while (at < end) at = this.takeNext(at, end);
    const cost = pieces.cost;
    this.reset();
    return cost;
  }

  /** Takes the pieces that begin before `to` and are followed by enough bytes. Returns where the next one begins. */
  private take(at: usize, end: usize, to: usize): usize {
    while (at < to && end - at >= LOOKAHEAD) at = this.takeNext(at, end);
    return at;
  }

  /** Takes a window of pieces, or one. Returns where the next one begins. */
  @inline
  private takeNext(at: usize, end: usize): usize {
    const pieces = this.pieces;
    if (!i8x16.bitmask(v128.load(at)) && !(pieces.isBehindWord && load<u8>(at) == APOSTROPHE)) {
      const taken = takeWindow(at, <u32>min<usize>(end - at, WINDOW));
      if (taken) {
        pieces.cost += windowCost;
        pieces.isBehindWord = false;
        return at + taken;
      }
    }
    return pieces.take(at, end);
  }

  /** Keeps bytes until more come. */
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

/** Copies bytes, of which there are few: `memory.copy` costs more. Where the ranges overlap, `to` is the lower one. */
function copy(to: usize, from: usize, length: usize): void {
  let i: usize = 0;
  for (; i + 8 <= length; i += 8) store<u64>(to + i, load<u64>(from + i));
  for (; i < length; i++) store<u8>(to + i, load<u8>(from + i));
}

/** Bytes of an {@link Estimator}, of its parts behind it, and of what a window may read beyond its buffer. */
@inline
export const ESTIMATOR_SIZE: usize = offsetof<Estimator>() + offsetof<Pieces>() + BUFFER_SIZE + WINDOW_READ;
