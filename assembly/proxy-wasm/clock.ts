import { Clock } from "../host/clock";
import { proxy_get_current_time_nanoseconds } from "./module/abi";
import { results } from "./module/results";

/** The time of the current callback in nanoseconds; 0 until it is read. */
let time: u64 = 0;

/** Clears the time that is cached for the current callback. */
export function forgetTime(): void {
  time = 0;
}

/** The proxy's clock, read at most once per callback. The time does not change during a callback. */
export class HostClock extends Clock {
  now(): u64 {
    if (time == 0) {
      proxy_get_current_time_nanoseconds(results);
      time = load<u64>(results);
    }
    return time;
  }
}
