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
    const version = readHex(at, 2);
    // Later versions may have more behind the flags (section 3.2.1).
    if (!wasHex || version == 0xff) return false;
    if (length > TRACEPARENT_SIZE && (version == 0 || load<u8>(at + TRACEPARENT_SIZE) != DASH)) return false;
    const high = readHex(at + TRACE_AT, HEX_SIZE);
    let isHex = wasHex;
    const low = readHex(at + TRACE_AT + HEX_SIZE, HEX_SIZE);
    isHex = isHex && wasHex;
    const span = readHex(at + SPAN_AT, HEX_SIZE);
    isHex = isHex && wasHex;
    const flags = readHex(at + FLAGS_AT, 2);
    if (!isHex || !wasHex || (high | low) == 0 || span == 0) return false;
    this.traceHigh = high;
    this.traceLow = low;
    this.spanId = span;
    this.flags = <u8>flags;
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

/** Whether the digits that were read last were hexadecimal ones in lower case. */
let wasHex: bool = false;

function hasDashes(at: usize): bool {
  return (
    load<u8>(at + TRACE_AT - 1) == DASH && load<u8>(at + SPAN_AT - 1) == DASH && load<u8>(at + FLAGS_AT - 1) == DASH
  );
}

/** The number of these hexadecimal digits, at most 16; sets {@link wasHex}. */
function readHex(at: usize, digits: i32): u64 {
  let value: u64 = 0;
  wasHex = true;
  for (let i = 0; i < digits; i++) {
    const byte = load<u8>(at + i);
    const isDigit = <u8>(byte - 0x30) < 10;
    if (!isDigit && <u8>(byte - 0x61) >= 6) wasHex = false;
    value = (value << 4) | ((<u64>(isDigit ? byte - 0x30 : byte - 0x57)) & 15);
  }
  return value;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
