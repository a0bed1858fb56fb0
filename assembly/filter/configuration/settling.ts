import { StreamControl } from "../../host/stream_control";
import { Configuration } from "./configuration";

/** The configurations of this VM that have arrived and are not settled yet, in the order of arrival. */
const unsettled: Settling[] = [];

/**
 * Settles the configuration of one plugin instance after all earlier ones of the VM, so that the newest is the one that
 * is kept.
 */
export class Settling {
  /** @param id context id of the plugin instance */
  constructor(
    private id: u32,
    private configuration: Configuration,
    private streams: StreamControl,
  ) {}

  /** Queues a configuration that has just arrived. */
  begin(): void {
    if (!unsettled.includes(this)) unsettled.push(this);
  }

  /** Settles the configuration, after those that arrived in this VM before it. `context` is the stream or plugin
   *  instance that host calls refer to afterwards. False if it was settled before. */
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
