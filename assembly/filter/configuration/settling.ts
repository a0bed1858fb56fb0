import { StreamControl } from "../../host/stream_control";
import { Configuration } from "./configuration";

/** The configurations of this VM that have come and are not settled yet, in the order in which they came. */
const unsettled: Settling[] = [];

/** Settles the configuration of one plugin instance, and those before it: what is kept of them must be the newest. */
export class Settling {
  /** @param id the plugin instance. */
  constructor(
    private id: u32,
    private configuration: Configuration,
    private streams: StreamControl,
  ) {}

  /** A configuration has come. */
  begin(): void {
    if (!unsettled.includes(this)) unsettled.push(this);
  }

  /** Settles the configuration, after those that came to this VM before it. `context` is the stream or plugin instance that
   *  host calls refer to. False where it was settled before. */
  settle(context: u32): bool {
    if (!unsettled.includes(this)) return false;
    this.settleUpTo(unsettled.indexOf(this), context);
    return true;
  }

  /** Settles all configurations of this VM. */
  settleAll(context: u32): void {
    if (unsettled.length) this.settleUpTo(unsettled.length - 1, context);
  }

  private settleUpTo(last: i32, context: u32): void {
    for (let i = 0; i <= last; i++) {
      const first = unsettled.shift();
      this.streams.makeCurrent(first.id);
      first.configuration.settle();
    }
    this.streams.makeCurrent(context);
  }
}
