import { Estimator } from "../../../assembly/tokens/estimator";
import { Meter } from "../../../assembly/tokens/meter";

export { allocate } from "./common/allocate";

const meter = Meter.create();
const estimator = Estimator.create();

export function reset(bound: u64): void {
  meter.reset(bound);
}

export function feed(at: usize, length: usize): void {
  meter.feed(at, length);
}

export function endText(kind: i32): void {
  meter.endText(kind);
}

export function costOf(kind: i32): u64 {
  return meter.costOf(kind);
}

/** The cost of a text according to the estimator. */
export function estimate(at: usize, length: usize): u64 {
  estimator.reset();
  estimator.feed(at, length);
  return estimator.finish();
}
