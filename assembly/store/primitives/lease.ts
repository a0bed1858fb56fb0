import { Store } from "./store";

/** Owner and expiry, in milliseconds of the host's clock. */
const SIZE: i32 = 16;

/** A lease on work that one worker at a time shall do. */
export class Lease {
  constructor(private shared: Store) {}

  /** Takes or renews the lease for `duration` milliseconds. False while another one holds it. */
  take(now: u64, duration: u64): bool {
    const shared = this.shared;
    shared.load("lease");
    if (shared.length == SIZE && load<u64>(shared.page) != shared.self) {
      // Signed, since workers' clocks interleave: one that is behind sees more left than the duration. Much more is of a
      // clock that was set back since, which must not keep the lease for ever.
      const left = <i64>(load<u64>(shared.page, 8) - now);
      if (left > 0 && left <= 2 * <i64>duration) return false;
    }
    store<u64>(shared.page, shared.self);
    store<u64>(shared.page, now + duration, 8);
    shared.length = SIZE;
    return shared.save();
  }
}
