import { Pool } from "../../memory/pool";
import { BATCH_LIMIT } from "../protocol/limits";
import { Outcome } from "../protocol/outcome";

/** The number of messages for which one bit set has room. */
const BITS: i32 = 64;

if (BATCH_LIMIT > 2 * BITS) ERROR("A batch may have more messages than there are bits for.");

/** The messages of a request that the gate rejects, by index, while it forwards the others. Pooled. */
@unmanaged
export class RejectedMessages {
  /** The number of rejected messages. */
  count: i32;
  private firstDenied: u64;
  private moreDenied: u64;
  private firstLimited: u64;
  private moreLimited: u64;

  static acquire(): RejectedMessages {
    return changetype<RejectedMessages>(pool.acquire());
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    pool.release(changetype<usize>(this));
  }

  /** Adds the message with this index, which must not be rejected yet. The outcome is Denied or Limited. */
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

  /** The outcome of the message with this index; Open if it is not rejected. */
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
