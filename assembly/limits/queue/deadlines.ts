import { hasCome } from "../../memory/elapsed";
import { Waiter } from "./waiter";

/** The waiting requests in the order of their deadlines. */
export class Deadlines {
  /** Addresses of the requests with the first and the last deadline; 0 for none. */
  private soonest: usize = 0;
  private latest: usize = 0;

  /** The request with the first deadline; null if none waits. */
  get first(): Waiter | null {
    return this.soonest ? changetype<Waiter>(this.soonest) : null;
  }

  /** Adds a request. Searches from the end, because most have a later deadline than those before. */
  add(waiter: Waiter): void {
    const at = changetype<usize>(waiter);
    let before = this.latest;
    while (before && !hasCome(changetype<Waiter>(before).deadlineMs, waiter.deadlineMs)) {
      before = changetype<Waiter>(before).sooner;
    }
    const after = before ? changetype<Waiter>(before).later : this.soonest;
    waiter.sooner = before;
    waiter.later = after;
    if (before) changetype<Waiter>(before).later = at;
    else this.soonest = at;
    if (after) changetype<Waiter>(after).sooner = at;
    else this.latest = at;
  }

  remove(waiter: Waiter): void {
    if (waiter.sooner) changetype<Waiter>(waiter.sooner).later = waiter.later;
    else this.soonest = waiter.later;
    if (waiter.later) changetype<Waiter>(waiter.later).sooner = waiter.sooner;
    else this.latest = waiter.sooner;
  }

  /** Makes a request the first that is due. */
  expire(waiter: Waiter, nowMs: u64): void {
    this.remove(waiter);
    const first = this.first;
    waiter.deadlineMs = first && hasCome(first.deadlineMs, nowMs) ? first.deadlineMs - 1 : nowMs;
    this.add(waiter);
  }
}
