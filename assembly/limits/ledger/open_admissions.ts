import { SessionKey } from "../../identity/keys";
import { IdKind } from "../../jsonrpc/id";
import { Cancellations } from "../../mcp/operations/cancellations";
import { Admission } from "../../mcp/state/admission";

/** Number of open operations that one tick checks. */
const CHECKED_PER_TICK: i32 = 512;

/**
 * The admissions of open operations of this worker that hold permits and belong to a session. A cancellation, which is
 * a separate request, can release the permits.
 */
export class OpenAdmissions {
  /** Address of the newest admission; 0 for none. */
  private newest: usize = 0;
  /** Address of the admission that the next tick begins with; 0 for the newest. */
  private next: usize = 0;
  /** Number of operations that the current tick may still check. */
  private left: i32 = 0;

  constructor(private cancellations: Cancellations) {}

  add(admission: Admission): void {
    const at = changetype<usize>(admission);
    admission.older = this.newest;
    admission.newer = 0;
    if (this.newest) changetype<Admission>(this.newest).newer = at;
    this.newest = at;
  }

  /** Removes an admission. Does nothing if it is not in the list. */
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

  /** The newest admission of a request of this id in a session; null if there is none. */
  find(session: SessionKey, kind: IdKind, idHash: u64): Admission | null {
    for (let at = this.newest; at; at = changetype<Admission>(at).older) {
      const admission = changetype<Admission>(at);
      if (admission.session == session && admission.idHash == idHash && admission.idKind == kind) return admission;
    }
    return null;
  }

  /** Begins a tick: {@link nextCancelled} continues where the last tick stopped. */
  onTick(): void {
    if (!this.next) this.next = this.newest;
    this.left = CHECKED_PER_TICK;
  }

  /** The next admission whose operation was cancelled, on any worker; null if this tick finds no more. */
  nextCancelled(): Admission | null {
    while (this.next && this.left-- > 0) {
      const admission = changetype<Admission>(this.next);
      this.next = admission.older;
      const isCancelled = this.cancellations.has(
        admission.session,
        admission.idKind,
        admission.idHash,
        admission.startedAt,
      );
      if (isCancelled) return admission;
    }
    return null;
  }
}
