import { Clock } from "../host/clock";
import { Marks } from "../store/marks";
import { Secret } from "../store/secret";
import { Observer } from "./observer";
import { SessionTracker } from "./session_tracker";
import { TokenSettings } from "./token_kinds";

/** What an exchange leaves its traces in: the state and the statistics of one instance and role. */
export class CountingUnit {
  constructor(
    readonly observer: Observer,
    readonly sessions: SessionTracker,
    /** The requests that were cancelled. */
    readonly cancellations: Marks,
    /** What the pages of lists have come to in tokens, and one more. */
    readonly listedTokens: Marks,
    readonly secret: Secret,
    readonly tokens: TokenSettings,
    private clock: Clock,
  ) {}

  /** The time, in milliseconds. */
  milliseconds(): u64 {
    return this.clock.now() / 1_000_000;
  }
}
