import { commonLength } from "../memory/common_length";
import { ATTEMPTS, Store } from "./primitives/store";

/** The capacity of a bucket in bytes, which is also the amount copied at each access. The bucket number is the highest ten
 *  bits of the key. */
const CAPACITY: i32 = 32768;
/** The maximum number of tools stored for a list. */
export const TOOL_LIMIT: i32 = 512;

/** A tool as defined in a list, in shared data. The hashes are keyed, so a server cannot construct two definitions with the
 *  same hash. */
@unmanaged
export class ListedTool {
  nameHash: u64;
  definitionHash: u64;
}

export const LISTED_TOOL_SIZE: i32 = 16;

/** The head of a list. Its tools follow. */
@unmanaged
class ListEntry {
  key: u64;
  count: u32;
  unused: u32;
}

const HEAD: i32 = 16;

if (
  offsetof<ListedTool>("nameHash") != 0 ||
  offsetof<ListedTool>("definitionHash") != 8 ||
  offsetof<ListedTool>() != LISTED_TOOL_SIZE ||
  offsetof<ListEntry>("key") != 0 ||
  offsetof<ListEntry>("count") != 8 ||
  offsetof<ListEntry>("unused") != 12 ||
  offsetof<ListEntry>() != HEAD
)
  ERROR("The layout of ListedTool or ListEntry has changed: see FORMAT.");

const FOUND: usize = heap.alloc(TOOL_LIMIT * LISTED_TOOL_SIZE);

/**
 * The tool lists that servers sent, as hashes: a list by its key, in a fixed number of buckets, so their number is bounded.
 * The lists that were written longest ago are evicted first.
 */
export class ToolLists {
  /** The tools that {@link load} or {@link save} found, `count` tools at `at`. Valid until the next call. */
  readonly at: usize = FOUND;
  count: i32 = 0;

  constructor(private shared: Store) {}

  /** Looks up a list. False if it is unknown. */
  load(key: u64): bool {
    return this.copy(this.find(key));
  }

  /** Whether a known list does not contain the name. False if the list is unknown. */
  lacks(key: u64, nameHash: u64): bool {
    const found = this.find(key);
    return found != 0 && findTool(found + HEAD, changetype<ListEntry>(found).count, nameHash, 0) == 0;
  }

  /** Stores a list of at most {@link TOOL_LIMIT} tools, replacing the previous one with this key. Returns true if there was
   *  a different list, which is then at `at`; false if there was none or the same one. */
  save(key: u64, tools: usize, count: i32): bool {
    const shared = this.shared;
    const size = HEAD + count * LISTED_TOOL_SIZE;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(key);
      const isKnown = this.copy(found);
      if (isKnown && this.count == count && this.holds(tools, size - HEAD)) return false;
      this.cut(found);
      this.makeRoom(size);
      const entry = changetype<ListEntry>(shared.page + shared.length);
      entry.key = key;
      entry.count = count;
      entry.unused = 0;
      memory.copy(changetype<usize>(entry) + HEAD, tools, count * LISTED_TOOL_SIZE);
      shared.length += size;
      if (shared.save()) return isKnown;
    }
    shared.conflicts++;
    return false;
  }

  /** Whether the list found last is that of these bytes. */
  private holds(tools: usize, size: usize): bool {
    return commonLength(this.at, tools, size) == size;
  }

  /** Copies the list at this address to `at`. False if the address is 0. */
  private copy(found: usize): bool {
    if (!found) return false;
    this.count = changetype<ListEntry>(found).count;
    memory.copy(this.at, found + HEAD, this.count * LISTED_TOOL_SIZE);
    return true;
  }

  /** Removes a list. */
  remove(key: u64): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = this.find(key);
      if (!found) return;
      this.cut(found);
      if (this.shared.save()) return;
    }
    this.shared.conflicts++;
  }

  /** Loads the bucket of this key. Returns the address of its list there; 0 if there is none. Bytes after the last valid
   *  list are cut off. */
  private find(key: u64): usize {
    const shared = this.shared;
    shared.load("toolLists", <i32>(key >> 54));
    const end = shared.page + min(shared.length, CAPACITY);
    let found: usize = 0;
    let at = shared.page;
    while (isList(at, end - at)) {
      if (changetype<ListEntry>(at).key == key) found = at;
      at += sizeOf(at);
    }
    shared.length = <i32>(at - shared.page);
    return found;
  }

  /** Removes the oldest lists from the loaded bucket until `size` bytes fit. */
  private makeRoom(size: i32): void {
    const shared = this.shared;
    const end = shared.page + shared.length;
    let first = shared.page;
    while (<i32>(end - first) + size > CAPACITY) first += sizeOf(first);
    memory.copy(shared.page, first, end - first);
    shared.length = <i32>(end - first);
  }

  /** Removes a list from the loaded bucket. */
  private cut(at: usize): void {
    if (!at) return;
    const shared = this.shared;
    const size = sizeOf(at);
    memory.copy(at, at + size, shared.page + shared.length - at - size);
    shared.length -= size;
  }
}

/** Whether a complete, valid list begins at this address, within `size` bytes. */
function isList(at: usize, size: usize): bool {
  if (size < <usize>HEAD || changetype<ListEntry>(at).count > <u32>TOOL_LIMIT) return false;
  return <usize>sizeOf(at) <= size;
}

function sizeOf(at: usize): i32 {
  return HEAD + <i32>changetype<ListEntry>(at).count * LISTED_TOOL_SIZE;
}

/** The address of the tool with this name among `count` tools at `at`; 0 if there is none. The search starts at index
 *  `from`, since the order of lists rarely changes. */
export function findTool(at: usize, count: i32, nameHash: u64, from: i32): usize {
  if (from >= count) from = 0;
  for (let i = 0; i < count; i++) {
    const index = from + i < count ? from + i : from + i - count;
    const tool = at + index * LISTED_TOOL_SIZE;
    if (changetype<ListedTool>(tool).nameHash == nameHash) return tool;
  }
  return 0;
}
