import { LabelSet } from "../../../assembly/stats/label_set";
import { NameList } from "../../../assembly/store/primitives/name_list";
import { openStore } from "./common/store";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "label")
declare function traceLabel(at: usize, length: i32): void;

let labels: LabelSet = newSet(0, 0, 0);

function newSet(space: i32, capacity: i32, reserved: i32): LabelSet {
  return new LabelSet(capacity, reserved, new NameList(openStore(1, space), "names", 0));
}

export function create(space: i32, capacity: i32, reserved: i32): void {
  labels = newSet(space, capacity, reserved);
}

export function find(at: usize, length: i32): i32 {
  return labels.find(at, length);
}

export function admit(at: usize, length: i32, isKnown: bool): i32 {
  return labels.admit(at, length, isKnown);
}

export function label(index: i32): void {
  const bytes = labels.label(index);
  traceLabel(bytes.at, bytes.length);
}
