import { TRACEPARENT_SIZE, TraceContext } from "../../../assembly/http/trace_context";

export { allocate } from "./common/allocate";

export const size: i32 = TRACEPARENT_SIZE;

const context: TraceContext = new TraceContext();
const other: TraceContext = new TraceContext();

export function read(at: usize, length: i32): bool {
  return context.read(at, length);
}

/** Copies the context that was read last. */
export function keep(): void {
  other.copy(context);
}

export function isSameAsKept(): bool {
  return context.isSame(other);
}

export function write(at: usize): void {
  context.write(at);
}

export function isThere(): bool {
  return context.isThere;
}

export function isSampled(): bool {
  return context.isSampled;
}

export function traceHigh(): u64 {
  return context.traceHigh;
}

export function traceLow(): u64 {
  return context.traceLow;
}

export function spanId(): u64 {
  return context.spanId;
}

export function flags(): u8 {
  return context.flags;
}
