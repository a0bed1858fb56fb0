import { Method } from "../protocol/methods";
import { KeptList, ROOM } from "./kept_list";
import { McpMessage } from "./message";

/** The minimum length of a stored list in bytes. Shorter ones are quick to read. */
const MIN_LENGTH: usize = 512;
const MIN_CAPACITY: usize = 16384;
/** The maximum memory for a recording, and so the maximum size of a stored list, in bytes. */
const CAPACITY_LIMIT: usize = 262144;
/** The number of lists that are not recorded while a recording makes no progress. Then the next list replaces it. */
const PATIENCE: u32 = 8;

/** Records the list of one message at a time on this worker, in memory that is reused. */
export class ListRecording {
  /** The address of the recorded message; 0 if nothing is being recorded. */
  private owner: usize = 0;
  /** The address of the recorded {@link KeptList}; 0 before the first recording. */
  private block: usize = 0;
  private capacity: usize = 0;
  private method: Method = Method.None;
  /** Whether the list has been read to its end. */
  private isWhole: bool = false;
  private declined: u32 = 0;
  /** A bit for each field that the message had before the list. */
  private fields: u64 = 0;

  /** Starts recording the list of a message. False if the list of another message is being recorded. */
  begin(message: McpMessage, scope: u64): bool {
    const owner = changetype<usize>(message);
    if (this.owner && this.owner != owner && this.declined++ < PATIENCE) return false;
    this.declined = 0;
    this.owner = owner;
    this.method = message.listMethod;
    this.isWhole = false;
    this.fields = message.reader.fields.present;
    this.reserve(0);
    this.list.reset(scope);
    return true;
  }

  /** Adds bytes of the message's list. Drops a list that is too long. */
  append(message: McpMessage, at: usize, length: usize): void {
    if (this.owner != changetype<usize>(message)) return;
    this.declined = 0;
    const before = this.list.length;
    if (before + length + ROOM > CAPACITY_LIMIT) return this.drop(message);
    this.reserve(before + length);
    const list = this.list;
    memory.copy(list.bytes + before, at, length);
    list.length += length;
  }

  /** Ends the message's list. */
  end(message: McpMessage): void {
    if (this.owner != changetype<usize>(message)) return;
    if (this.list.length < MIN_LENGTH) return this.drop(message);
    this.list.keepFound(message, message.reader.fields.present & ~this.fields);
    this.isWhole = true;
  }

  /** Ends the recording of a response to a request with this method. Returns its list, valid until the next recording; null
   *  if no complete list of this method was recorded. */
  finish(message: McpMessage, method: Method): KeptList | null {
    if (this.owner != changetype<usize>(message)) return null;
    this.owner = 0;
    return this.isWhole && this.method == method ? this.list : null;
  }

  /** Discards the recording of a message, if there is one. */
  drop(message: McpMessage): void {
    if (this.owner == changetype<usize>(message)) this.owner = 0;
  }

  private get list(): KeptList {
    return changetype<KeptList>(this.block);
  }

  /** Makes room for a list of `length` bytes. */
  private reserve(length: usize): void {
    const needed = length + ROOM;
    if (needed <= this.capacity) return;
    let capacity = max(this.capacity, MIN_CAPACITY);
    while (capacity < needed) capacity *= 4;
    this.block = this.block ? heap.realloc(this.block, capacity) : heap.alloc(capacity);
    this.capacity = capacity;
  }
}

export const recording = new ListRecording();
