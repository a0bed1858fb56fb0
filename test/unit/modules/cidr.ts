import { Caller } from "../../../assembly/identity/caller";
import { Cidr, isCidr, parseAddress } from "../../../assembly/config/values/cidr";

export { allocate } from "./common/allocate";

const address: usize = heap.alloc(16);
const caller: Caller = new Caller();
let block: Cidr = new Cidr();

/** Parses the current address. Returns its size in bytes; 0 if it is not an address. */
export function parse(at: usize, length: i32): i32 {
  return parseAddress(at, length, address);
}

/** A byte of the current address. */
export function byteAt(index: i32): i32 {
  return load<u8>(address + index);
}

/** Parses the current block. False if it is not a block. */
export function setBlock(at: usize, length: i32): bool {
  const text = String.UTF8.decodeUnsafe(at, length);
  if (!isCidr(text)) return false;
  block = Cidr.parse(text)!;
  return true;
}

/** Whether a caller with this address, which has a port, is in the current block. -1 if it is not an address. */
export function holds(at: usize, length: i32): i32 {
  caller.clear();
  caller.setAddress(at, length);
  if (caller.addressSize == 0) return -1;
  return block.holds(caller.address, caller.addressSize) ? 1 : 0;
}
