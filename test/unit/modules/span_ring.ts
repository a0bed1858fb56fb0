import { SpanRing } from "../../../assembly/trace/export/span_ring";

export { allocate } from "./common/allocate";

const ring = new SpanRing();
const taken: usize = heap.alloc(1 << 18);

export function clear(): void {
  ring.clear();
}

export function push(at: usize, length: i32): i32 {
  return ring.push(at, length);
}

export function count(): i32 {
  return ring.count;
}

export function totalLength(): i32 {
  return ring.length;
}

/** Removes the oldest span and copies it to {@link takenAt}. Returns its length. */
export function shift(): i32 {
  return ring.shift(taken);
}

export function takenAt(): usize {
  return taken;
}

export function countUpTo(limit: i32): i32 {
  return ring.countUpTo(limit);
}
