import { Clock } from "../host/clock";
import { NANOSECONDS_PER_SECOND } from "../memory/elapsed";

/** Bounds the number of log lines per second. */
export class LineBudget {
  /** Number of lines dropped since the last written one. Cleared by the caller that reports it in a line. */
  dropped: u32 = 0;
  private second: u64 = 0;
  private written: i32 = 0;

  constructor(
    private clock: Clock,
    private perSecond: i32,
  ) {}

  /** Whether another line may be written in this second. Counts the line as written or dropped. */
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
