import { Clock } from "../host/clock";

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/** Bounds how many lines are written to a log in a second. */
export class LineBudget {
  /** Lines that were left out since the last one that was written. To be cleared by who writes one that says so. */
  dropped: u32 = 0;
  private second: u64 = 0;
  private written: i32 = 0;

  constructor(
    private clock: Clock,
    private perSecond: i32,
  ) {}

  /** Whether another line may be written in this second, which counts as written then; otherwise it counts as left out. */
  admits(): bool {
    const second = this.clock.wallNow() / NANOSECONDS_PER_SECOND;
    if (second != this.second) {
      this.second = second;
      this.written = 0;
    }
    if (this.written == this.perSecond) {
      this.dropped++;
      return false;
    }
    this.written++;
    return true;
  }
}
