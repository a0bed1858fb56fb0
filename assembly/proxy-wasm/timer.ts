import { proxy_set_tick_period_milliseconds } from "./module/abi";

/** Sets the period of the current plugin instance's ticks, in milliseconds; 0 for no ticks. */
export function setTickPeriod(milliseconds: u32): void {
  proxy_set_tick_period_milliseconds(milliseconds);
}
