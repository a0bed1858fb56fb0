import { elapsed } from "../../memory/elapsed";
import { Store } from "./store";

/** Offsets in the value, u64 each. */
const OWNER_AT: usize = 0;
const EXPIRES_AT_MS: usize = 8;
const SIZE: i32 = 16;

/** A lease on work that only one worker at a time does. */
export class Lease {
  constructor(private shared: Store) {}

  /** Acquires or renews the lease for `durationMs`. False while another worker holds it. */
  tryAcquire(nowMs: u64, durationMs: u64): bool {
    const shared = this.shared;
    shared.load("lease");
    if (shared.length == SIZE && load<u64>(shared.page, OWNER_AT) != shared.self) {
      // Workers' clocks interleave: a worker that is behind sees more time left than the duration. Much more means that the
      // clock was set back since, which must not extend the lease forever.
      const leftMs = elapsed(nowMs, load<u64>(shared.page, EXPIRES_AT_MS));
      if (leftMs > 0 && leftMs <= 2 * durationMs) return false;
    }
    store<u64>(shared.page, shared.self, OWNER_AT);
    store<u64>(shared.page, nowMs + durationMs, EXPIRES_AT_MS);
    shared.length = SIZE;
    return shared.save();
  }
}
