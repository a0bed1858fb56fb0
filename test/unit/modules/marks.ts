import { Marks } from "../../../assembly/store/primitives/marks";
import { openStore } from "./common/store";

let marks: Marks = new Marks(openStore(1, 0), "cancellations");
let others: Marks = new Marks(openStore(1, 0), "lists");

export function create(space: i32): void {
  marks = new Marks(openStore(1, space), "cancellations");
  others = new Marks(openStore(1, space), "lists");
}

export function add(scope: u64, hash: u64, value: u64): void {
  marks.set(scope, hash, value);
}

/** Replaces `before` with a value. False if the current value differs or another worker interfered. */
export function replace(scope: u64, hash: u64, before: u64, value: u64): bool {
  return marks.replace(scope, hash, before, value);
}

export function get(scope: u64, hash: u64): u64 {
  return marks.get(scope, hash);
}

/** The value of the mark in a set with another name. */
export function getOther(scope: u64, hash: u64): u64 {
  return others.get(scope, hash);
}
