import { SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { Cancellations } from "../../mcp/operations/cancellations";
import { Admission } from "../../mcp/state/admission";
import { Permits } from "../../store/permits";
import { Settlement } from "./settlement";

/** Open operations that one tick looks at. */
const CHECKED_PER_TICK: i32 = 512;

/** The admissions of open operations of this worker that hold permits and belong to a session, so that a cancellation, which
 *  is a request of its own, can release these. */
export class OpenAdmissions {
  /** The address of the newest one; 0 for none. */
  private newest: usize = 0;
  /** The address of the one that the next tick begins with; 0 for the newest. */
  private next: usize = 0;

  constructor(private cancellations: Cancellations) {}

  add(admission: Admission): void {
    const at = changetype<usize>(admission);
    admission.older = this.newest;
    admission.newer = 0;
    if (this.newest) changetype<Admission>(this.newest).newer = at;
    this.newest = at;
  }

  /** Nothing where it is not in the list. */
  remove(admission: Admission): void {
    const at = changetype<usize>(admission);
    if (!admission.newer && this.newest != at) return;
    if (this.next == at) this.next = admission.older;
    if (admission.newer) changetype<Admission>(admission.newer).older = admission.older;
    else this.newest = admission.older;
    if (admission.older) changetype<Admission>(admission.older).newer = admission.newer;
    admission.older = 0;
    admission.newer = 0;
  }

  /** The newest admission of a request of this id in a session; null where there is none. */
  find(session: SessionKey, kind: IdKind, idHash: u64): Admission | null {
    for (let at = this.newest; at; at = changetype<Admission>(at).older) {
      const admission = changetype<Admission>(at);
      if (admission.session == session && admission.idHash == idHash && admission.idKind == kind) return admission;
    }
    return null;
  }

  /** Releases the permits of operations that were cancelled on another worker. To be called on each tick. */
  releaseCancelled(permits: Permits): void {
    let at = this.next ? this.next : this.newest;
    for (let i = 0; at && i < CHECKED_PER_TICK; i++) {
      const admission = changetype<Admission>(at);
      at = admission.older;
      const isCancelled = this.cancellations.has(
        admission.session,
        admission.idKind,
        admission.idHash,
        admission.startedAt,
      );
      if (isCancelled) Settlement.releasePermits(admission, permits);
    }
    this.next = at;
  }
}
