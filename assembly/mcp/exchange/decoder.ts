import { EventReader } from "../../sse/event_reader";
import { McpReader } from "../message/message_reader";
import { TokenSettings } from "../protocol/token_kinds";

/** Reads one body: a single message or batch, or an event stream of them. Pooled. The readers of messages are pooled, too,
 *  and a decoder has one only while the bytes of a message pass, so silent streams need little memory. */
@unmanaged
export class Decoder {
  events: EventReader;
  isEventStream: bool;
  /** The address of the reader of the current message; 0 for none. */
  private current: usize;
  private nextFree: usize;

  /** Returns the address of a decoder for a new body. */
  static acquire(isEventStream: bool): usize {
    let at = free;
    if (at) {
      free = changetype<Decoder>(at).nextFree;
    } else {
      at = heap.alloc(offsetof<Decoder>());
      const fresh = changetype<Decoder>(at);
      fresh.events = EventReader.create();
      fresh.current = 0;
    }
    const decoder = changetype<Decoder>(at);
    decoder.isEventStream = isEventStream;
    decoder.events.reset();
    return at;
  }

  /** The reader of the current message. Takes a new one if there is none. */
  reader(tokens: TokenSettings): McpReader {
    if (!this.current) this.current = changetype<usize>(McpReader.acquire(tokens));
    return changetype<McpReader>(this.current);
  }

  /** Whether there is a current message. */
  get hasMessage(): bool {
    return this.current != 0;
  }

  /** Whether the bytes so far may be the whole body. */
  get isComplete(): bool {
    return this.current != 0 && changetype<McpReader>(this.current).complete;
  }

  /** Releases the reader of the current message. */
  endMessage(): void {
    if (this.current) changetype<McpReader>(this.current).release();
    this.current = 0;
  }

  release(): void {
    this.endMessage();
    this.nextFree = free;
    free = changetype<usize>(this);
  }
}

let free: usize = 0;
