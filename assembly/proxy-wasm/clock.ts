import { Clock } from "../host/clock";
import { proxy_get_current_time_nanoseconds } from "./module/abi";
import { results } from "./module/results";

/** The time of the current callback; 0 until it is read. */
let time: u64 = 0;

/** Clears the time of the current callback, which is over. */
export function forgetTime(): void {
  time = 0;
}

/** The proxy's clock, read once a callback: the time stays the same until the callback is over. */
export class HostClock extends Clock {
  now(): u64 {
    if (time == 0) {
      proxy_get_current_time_nanoseconds(results);
      time = load<u64>(results);
    }
    return time;
  }
}
