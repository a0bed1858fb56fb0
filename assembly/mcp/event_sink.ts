import { Event } from "./event";

/**
 * Receives all MCP events, each one once. This is the only interface between the decoder and its observers, such as
 * statistics and logs. An event without its own stream, such as the end of an operation in the sweep, has a stream with only
 * the server and the caller.
 */
export abstract class EventSink {
  /** Handles an event, which is valid until this returns. No event may be reported during the call. */
  abstract receive(event: Event): void;
}
