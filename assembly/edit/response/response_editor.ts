import { EventPart, EventReader } from "../../sse/event_reader";
import { EditJudge } from "./edit_judge";
import { MESSAGE_EDITOR_SIZE, MessageEditor } from "./message_editor";
import { Parts } from "./list_kind";
import { output } from "./output";

/** U+FEFF as UTF-8. Clients skip it at the beginning of a body. */
const BYTE_ORDER_MARK: usize = memory.data<u8>([0xef, 0xbb, 0xbf]);
const MARK_SIZE: u32 = 3;

/**
 * Edits a response as it passes: a body of one message or batch, or an event stream of messages. The client gets the
 * bytes in {@link output} in place of those of the current callback. In an event stream, everything but the text of
 * messages stays unchanged. Pooled.
 */
@unmanaged
export class ResponseEditor {
  private events: EventReader;
  private isEventStream: bool;
  /** Number of bytes read of a byte order mark at the beginning of a body; 3 once the mark is complete or ruled out. */
  private markLength: u32;
  private nextFree: usize;

  /**
   * @param edited the parts that may change
   * @param withheld the lists among them whose elements may be withheld
   * @param observed the parts that are only read
   * @param asked the requested lists: a body that is not JSON is withheld if their elements may be
   */
  static acquire(isEventStream: bool, edited: Parts, withheld: Parts, observed: Parts, asked: Parts): ResponseEditor {
    let self = changetype<ResponseEditor>(free);
    if (free) {
      free = self.nextFree;
    } else {
      const at = heap.alloc(SIZE);
      memory.fill(at, 0, SIZE);
      self = changetype<ResponseEditor>(at);
      self.events = EventReader.create();
      self.message.create();
    }
    self.events.reset();
    self.isEventStream = isEventStream;
    self.markLength = 0;
    self.message.open(edited, withheld, observed, asked);
    if (!isEventStream && asked & withheld) self.message.hold();
    return self;
  }

  /** Returns the editor to the pool, and drops what it holds. It must not be used afterwards. */
  release(): void {
    this.message.begin();
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Begins another callback of the response. */
  begin(): void {
    output.clear();
    this.message.emitter.hasChanged = false;
  }

  /** Whether the client gets different bytes than those read since {@link begin}. */
  get hasChanged(): bool {
    return this.message.emitter.hasChanged;
  }

  /** Reads bytes of the response. */
  read(at: usize, length: usize, judge: EditJudge): void {
    if (this.isEventStream) return this.readEvents(at, length, judge);
    const end = at + length;
    while (at < end && this.markLength < MARK_SIZE) {
      if (load<u8>(at) != load<u8>(BYTE_ORDER_MARK + this.markLength)) {
        this.markLength = MARK_SIZE;
        break;
      }
      this.message.emitter.frame(at++, 1);
      this.markLength++;
    }
    if (at < end) this.message.read(at, end - at, judge);
  }

  private readEvents(at: usize, length: usize, judge: EditJudge): void {
    const events = this.events;
    const message = this.message;
    const end = at + length;
    let from = at;
    events.feed(at, length);
    for (let part = events.next(); part != EventPart.More; part = events.next()) {
      if (part == EventPart.End) {
        message.end();
        continue;
      }
      const data = events.dataAt;
      const isJoint = data < at || data >= end;
      if (isJoint) {
        message.join(data, judge);
        continue;
      }
      message.frame(from, data - from, judge);
      message.read(data, events.dataLength, judge);
      from = data + events.dataLength;
    }
    message.frame(from, end - from, judge);
    message.bound(judge);
  }

  private get message(): MessageEditor {
    return changetype<MessageEditor>(changetype<usize>(this) + MESSAGE_AT);
  }
}

const MESSAGE_AT: usize = (offsetof<ResponseEditor>() + 7) & ~7;
const SIZE: usize = MESSAGE_AT + MESSAGE_EDITOR_SIZE;
let free: usize = 0;
