import { PENDING_SIZE, Pending, PendingListener } from "../../../assembly/store/pending";
import { Store } from "../../../assembly/store/primitives/store";
import { openStore } from "./common/store";

// @ts-ignore: decorator
@external("trace", "givenUp")
declare function traceGivenUp(number: u32, verdict: u32, endedAt: u64): void;

// @ts-ignore: decorator
@external("trace", "evicted")
declare function traceEvicted(number: u32, verdict: u32, endedAt: u64): void;

// @ts-ignore: decorator
@external("trace", "counted")
declare function traceCounted(number: u32, verdict: u32): void;

/** An entry is identified by the number at its start. */
class Listener extends PendingListener {
  givenUp(at: usize, length: u32, verdict: u32, endedAt: u64): void {
    traceGivenUp(load<u32>(at), verdict, endedAt);
  }

  evicted(at: usize, length: u32, verdict: u32, endedAt: u64): void {
    traceEvicted(load<u32>(at), verdict, endedAt);
  }

  counted(at: usize, length: u32, verdict: u32): void {
    traceCounted(load<u32>(at), verdict);
  }
}

const listener = new Listener();
const bytes: usize = heap.alloc(PENDING_SIZE);
let shared: Store = openStore(1, 0);
let pending: Pending = new Pending(shared);

export function create(space: i32): void {
  shared = openStore(1, space);
  pending = new Pending(shared);
}

/** Adds an entry of `length` bytes: the number, then its lowest byte repeated. */
export function add(
  scope: u64,
  key: u64,
  number: u32,
  length: u32,
  dueAt: u64,
  verdict: u32,
  endedAt: u64,
  rank: u32 = 0,
): void {
  memory.fill(bytes, <u8>number, length);
  store<u32>(bytes, number);
  pending.add(scope, key, bytes, length, dueAt, verdict, endedAt, rank, listener);
}

/** Removes an entry and returns its number; 0 if there is none. */
export function remove(scope: u64, key: u64): u32 {
  return pending.remove(scope, key) ? load<u32>(pending.copied) : 0;
}

/** The byte at this index of the entry that was removed last. */
export function copiedByte(at: i32): u8 {
  return load<u8>(pending.copied + at);
}

export function has(scope: u64, key: u64): bool {
  return pending.has(scope, key);
}

export function rule(scope: u64, key: u64, verdict: u32, endedAt: u64, dueAt: u64, onlyOpen: bool = false): void {
  pending.rule(scope, key, verdict, endedAt, dueAt, onlyOpen);
}

export function endScope(scope: u64, verdict: u32, now: u64): void {
  pending.endScope(scope, verdict, now, listener);
}

export function sweep(verdict: u32, now: u64): bool {
  return pending.sweep(verdict, now, listener);
}

/** The number of changes that were abandoned. */
export function conflicts(): u32 {
  return shared.conflicts;
}
