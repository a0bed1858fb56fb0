import { Event } from "./event";

/**
 * Receives what happens in MCP, each event once: the one interface between the decoder and statistics, logs and whatever
 * else observes it. An event without a stream of its own, such as the end of an operation by the sweep, comes with one that
 * has only the server and the caller.
 */
export abstract class EventSink {
  /** The event is valid until this returns. No event may be reported meanwhile. */
  abstract receive(event: Event): void;
}
