import { Caller } from "../../../assembly/identity/caller";
import { Cidr, isCidr, parseAddress } from "../../../assembly/config/values/cidr";

export { allocate } from "./common/allocate";

const address: usize = heap.alloc(16);
const caller: Caller = new Caller();
let block: Cidr = new Cidr();

/** The address, in hand from now on: its bytes, 0 where it is none. */
export function parse(at: usize, length: i32): i32 {
  return parseAddress(at, length, address);
}

/** The byte of the address in hand. */
export function byteAt(index: i32): i32 {
  return load<u8>(address + index);
}

/** Takes a block in hand. False where it is none. */
export function setBlock(at: usize, length: i32): bool {
  const text = String.UTF8.decodeUnsafe(at, length);
  if (!isCidr(text)) return false;
  block = Cidr.parse(text)!;
  return true;
}

/** Whether a caller of this address, which is written with a port, is in the block. -1 where the address is none. */
export function holds(at: usize, length: i32): i32 {
  caller.clear();
  caller.setAddress(at, length);
  if (caller.addressSize == 0) return -1;
  return block.holds(caller.address, caller.addressSize) ? 1 : 0;
}
