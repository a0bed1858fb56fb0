import { AccessCheck } from "../access/check";

/** How long a body may take to begin whose headers are held. */
const PATIENCE_MS: u64 = 5000;

/** The streams of a plugin instance whose headers are held until their bodies have come. A proxy that was not told to
 *  allow that never sends a body: such streams would wait for ever. */
export class HeldStreams {
  private first: usize = 0;
  /** Bodies come behind held headers. */
  private isProven: bool = false;

  /** The stream's headers are held from now on, in milliseconds. */
  add(check: AccessCheck, now: u64): void {
    check.holdsHeaders = true;
    check.heldAt = now;
    check.previous = 0;
    check.next = this.first;
    if (this.first) changetype<AccessCheck>(this.first).previous = changetype<usize>(check);
    this.first = changetype<usize>(check);
  }

  /** The stream's body has begun, or it is over. */
  remove(check: AccessCheck): void {
    if (!check.holdsHeaders) return;
    check.holdsHeaders = false;
    if (check.next) changetype<AccessCheck>(check.next).previous = check.previous;
    if (check.previous) changetype<AccessCheck>(check.previous).next = check.next;
    else this.first = check.next;
  }

  /** A body came behind held headers. */
  prove(): void {
    this.isProven = true;
  }

  /** A stream whose body has not come for too long; null where there is none. */
  overdue(now: u64): AccessCheck | null {
    if (this.isProven) return null;
    for (let at = this.first; at; at = changetype<AccessCheck>(at).next) {
      const check = changetype<AccessCheck>(at);
      if (<i64>(now - check.heldAt) >= <i64>PATIENCE_MS) return check;
    }
    return null;
  }
}
