import { Pool } from "../../memory/pool";
import { BATCH_LIMIT } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";

/** Messages that one number has a bit for. */
const BITS: i32 = 64;

if (BATCH_LIMIT > 2 * BITS) ERROR("A batch may have more messages than there are bits for.");

/** Which messages of a request the gate keeps from the server, by their indices, while the others pass. Pooled. */
@unmanaged
export class RejectedMessages {
  /** How many. */
  count: i32;
  private firstDenied: u64;
  private moreDenied: u64;
  private firstLimited: u64;
  private moreLimited: u64;

  static take(): RejectedMessages {
    return changetype<RejectedMessages>(pool.take());
  }

  /** It must not be used any more. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** The message of this index, which is none of them yet, has this outcome: Denied or Limited. */
  add(index: i32, outcome: Outcome): void {
    const bit = bitOf(index);
    this.count++;
    if (outcome == Outcome.Limited) {
      if (index < BITS) this.firstLimited |= bit;
      else this.moreLimited |= bit;
    } else {
      if (index < BITS) this.firstDenied |= bit;
      else this.moreDenied |= bit;
    }
  }

  /** The outcome of the message of this index; Open where it is none of them. */
  outcomeOf(index: i32): Outcome {
    if (this.count == 0 || index >= BATCH_LIMIT) return Outcome.Open;
    const bit = bitOf(index);
    if ((index < BITS ? this.firstDenied : this.moreDenied) & bit) return Outcome.Denied;
    return (index < BITS ? this.firstLimited : this.moreLimited) & bit ? Outcome.Limited : Outcome.Open;
  }
}

const pool = new Pool(offsetof<RejectedMessages>());

@inline
function bitOf(index: i32): u64 {
  return (<u64>1) << (index & (BITS - 1));
}
