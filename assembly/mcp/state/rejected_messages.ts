import { BATCH_LIMIT } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";

/** Messages that one number has a bit for. */
const BITS: i32 = 64;

if (BATCH_LIMIT > 2 * BITS) ERROR("A batch may have more messages than there are bits for.");

/** Which messages of a request the gate keeps from the server, by their indices, while the others pass. Part of a
 *  {@link Stream}. */
@unmanaged
export class RejectedMessages {
  /** How many. */
  count: i32;
  private firstDenied: u64;
  private moreDenied: u64;
  private firstLimited: u64;
  private moreLimited: u64;

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

  has(index: i32): bool {
    return this.outcomeOf(index) != Outcome.Open;
  }

  /** The outcome of the message of this index; Open where it is none of them. */
  outcomeOf(index: i32): Outcome {
    if (this.count == 0 || index >= BATCH_LIMIT) return Outcome.Open;
    const bit = bitOf(index);
    if ((index < BITS ? this.firstDenied : this.moreDenied) & bit) return Outcome.Denied;
    return (index < BITS ? this.firstLimited : this.moreLimited) & bit ? Outcome.Limited : Outcome.Open;
  }
}

export const REJECTED_MESSAGES_SIZE: usize = (offsetof<RejectedMessages>() + 7) & ~7;

@inline
function bitOf(index: i32): u64 {
  return (<u64>1) << (index & (BITS - 1));
}
