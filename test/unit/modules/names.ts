import { NameList, NumberSet } from "../../../assembly/store/primitives/name_list";
import { Store } from "../../../assembly/store/primitives/store";
import { openStore } from "./common/store";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "name")
declare function traceName(at: usize, length: i32, isKnown: bool): void;

// @ts-ignore: decorator
@external("trace", "number")
declare function traceNumber(value: u64): void;

let shared: Store = openStore(1, 0);
let list: NameList = new NameList(shared, "names", 0);
let numbers: NumberSet = new NumberSet(shared, "numbers", 0);

export function create(space: i32, limit: i32): void {
  shared = openStore(1, space);
  list = new NameList(shared, "names", 0);
  numbers = new NumberSet(shared, "numbers", limit);
}

export function open(): void {
  list.open();
}

/** Reports the next name of the list. */
export function next(): bool {
  if (!list.next()) return false;
  traceName(list.at, list.length, list.isKnown);
  return true;
}

export function hasRoom(length: i32): bool {
  return list.hasRoom(length);
}

export function append(at: usize, length: i32, isKnown: bool): bool {
  return list.append(at, length, isKnown);
}

export function setKnown(): bool {
  return list.setKnown();
}

export function add(number: u64): bool {
  return numbers.add(number);
}

export function remove(number: u64): void {
  numbers.remove(number);
}

export function has(number: u64): bool {
  return numbers.has(number);
}

export function count(): i32 {
  return numbers.count;
}

export function values(): void {
  const all = numbers.values();
  for (let i = 0; i < all.length; i++) traceNumber(all[i]);
}

export function conflicts(): u32 {
  return shared.conflicts;
}
