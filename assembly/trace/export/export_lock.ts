import { isWithin } from "../../memory/elapsed";

/** Time in milliseconds after which a call counts as lost. The proxy itself ends calls earlier: see `Exporter`. */
const LOST_MS: u64 = 15_000;
/** Time in milliseconds for which a waiting exporter keeps its place: more than a tick. */
const WISH_MS: u64 = 3000;

/** Address of the exporter whose call is in flight; 0 for none. */
let holder: usize = 0;
let heldSinceMs: u64 = 0;
/** Address of the exporter that waits for the other's call; 0 for none. */
let waiting: usize = 0;
let waitingSinceMs: u64 = 0;

/**
 * Ensures that all exporters of this VM together have at most one call in flight. Envoy spends about 60 µs of CPU on a
 * call, so each exporter sends few large requests.
 */
export abstract class ExportLock {
  /** Whether this exporter may send now. If so, it holds the lock until {@link release}. Waiting exporters come first. */
  static tryAcquire(exporter: usize, nowMs: u64): bool {
    const isHeld = holder != 0 && isWithin(LOST_MS, heldSinceMs, nowMs);
    const isAwaited = waiting != 0 && waiting != exporter && isWithin(WISH_MS, waitingSinceMs, nowMs);
    if (isHeld || isAwaited) {
      if (isAwaited || holder == exporter) return false;
      waiting = exporter;
      waitingSinceMs = nowMs;
      return false;
    }
    if (waiting == exporter) waiting = 0;
    holder = exporter;
    heldSinceMs = nowMs;
    return true;
  }

  /** Releases the lock if this exporter holds it. */
  static release(exporter: usize): void {
    if (holder == exporter) holder = 0;
  }

  /** Removes an exporter that will not send any more. */
  static leave(exporter: usize): void {
    ExportLock.release(exporter);
    if (waiting == exporter) waiting = 0;
  }
}
