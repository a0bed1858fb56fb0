import { HEX_SIZE, writeHex } from "../memory/hex";

/** Bytes of a `traceparent` of version 00, which {@link TraceContext.write} writes. */
export const TRACEPARENT_SIZE: i32 = 55;

const DASH: u8 = 0x2d;
const TRACE_AT: i32 = 3;
const SPAN_AT: i32 = 36;
const FLAGS_AT: i32 = 53;
const SAMPLED: u8 = 1;

/** A span of some trace, as a `traceparent` names it (W3C Trace Context, section 3.2). All zeros: none. */
@unmanaged
export class TraceContext {
  /** The trace's id, 128 bits: not 0 where there is a context. */
  traceHigh: u64;
  traceLow: u64;
  /** The span's id. */
  spanId: u64;
  /** The trace flags. */
  flags: u8;

  /** Whether there is a context. */
  get isThere(): bool {
    return this.spanId != 0;
  }

  /** Whether the flags say that the caller may have recorded the trace. */
  get isSampled(): bool {
    return (this.flags & SAMPLED) != 0;
  }

  /** None. */
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

  /** Whether both name the same span. */
  isSame(other: TraceContext): bool {
    return this.traceHigh == other.traceHigh && this.traceLow == other.traceLow && this.spanId == other.spanId;
  }

  /** Reads the value of a `traceparent`, `length` bytes. False, and none, where it is not valid. */
  read(at: usize, length: i32): bool {
    this.clear();
    if (length < TRACEPARENT_SIZE || !hasDashes(at)) return false;
    wrong = 0;
    const version = readByte(at);
    // Later versions may have more behind the flags (section 3.2.1).
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

  /** Writes it as a `traceparent`: {@link TRACEPARENT_SIZE} bytes. */
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

/** Bytes of a context as a part of another block. */
export const TRACE_CONTEXT_SIZE: usize = (offsetof<TraceContext>() + 7) & ~7;

/** Not 0 where something else than hexadecimal digits in lower case has been read since it was set to 0. */
let wrong: u64 = 0;

/** A number in each byte. */
const EACH: u64 = 0x0101010101010101;

function hasDashes(at: usize): bool {
  return (
    load<u8>(at + TRACE_AT - 1) == DASH && load<u8>(at + SPAN_AT - 1) == DASH && load<u8>(at + FLAGS_AT - 1) == DASH
  );
}

/** The number of 16 hexadecimal digits. */
function readHex(at: usize): u64 {
  return (readDigits(load<u64>(at)) << 32) | readDigits(load<u64>(at, 8));
}

/** The number of two hexadecimal digits. */
function readByte(at: usize): u8 {
  // As if zeros came behind them.
  return <u8>(readDigits((<u64>load<u16>(at)) | ((EACH * 0x30) << 16)) >> 24);
}

/** The number of 8 hexadecimal digits, all at once; of anything else any number, and {@link wrong} is not 0. */
function readDigits(digits: u64): u64 {
  // Letters have bit 6, and are 9 more than their lower half.
  let values = (digits & (EACH * 15)) + ((digits >> 6) & EACH) * 9;
  // What the values are written as: 0x30 more where they are below 10, else 0x57 more.
  const written = values + EACH * 0x30 + (((values + EACH * 6) >> 4) & EACH) * 0x27;
  wrong |= (written ^ digits) | (values & (EACH * 0xf0));
  values = ((values << 4) | (values >> 8)) & 0x00ff00ff00ff00ff;
  values = (values | (values >> 8)) & 0x0000ffff0000ffff;
  return bswap<u32>(<u32>(values | (values >> 16)));
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
