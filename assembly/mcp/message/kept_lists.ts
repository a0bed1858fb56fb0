import { commonLength } from "../../memory/common_length";
import { Method } from "../protocol/methods";
import { KeptList } from "./kept_list";
import { recording } from "./list_recording";
import { McpMessage } from "./message";

/** The maximum memory (in bytes) and number of the lists of one counting unit on one worker. */
const SIZE_LIMIT: usize = 1048576;
const COUNT_LIMIT: i32 = 64;
/** The number of repetitions after which a list is read again, since sinks may now be able to store names that they could
 *  not store before. */
const REPEAT_LIMIT: u32 = 1024;

/**
 * The latest lists of definitions that servers sent, with the results of reading them, so that a list that repeats byte for
 * byte need not be read. Bounded: the least recently used lists are evicted first.
 */
export class KeptLists {
  private newest: usize = 0;
  private oldest: usize = 0;
  private count: i32 = 0;
  private size: usize = 0;
  private isClosed: bool = false;

  /** The address of the most recently used list of a scope; 0 if there is none. A scope is a kind of list of one server, for
   *  any caller and any page. */
  first(scope: u64): usize {
    return find(this.newest, scope);
  }

  /** The address of the next less recently used list of the same scope that begins with the same `length` bytes and is
   *  longer; 0 if there is none. */
  like(list: KeptList, length: usize): usize {
    for (let at = find(list.older, list.scope); at; at = find(changetype<KeptList>(at).older, list.scope)) {
      const other = changetype<KeptList>(at);
      if (other.length > length && commonLength(other.bytes, list.bytes, length) == length) return at;
    }
    return 0;
  }

  /** Counts a message with the same list and marks the list as most recently used. */
  repeat(list: KeptList): void {
    this.unlink(list);
    if (++list.repeats >= REPEAT_LIMIT && !list.readers) heap.free(changetype<usize>(list));
    else this.link(list);
  }

  /** Stores the recorded list of a response to a request with this method, if there is one and there is room. */
  keep(message: McpMessage, method: Method): void {
    const recorded = recording.finish(message, method);
    if (!recorded || this.isClosed) return;
    const size = recorded.size;
    this.boundNew(recorded.scope, size);
    if (!this.makeRoom(size)) return;
    const at = heap.alloc(size);
    memory.copy(at, changetype<usize>(recorded), size);
    this.link(changetype<KeptList>(at));
  }

  /** Frees all lists except those with which messages are being compared. No lists are stored afterwards. */
  close(): void {
    this.isClosed = true;
    for (let at = this.oldest; at;) {
      const list = changetype<KeptList>(at);
      at = list.newer;
      if (!list.readers) this.remove(list);
    }
  }

  /** Removes lists of this scope that have not repeated, as far as they and one of this size would take more than half of
   *  the memory. So a server whose lists always differ does not evict those of other servers. */
  private boundNew(scope: u64, size: usize): void {
    let total = size;
    let count = 1;
    for (let at = this.newest; at;) {
      const list = changetype<KeptList>(at);
      at = list.older;
      if (list.scope != scope || list.repeats) continue;
      total += list.size;
      const isExcess = total > SIZE_LIMIT / 2 || ++count > COUNT_LIMIT / 2;
      if (isExcess && !list.readers) this.remove(list);
    }
  }

  /** Removes lists, least recently used first, until there is room for one of this size. Lists with which messages are being
   *  compared stay. False if there is still no room. */
  private makeRoom(size: usize): bool {
    for (let at = this.oldest; at && !this.hasRoom(size);) {
      const list = changetype<KeptList>(at);
      at = list.newer;
      if (!list.readers) this.remove(list);
    }
    return this.hasRoom(size);
  }

  private hasRoom(size: usize): bool {
    return this.count < COUNT_LIMIT && this.size + size <= SIZE_LIMIT;
  }

  private remove(list: KeptList): void {
    this.unlink(list);
    heap.free(changetype<usize>(list));
  }

  /** Adds a list as the most recently used one. */
  private link(list: KeptList): void {
    const at = changetype<usize>(list);
    list.newer = 0;
    list.older = this.newest;
    if (this.newest) changetype<KeptList>(this.newest).newer = at;
    else this.oldest = at;
    this.newest = at;
    this.count++;
    this.size += list.size;
  }

  private unlink(list: KeptList): void {
    if (list.newer) changetype<KeptList>(list.newer).older = list.older;
    else this.newest = list.older;
    if (list.older) changetype<KeptList>(list.older).newer = list.newer;
    else this.oldest = list.newer;
    this.count--;
    this.size -= list.size;
  }
}

/** The address of the first list of this scope, starting at this address; 0 if there is none. */
function find(at: usize, scope: u64): usize {
  while (at && changetype<KeptList>(at).scope != scope) at = changetype<KeptList>(at).older;
  return at;
}
