import { EventReader } from "../../sse/event_reader";
import { McpMessage } from "../message/message";
import { TokenSettings } from "../protocol/token_kinds";

/** What reads one body: a single message or batch, or an event stream of them. Pooled, and so are the messages, of which
 *  one is in hand only while its bytes pass: streams that are silent for long need little memory. */
@unmanaged
export class Decoder {
  events: EventReader;
  isEventStream: bool;
  /** The address of the message in hand, or 0. */
  private inHand: usize;
  private nextFree: usize;

  /** A decoder for a new body; its address. */
  static take(isEventStream: bool): usize {
    let at = free;
    if (at) {
      free = changetype<Decoder>(at).nextFree;
    } else {
      at = heap.alloc(offsetof<Decoder>());
      const fresh = changetype<Decoder>(at);
      fresh.events = EventReader.create();
      fresh.inHand = 0;
    }
    const decoder = changetype<Decoder>(at);
    decoder.isEventStream = isEventStream;
    decoder.events.reset();
    return at;
  }

  /** The message in hand: a new one where there is none. */
  message(tokens: TokenSettings): McpMessage {
    if (!this.inHand) this.inHand = changetype<usize>(McpMessage.take(tokens));
    return changetype<McpMessage>(this.inHand);
  }

  /** Whether a message is in hand. */
  get hasMessage(): bool {
    return this.inHand != 0;
  }

  /** Whether the bytes so far may be the whole body. */
  get isComplete(): bool {
    return this.inHand != 0 && changetype<McpMessage>(this.inHand).complete;
  }

  /** The message in hand is over. */
  endMessage(): void {
    if (this.inHand) changetype<McpMessage>(this.inHand).release();
    this.inHand = 0;
  }

  release(): void {
    this.endMessage();
    this.nextFree = free;
    free = changetype<usize>(this);
  }
}

let free: usize = 0;
