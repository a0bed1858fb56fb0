import { isWithin } from "../../memory/elapsed";

/** Milliseconds until a call counts as lost. The proxy itself ends calls earlier: see `Exporter`. */
const LOST_MS: u64 = 15_000;
/** Milliseconds for which a wish to send is remembered: more than a tick. */
const WISH_MS: u64 = 3000;

/** The exporter, by its address, whose call is in flight; 0 where none is. */
let holder: usize = 0;
let heldSinceMs: u64 = 0;
/** The exporter, by its address, that has waited for the other's call; 0 where none has. */
let waiting: usize = 0;
let waitingSinceMs: u64 = 0;

/** The one line to collectors that all exporters of this VM share: Envoy spends some 60 µs of CPU on a call, so each exporter
 *  sends few large requests, and no two calls are in flight. */
export abstract class Line {
  /** Whether this exporter may send now. If so, it holds the line until it frees it. Exporters that wait come first. */
  static take(exporter: usize, nowMs: u64): bool {
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

  /** This exporter's call is over, or it is gone. */
  static free(exporter: usize): void {
    if (holder == exporter) holder = 0;
  }

  /** This exporter sends nothing more. */
  static leave(exporter: usize): void {
    Line.free(exporter);
    if (waiting == exporter) waiting = 0;
  }
}
