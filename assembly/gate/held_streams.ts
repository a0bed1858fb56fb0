import { GateRequest } from "./stage/request";
import { elapsed, hasCome } from "../memory/elapsed";

/** How long the body of a request may take to begin whose headers are held. */
const PATIENCE_MS: u64 = 5000;

/** The requests of a plugin instance whose headers are held until their bodies come, in the order in which they came. A proxy
 *  that is not configured to allow that never sends a body: such requests would wait for ever. */
export class HeldStreams {
  private first: usize = 0;
  private last: usize = 0;
  /** Bodies come behind held headers. */
  private isProven: bool = false;

  /** The headers of the request are held from now on. `now` in milliseconds. */
  add(request: GateRequest, now: u64): void {
    request.holdsHeaders = true;
    request.heldAtMs = now;
    request.next = 0;
    request.previous = this.last;
    if (this.last) changetype<GateRequest>(this.last).next = changetype<usize>(request);
    else this.first = changetype<usize>(request);
    this.last = changetype<usize>(request);
  }

  /** The body of the request has begun, or its stream is over. */
  remove(request: GateRequest): void {
    if (!request.holdsHeaders) return;
    request.holdsHeaders = false;
    if (request.next) changetype<GateRequest>(request.next).previous = request.previous;
    else this.last = request.previous;
    if (request.previous) changetype<GateRequest>(request.previous).next = request.next;
    else this.first = request.next;
  }

  /** A body came behind held headers. */
  prove(): void {
    this.isProven = true;
  }

  /** The request that has waited longest for its body, if that is too long; null where there is none. */
  overdue(nowMs: u64): GateRequest | null {
    if (this.isProven || !this.first) return null;
    const request = changetype<GateRequest>(this.first);
    // The clock was set back: the wait begins anew.
    if (!hasCome(request.heldAtMs, nowMs)) request.heldAtMs = nowMs;
    return elapsed(request.heldAtMs, nowMs) >= PATIENCE_MS ? request : null;
  }
}
