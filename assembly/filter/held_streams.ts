import { AccessCheck } from "../access/check";

/** How long a body may take to begin whose headers are held. */
const PATIENCE_MS: u64 = 5000;

/** The streams of a plugin instance whose headers are held until their bodies have come, in the order of their coming. A
 *  proxy that was not told to allow that never sends a body: such streams would wait for ever. */
export class HeldStreams {
  private first: usize = 0;
  private last: usize = 0;
  /** Bodies come behind held headers. */
  private isProven: bool = false;

  /** The stream's headers are held from now on, in milliseconds. */
  add(check: AccessCheck, now: u64): void {
    check.holdsHeaders = true;
    check.heldAt = now;
    check.next = 0;
    check.previous = this.last;
    if (this.last) changetype<AccessCheck>(this.last).next = changetype<usize>(check);
    else this.first = changetype<usize>(check);
    this.last = changetype<usize>(check);
  }

  /** The stream's body has begun, or it is over. */
  remove(check: AccessCheck): void {
    if (!check.holdsHeaders) return;
    check.holdsHeaders = false;
    if (check.next) changetype<AccessCheck>(check.next).previous = check.previous;
    else this.last = check.previous;
    if (check.previous) changetype<AccessCheck>(check.previous).next = check.next;
    else this.first = check.next;
  }

  /** A body came behind held headers. */
  prove(): void {
    this.isProven = true;
  }

  /** The stream that has waited longest for its body, if that is too long; null where there is none. */
  overdue(now: u64): AccessCheck | null {
    if (this.isProven || !this.first) return null;
    const check = changetype<AccessCheck>(this.first);
    const waited = <i64>(now - check.heldAt);
    // The clock was set back: the wait begins anew.
    if (waited < 0) check.heldAt = now;
    return waited >= <i64>PATIENCE_MS ? check : null;
  }
}
