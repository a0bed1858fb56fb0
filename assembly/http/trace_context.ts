import { HEX_SIZE, writeHex } from "../memory/hex";

/** The size in bytes of a `traceparent` of version 00, which {@link TraceContext.write} writes. */
export const TRACEPARENT_SIZE: i32 = 55;

const DASH: u8 = 0x2d;
const TRACE_AT: i32 = 3;
const SPAN_AT: i32 = 36;
const FLAGS_AT: i32 = 53;
const SAMPLED: u8 = 1;

/** A span of a trace, as named by a `traceparent` (W3C Trace Context, section 3.2). All fields are 0 if there is none. */
@unmanaged
export class TraceContext {
  /** The trace id, 128 bits: not 0 if there is a context. */
  traceHigh: u64;
  traceLow: u64;
  /** The span id: not 0 if there is a context. */
  spanId: u64;
  /** The trace flags; bit 0 is `sampled`. */
  flags: u8;

  /** Whether there is a context. */
  get isThere(): bool {
    return this.spanId != 0;
  }

  /** Whether the `sampled` flag is set: the caller may have recorded the trace. */
  get isSampled(): bool {
    return (this.flags & SAMPLED) != 0;
  }

  clear(): void {
    this.traceHigh = 0;
    this.traceLow = 0;
    this.spanId = 0;
    this.flags = 0;
  }

  copy(other: TraceContext): void {
    this.traceHigh = other.traceHigh;
    this.traceLow = other.traceLow;
    this.spanId = other.spanId;
    this.flags = other.flags;
  }

  /** Whether both contexts name the same span. */
  isSame(other: TraceContext): bool {
    return this.traceHigh == other.traceHigh && this.traceLow == other.traceLow && this.spanId == other.spanId;
  }

  /** Reads the value of a `traceparent`, `length` bytes. Returns false and clears the context if the value is not valid. */
  read(at: usize, length: i32): bool {
    this.clear();
    if (length < TRACEPARENT_SIZE || !hasDashes(at)) return false;
    wrong = 0;
    const version = readByte(at);
    // Later versions may have more fields after the flags (section 3.2.1).
    if (version == 0xff) return false;
    if (length > TRACEPARENT_SIZE && (version == 0 || load<u8>(at + TRACEPARENT_SIZE) != DASH)) return false;
    const high = readHex(at + TRACE_AT);
    const low = readHex(at + TRACE_AT + HEX_SIZE);
    const span = readHex(at + SPAN_AT);
    const flags = readByte(at + FLAGS_AT);
    if (wrong != 0 || (high | low) == 0 || span == 0) return false;
    this.traceHigh = high;
    this.traceLow = low;
    this.spanId = span;
    this.flags = flags;
    return true;
  }

  /** Writes the context as a `traceparent`: {@link TRACEPARENT_SIZE} bytes. */
  write(at: usize): void {
    memory.fill(at, 0x30, 2);
    store<u8>(at + 2, DASH);
    writeHex(at + TRACE_AT, this.traceHigh);
    writeHex(at + TRACE_AT + HEX_SIZE, this.traceLow);
    store<u8>(at + SPAN_AT - 1, DASH);
    writeHex(at + SPAN_AT, this.spanId);
    store<u8>(at + FLAGS_AT - 1, DASH);
    store<u8>(at + FLAGS_AT, hexDigit(this.flags >> 4));
    store<u8>(at + FLAGS_AT + 1, hexDigit(this.flags & 15));
  }
}

/** The size of a context in bytes as part of another block, rounded up to a multiple of 8. */
export const TRACE_CONTEXT_SIZE: usize = (offsetof<TraceContext>() + 7) & ~7;

/** Not 0 if anything but hexadecimal digits in lower case has been read since it was set to 0. */
let wrong: u64 = 0;

/** The number 1 in each byte. Multiplied by a number, it has that number in each byte. */
const EACH: u64 = 0x0101010101010101;

function hasDashes(at: usize): bool {
  return (
    load<u8>(at + TRACE_AT - 1) == DASH && load<u8>(at + SPAN_AT - 1) == DASH && load<u8>(at + FLAGS_AT - 1) == DASH
  );
}

/** The value of the 16 hexadecimal digits at `at`. Sets {@link wrong} if they are not digits. */
function readHex(at: usize): u64 {
  return (readDigits(load<u64>(at)) << 32) | readDigits(load<u64>(at, 8));
}

/** The value of the two hexadecimal digits at `at`. Sets {@link wrong} if they are not digits. */
function readByte(at: usize): u8 {
  // Pads the digits with six zeros.
  return <u8>(readDigits((<u64>load<u16>(at)) | ((EACH * 0x30) << 16)) >> 24);
}

/** The value of 8 hexadecimal digits, computed in parallel. If they are not digits, sets {@link wrong}; the result is then
 *  meaningless. */
function readDigits(digits: u64): u64 {
  // Letters have bit 6, and their value is 9 more than their low four bits.
  let values = (digits & (EACH * 15)) + ((digits >> 6) & EACH) * 9;
  // Encodes the values again: 0x30 is added to values below 10, 0x57 to others.
  const written = values + EACH * 0x30 + (((values + EACH * 6) >> 4) & EACH) * 0x27;
  wrong |= (written ^ digits) | (values & (EACH * 0xf0));
  values = ((values << 4) | (values >> 8)) & 0x00ff00ff00ff00ff;
  values = (values | (values >> 8)) & 0x0000ffff0000ffff;
  return bswap<u32>(<u32>(values | (values >> 16)));
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
