import { mix } from "../memory/bytes";
import { Store } from "./primitives/store";

const BUCKETS: i32 = 256;
/** The maximum number of tasks in a bucket. The oldest one is evicted first. */
const CAPACITY: i32 = 32;

/** Offsets in an entry: see FORMAT. */
const KEY_AT: usize = 0;
const TOOL_AT: usize = 8;
/** The start time in milliseconds in the low 48 bits, and the state above them. */
const TIME_AT: usize = 16;
/** The length of the tool's name (one byte), and the name. */
const LENGTH_AT: usize = 24;
const NAME_AT: usize = 25;
const NAME_SIZE: i32 = 128;
const ENTRY_SIZE: i32 = <i32>NAME_AT + NAME_SIZE;
const TIME_BITS: u64 = 48;

/** The tasks that servers reported, by server and id, in a fixed number of buckets, so their number is bounded. {@link load}
 *  a task, change it, and {@link save} it. */
export class Tasks {
  /** The number of the task's state, below 65 536; 0 if the task is unknown. */
  state: u32 = 0;
  /** The key of the tool whose call started the task; 0 if it is unknown. */
  tool: u64 = 0;
  /** The tool's name, `nameLength` bytes; 0 bytes if it is unknown or too long to be stored. A loaded name is valid until
   *  the store loads another value. */
  name: usize = 0;
  nameLength: i32 = 0;
  /** The time when the task's request arrived; 0 if its acceptance was not seen. */
  startedAtMs: u64 = 0;
  private key: u64 = 0;
  private found: usize = 0;

  constructor(private shared: Store) {}

  /** Loads a task. False if it is unknown; then all fields are 0. */
  load(server: u64, task: u64): bool {
    const shared = this.shared;
    const key = mix(server ^ mix(task));
    this.key = key;
    this.state = 0;
    this.tool = 0;
    this.startedAtMs = 0;
    this.nameLength = 0;
    this.found = 0;
    shared.loadRecords("tasks", <i32>(key & (BUCKETS - 1)), 0, ENTRY_SIZE, CAPACITY);
    for (let at = 0; at < shared.length; at += ENTRY_SIZE) {
      const entry = shared.page + at;
      if (load<u64>(entry, KEY_AT) != key) continue;
      this.found = entry;
      this.tool = load<u64>(entry, TOOL_AT);
      const length: i32 = load<u8>(entry, LENGTH_AT);
      this.name = entry + NAME_AT;
      this.nameLength = length <= NAME_SIZE ? length : 0;
      const time = load<u64>(entry, TIME_AT);
      this.startedAtMs = time & ((1 << TIME_BITS) - 1);
      this.state = <u32>(time >> TIME_BITS);
      return true;
    }
    return false;
  }

  /** Saves the task that was loaded last. False if another worker has changed it since; then load it again. */
  save(): bool {
    const shared = this.shared;
    let entry = this.found;
    if (!entry) {
      const full = CAPACITY * ENTRY_SIZE;
      if (shared.length == full) {
        memory.copy(shared.page, shared.page + ENTRY_SIZE, full - ENTRY_SIZE);
        shared.length = full - ENTRY_SIZE;
      }
      entry = shared.page + shared.length;
      shared.length += ENTRY_SIZE;
    }
    store<u64>(entry, this.key, KEY_AT);
    store<u64>(entry, this.tool, TOOL_AT);
    const length = this.nameLength <= NAME_SIZE ? this.nameLength : 0;
    if (length && this.name != entry + NAME_AT) memory.copy(entry + NAME_AT, this.name, length);
    memory.fill(entry + NAME_AT + length, 0, NAME_SIZE - length);
    store<u8>(entry, <u8>length, LENGTH_AT);
    store<u64>(entry, this.startedAtMs | ((<u64>this.state) << TIME_BITS), TIME_AT);
    return shared.save();
  }
}
