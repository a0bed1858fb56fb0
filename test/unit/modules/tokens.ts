import { Estimator } from "../../../assembly/tokens/estimator";
import { Pieces } from "../../../assembly/tokens/pieces";
import { allocate } from "./common/allocate";

export { allocate };

const MOST: usize = 65_536;
/** More bytes than the longest read behind the end of a text. */
const SLACK: usize = 128;

const estimator = Estimator.create();
const pieces = changetype<Pieces>(allocate(offsetof<Pieces>()));
const copy = allocate(MOST + SLACK);

export function feed(at: usize, length: usize): void {
  estimator.feed(at, length);
}

/** What the text costs, in 1/1024 of a token. Ready for another one. */
export function finish(): u64 {
  return estimator.finish();
}

/** What a text costs whose pieces are taken one by one; -1 where it is too long. */
export function finishPieces(at: usize, length: usize): i64 {
  if (length > MOST) return -1;
  memory.copy(copy, at, length);
  memory.fill(copy + length, 0, SLACK);
  pieces.reset();
  let next = copy;
  while (next < copy + length) next = pieces.count(next, copy + length);
  return pieces.cost;
}
