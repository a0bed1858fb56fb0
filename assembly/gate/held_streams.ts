import { GateRequest } from "./stage/request";
import { elapsed, hasCome } from "../memory/elapsed";

/** How long a request whose headers are held may take until its body begins. */
const PATIENCE_MS: u64 = 5000;

/**
 * The requests of a plugin instance whose headers are held until their bodies arrive, in the order of arrival. A proxy
 * that is not configured for this never sends a body, and such requests would wait forever.
 */
export class HeldStreams {
  private first: usize = 0;
  private last: usize = 0;
  /** The proxy has sent a body after held headers at least once. */
  private isProven: bool = false;

  /** Adds a request whose headers are held from `now`, in milliseconds. */
  add(request: GateRequest, now: u64): void {
    request.holdsHeaders = true;
    request.heldAtMs = now;
    request.next = 0;
    request.previous = this.last;
    if (this.last) changetype<GateRequest>(this.last).next = changetype<usize>(request);
    else this.first = changetype<usize>(request);
    this.last = changetype<usize>(request);
  }

  /** Removes a request whose body has begun or whose stream has ended. Does nothing if its headers are not held. */
  remove(request: GateRequest): void {
    if (!request.holdsHeaders) return;
    request.holdsHeaders = false;
    if (request.next) changetype<GateRequest>(request.next).previous = request.previous;
    else this.last = request.previous;
    if (request.previous) changetype<GateRequest>(request.previous).next = request.next;
    else this.first = request.next;
  }

  /** Records that the proxy sends bodies after held headers. */
  prove(): void {
    this.isProven = true;
  }

  /** The request that has waited longest for its body, if it has waited too long; otherwise null. */
  overdue(nowMs: u64): GateRequest | null {
    if (this.isProven || !this.first) return null;
    const request = changetype<GateRequest>(this.first);
    // The clock was set back: the wait begins again.
    if (!hasCome(request.heldAtMs, nowMs)) request.heldAtMs = nowMs;
    return elapsed(request.heldAtMs, nowMs) >= PATIENCE_MS ? request : null;
  }
}
