import { LabelSet } from "../../../assembly/stats/label_set";

export { allocate } from "./common/allocate";

// @ts-ignore: decorator
@external("trace", "label")
declare function traceLabel(at: usize, length: i32): void;

let labels: LabelSet = new LabelSet(0, 0);

export function create(capacity: i32, reserved: i32): void {
  labels = new LabelSet(capacity, reserved);
}

export function find(at: usize, length: i32): i32 {
  return labels.find(at, length);
}

export function admit(at: usize, length: i32, isKnown: bool): i32 {
  return labels.admit(at, length, isKnown);
}

export function label(index: i32): void {
  traceLabel(labels.labelAt(index), labels.labelLength(index));
}
