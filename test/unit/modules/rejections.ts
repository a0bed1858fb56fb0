import { RejectionErrors } from "../../../assembly/store/rejection_errors";
import { openStore } from "./common/store";

let errors: RejectionErrors = new RejectionErrors(openStore(1, 0));

export function create(space: i32): void {
  errors = new RejectionErrors(openStore(1, space));
}

/** Stores an error of `length` bytes, each of which is `byte`. */
export function add(session: u64, id: u64, byte: u8, length: i32, nowMs: u64): bool {
  const at = heap.alloc(length);
  memory.fill(at, byte, length);
  const isKept = errors.add(session, id, at, length, nowMs);
  heap.free(at);
  return isKept;
}

/** The first byte of an error, shifted by 16 bits, and its length; -1 if there is none. */
export function find(session: u64, id: u64, nowMs: u64): i32 {
  if (!errors.find(session, id, nowMs)) return -1;
  for (let i = 1; i < errors.length; i++) assert(load<u8>(errors.at + i) == load<u8>(errors.at));
  return ((<i32>load<u8>(errors.at)) << 16) | errors.length;
}
