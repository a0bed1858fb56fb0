import { Method } from "../protocol/methods";
import { KeptList, ROOM } from "./kept_list";
import { McpMessage } from "./message";

/** Bytes of the shortest list that is kept: others are soon read. */
const LEAST_LENGTH: usize = 512;
const LEAST_CAPACITY: usize = 16384;
/** Bytes of memory, and so of any list that is kept. */
const CAPACITY_LIMIT: usize = 262144;
/** So many lists are refused while a recording makes no progress. Then the next one replaces it. */
const PATIENCE: u32 = 8;

/** Records the list of one message at a time on this worker, in memory that is used again. */
export class ListRecording {
  /** The address of the message; 0 where nothing is recorded. */
  private owner: usize = 0;
  /** What has been recorded: see KeptList; 0 before the first recording. */
  private block: usize = 0;
  private capacity: usize = 0;
  private method: Method = Method.None;
  /** The list has been read to its end. */
  private isWhole: bool = false;
  private refused: u32 = 0;
  /** The fields that the message had before the list. */
  private fields: u64 = 0;

  /** Begins to record the list of a message. False where another message's is being recorded. */
  begin(message: McpMessage, scope: u64): bool {
    const owner = changetype<usize>(message);
    if (this.owner && this.owner != owner && this.refused++ < PATIENCE) return false;
    this.refused = 0;
    this.owner = owner;
    this.method = message.listMethod;
    this.isWhole = false;
    this.fields = message.reader.fields.present;
    this.reserve(0);
    this.list.reset(scope);
    return true;
  }

  /** More bytes of the message's list. Gives up a list that is too long. */
  append(message: McpMessage, at: usize, length: usize): void {
    if (this.owner != changetype<usize>(message)) return;
    this.refused = 0;
    const before = this.list.length;
    if (before + length + ROOM > CAPACITY_LIMIT) return this.drop(message);
    this.reserve(before + length);
    const list = this.list;
    memory.copy(list.bytes + before, at, length);
    list.length += length;
  }

  /** The message's list is over. */
  end(message: McpMessage): void {
    if (this.owner != changetype<usize>(message)) return;
    if (this.list.length < LEAST_LENGTH) return this.drop(message);
    this.list.keepFound(message, message.reader.fields.present & ~this.fields);
    this.isWhole = true;
  }

  /** Ends the recording of a message that answers this method. Returns its list, valid until the next recording; null where no whole
   *  one has been recorded, or one that such answers do not have. */
  take(message: McpMessage, method: Method): KeptList | null {
    if (this.owner != changetype<usize>(message)) return null;
    this.owner = 0;
    return this.isWhole && this.method == method ? this.list : null;
  }

  /** Ends the recording of a message, if there is one, without a result. */
  drop(message: McpMessage): void {
    if (this.owner == changetype<usize>(message)) this.owner = 0;
  }

  private get list(): KeptList {
    return changetype<KeptList>(this.block);
  }

  /** Makes room for a list of so many bytes. */
  private reserve(length: usize): void {
    const needed = length + ROOM;
    if (needed <= this.capacity) return;
    let capacity = max(this.capacity, LEAST_CAPACITY);
    while (capacity < needed) capacity *= 4;
    this.block = this.block ? heap.realloc(this.block, capacity) : heap.alloc(capacity);
    this.capacity = capacity;
  }
}

export const recording = new ListRecording();
