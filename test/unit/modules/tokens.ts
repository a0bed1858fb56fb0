import { Estimator } from "../../../assembly/tokens/estimator";

export { allocate } from "./common/allocate";

const estimator = Estimator.create();

export function feed(at: usize, length: usize): void {
  estimator.feed(at, length);
}

/** What the text costs, in 1/1024 of a token. Ready for another one. */
export function finish(): u64 {
  return estimator.finish();
}
