import { Tokenizer } from "../../json/tokenizer";
import { mix } from "../../memory/bytes";
import { commonLength } from "../../memory/common_length";
import { KeptList } from "./kept_list";
import { KeptLists } from "./kept_lists";
import { recording } from "./list_recording";
import { McpMessage } from "./message";

/**
 * Compares the list of definitions in a message with the stored ones as its bytes arrive. A list that is equal to its end is
 * not read. If it differs, the bytes of earlier chunks that were equal are read from the stored list, and the rest as it
 * arrives; meanwhile the list is recorded. Part of an {@link McpReader}.
 */
@unmanaged
export class ListReading {
  private message: McpMessage;
  /** The address of the {@link KeptLists}. */
  private lists: usize;
  private scope: u64;
  /** The address of the list being compared (0 for none), and the number of equal bytes in earlier chunks. */
  private compared: usize;
  private equal: usize;
  /** The chunk to read after the equal bytes, once the lists differ; 0 if none waits. */
  private nextChunk: usize;
  private nextLength: usize;
  private isRecorded: bool;
  /** The address of the first byte that has not been recorded. */
  private recordedTo: usize;

  static create(message: McpMessage): ListReading {
    const self = changetype<ListReading>(heap.alloc(offsetof<ListReading>()));
    memory.fill(changetype<usize>(self), 0, offsetof<ListReading>());
    self.message = message;
    return self;
  }

  /** Ends the message. */
  reset(): void {
    this.release();
    this.nextChunk = 0;
    this.isRecorded = false;
    recording.drop(this.message);
  }

  /** Handles the start of a list, after the tokenizer has read its opening bracket. Compares it with the lists of the same
   *  server in `lists`, and records it if it differs. Does neither if the message is part of a batch or has had other texts
   *  or tools, since the list's results could not be separated from theirs. */
  begin(lists: KeptLists, server: u64): void {
    const message = this.message;
    if (message.isBatch || message.tools || !message.texts.isEmpty) return;
    this.lists = changetype<usize>(lists);
    this.scope = mix(server ^ message.listMethod);
    this.equal = 0;
    this.compare(lists.first(this.scope));
  }

  /** Handles a chunk that was fed to the tokenizer. */
  handleChunk(): void {
    this.recordedTo = this.tokens.readAt;
    if (this.compared) this.compare(this.compared);
  }

  /** Called when the tokenizer has read all its bytes. Returns whether it has been fed the waiting chunk. */
  readOn(): bool {
    const tokens = this.tokens;
    if (this.isRecorded) recording.append(this.message, this.recordedTo, tokens.readEnd - this.recordedTo);
    if (!this.nextChunk) return false;
    this.release();
    tokens.feed(this.nextChunk, this.nextLength);
    this.recordedTo = this.nextChunk;
    this.nextChunk = 0;
    return true;
  }

  /** Ends the list, after the tokenizer has read its closing bracket. */
  end(): void {
    if (!this.isRecorded) return;
    this.isRecorded = false;
    recording.append(this.message, this.recordedTo, this.tokens.readAt - this.recordedTo);
    recording.end(this.message);
  }

  /** Compares the chunk with a stored list and, if that differs, with others that begin with the same bytes. */
  private compare(first: usize): void {
    const tokens = this.tokens;
    const at = tokens.readAt;
    const length = tokens.readEnd - at;
    const before = this.equal;
    for (let candidate = first; candidate;) {
      const list = changetype<KeptList>(candidate);
      const most = min<usize>(length, list.length - before);
      const same = commonLength(list.bytes + before, at, most);
      if (same == most) return this.skipEqual(list, same);
      candidate = changetype<KeptLists>(this.lists).like(list, before + same);
    }
    if (before) {
      this.nextChunk = at;
      this.nextLength = length;
      tokens.readLeftOut(changetype<KeptList>(this.compared).bytes, before);
    } else {
      this.release();
    }
    this.record();
  }

  /** Skips `count` bytes, up to the end of the chunk or of the list, that are equal to those of a stored list. */
  private skipEqual(list: KeptList, count: usize): void {
    const tokens = this.tokens;
    this.equal += count;
    if (this.equal < list.length) {
      tokens.leaveOut(count);
      if (this.compared == changetype<usize>(list)) return;
      this.release();
      this.compared = changetype<usize>(list);
      list.readers++;
      return;
    }
    tokens.leaveOut(count - 1);
    tokens.skipToElementEnd();
    this.release();
    list.restoreFound(this.message);
    changetype<KeptLists>(this.lists).repeat(list);
  }

  private record(): void {
    this.isRecorded = recording.begin(this.message, this.scope);
    this.recordedTo = this.tokens.readAt;
  }

  private release(): void {
    if (this.compared) changetype<KeptList>(this.compared).readers--;
    this.compared = 0;
  }

  private get tokens(): Tokenizer {
    return this.message.reader.fields.tokens;
  }
}
