import { Lease } from "../../../assembly/store/primitives/lease";
import { openStore } from "./common/store";

let lease: Lease = new Lease(openStore(1, 0));

export function create(self: u64, space: i32): void {
  lease = new Lease(openStore(self, space));
}

export function tryAcquire(now: u64, duration: u64): bool {
  return lease.tryAcquire(now, duration);
}
