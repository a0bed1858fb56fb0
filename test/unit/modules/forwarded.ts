import { Caller } from "../../../assembly/identity/caller";
import { uriOfForwarded } from "../../../assembly/identity/forwarded_certificate";

export { allocate } from "./common/allocate";

const caller: Caller = new Caller();

/** Reads the header. Returns the length of the principal. */
export function read(at: usize, length: i32): i32 {
  caller.clear();
  uriOfForwarded(caller, at, length);
  return caller.length;
}

export function principalAt(): usize {
  return caller.at;
}

export function isCut(): bool {
  return caller.isCut;
}
