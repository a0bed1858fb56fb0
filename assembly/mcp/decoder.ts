import { EventReader } from "../sse/event_reader";
import { McpMessage } from "./message";
import { TokenSettings } from "./token_kinds";

/** What reads one body: a single message, or an event stream of messages. Pooled. */
@unmanaged
export class Decoder {
  message: McpMessage;
  events: EventReader;
  isEventStream: bool;
  private nextFree: usize;

  /** A decoder for a new body; its address. */
  static take(isEventStream: bool, tokens: TokenSettings): usize {
    let at = free;
    if (at) {
      free = changetype<Decoder>(at).nextFree;
    } else {
      at = heap.alloc(offsetof<Decoder>());
      const fresh = changetype<Decoder>(at);
      fresh.message = McpMessage.create();
      fresh.events = EventReader.create();
    }
    const decoder = changetype<Decoder>(at);
    decoder.isEventStream = isEventStream;
    decoder.message.reset(tokens);
    decoder.events.reset();
    return at;
  }

  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }
}

let free: usize = 0;
