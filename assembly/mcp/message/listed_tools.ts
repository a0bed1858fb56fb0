import { mix } from "../../memory/bytes";
import { keyedHash } from "../../memory/keyed_hash";
import { StreamHash } from "../../memory/stream_hash";
import { LISTED_TOOL_SIZE, ListedTool, TOOL_LIMIT } from "../../store/tool_lists";

/** The maximum number of tools of a list that are compared with those of earlier lists. */
let limit: i32 = TOOL_LIMIT;

/** Lowers the maximum number of tools that are compared: to 0 in a build that remembers no lists. Called once, by the entry,
 *  before any list is read. */
export function limitListedTools(count: i32): void {
  limit = count;
}

/** The tools of a list that is being read: a keyed hash of the name and of the definition of each. Pooled. */
@unmanaged
export class ListedTools {
  /** The number of tools that have started. */
  count: i32;
  /** Whether the list is incomplete: it has more than {@link limit} tools, or earlier pages are missing. */
  isCut: bool;
  /** Whether the latest tool has not ended. */
  private isOpen: bool;
  private description: StreamHash;
  private inputSchema: StreamHash;
  private nextFree: usize;

  static acquire(): ListedTools {
    let self = changetype<ListedTools>(free);
    if (free) {
      free = self.nextFree;
    } else {
      self = changetype<ListedTools>(heap.alloc(offsetof<ListedTools>() + limit * LISTED_TOOL_SIZE));
      self.description = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
      self.inputSchema = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
    }
    self.count = 0;
    self.isCut = false;
    self.isOpen = false;
    return self;
  }

  /** Acquires a list with a copy of `count` tools at `tools`. */
  static copy(tools: usize, count: i32, isCut: bool): ListedTools {
    const self = ListedTools.acquire();
    memory.copy(self.at, tools, count * LISTED_TOOL_SIZE);
    self.count = count;
    self.isCut = isCut;
    return self;
  }

  /** Returns the object to the pool. It must not be used afterwards. */
  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** The address of the tools. */
  get at(): usize {
    return changetype<usize>(this) + offsetof<ListedTools>();
  }

  /** Inserts the tools of earlier pages before those of this one. */
  prepend(tools: usize, count: i32): void {
    if (this.count + count > limit) {
      this.isCut = true;
      return;
    }
    memory.copy(this.at + count * LISTED_TOOL_SIZE, this.at, this.count * LISTED_TOOL_SIZE);
    memory.copy(this.at, tools, count * LISTED_TOOL_SIZE);
    this.count += count;
  }

  /** Starts the next tool. */
  begin(): void {
    this.end();
    if (this.count == limit) {
      this.isCut = true;
      return;
    }
    memory.fill(this.at + this.count * LISTED_TOOL_SIZE, 0, LISTED_TOOL_SIZE);
    this.count++;
    this.isOpen = true;
    this.description.reset();
    this.inputSchema.reset();
  }

  /** Sets the name of the latest tool. */
  setName(at: usize, length: u32): void {
    if (this.count > 0) this.newest.nameHash = keyedHash(at, length);
  }

  feedDescription(at: usize, length: usize): void {
    this.description.feed(at, length);
  }

  feedInputSchema(at: usize, length: usize): void {
    this.inputSchema.feed(at, length);
  }

  /** Ends the latest tool. Must also be called at the end of the list. */
  end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.newest.definitionHash = mix(this.description.value ^ mix(this.inputSchema.value));
  }

  private get newest(): ListedTool {
    return changetype<ListedTool>(this.at + (this.count - 1) * LISTED_TOOL_SIZE);
  }
}

let free: usize = 0;
