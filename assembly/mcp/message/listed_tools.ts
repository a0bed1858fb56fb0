import { mix } from "../../memory/bytes";
import { keyedHash } from "../../memory/keyed_hash";
import { StreamHash } from "../../memory/stream_hash";
import { LISTED_TOOL_SIZE, ListedTool, TOOL_LIMIT } from "../../store/tool_lists";

const LIST_SIZE: usize = TOOL_LIMIT * LISTED_TOOL_SIZE;

/** The tools of a list as they are read: for each a keyed hash of its name and one of its definition. Pooled. */
@unmanaged
export class ListedTools {
  /** How many have begun. */
  count: i32;
  /** The list is not whole: it has more than {@link TOOL_LIMIT} tools, or earlier pages are missing. */
  isCut: bool;
  /** The tool that began last is not over. */
  private isOpen: bool;
  private description: StreamHash;
  private inputSchema: StreamHash;
  private nextFree: usize;

  static take(): ListedTools {
    let self = changetype<ListedTools>(free);
    if (free) {
      free = self.nextFree;
    } else {
      self = changetype<ListedTools>(heap.alloc(offsetof<ListedTools>() + LIST_SIZE));
      self.description = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
      self.inputSchema = changetype<StreamHash>(heap.alloc(offsetof<StreamHash>()));
    }
    self.count = 0;
    self.isCut = false;
    self.isOpen = false;
    return self;
  }

  /** A list that was read before: `count` tools at `tools`. */
  static copy(tools: usize, count: i32, isCut: bool): ListedTools {
    const self = ListedTools.take();
    memory.copy(self.at, tools, count * LISTED_TOOL_SIZE);
    self.count = count;
    self.isCut = isCut;
    return self;
  }

  /** It must not be used any more. */
  release(): void {
    this.nextFree = free;
    free = changetype<usize>(this);
  }

  /** Where the tools lie. */
  get at(): usize {
    return changetype<usize>(this) + offsetof<ListedTools>();
  }

  /** Puts the tools of the pages before this one in front. */
  prepend(tools: usize, count: i32): void {
    if (this.count + count > TOOL_LIMIT) {
      this.isCut = true;
      return;
    }
    memory.copy(this.at + count * LISTED_TOOL_SIZE, this.at, this.count * LISTED_TOOL_SIZE);
    memory.copy(this.at, tools, count * LISTED_TOOL_SIZE);
    this.count += count;
  }

  /** The next tool begins. */
  begin(): void {
    this.end();
    if (this.count == TOOL_LIMIT) {
      this.isCut = true;
      return;
    }
    memory.fill(this.at + this.count * LISTED_TOOL_SIZE, 0, LISTED_TOOL_SIZE);
    this.count++;
    this.isOpen = true;
    this.description.reset();
    this.inputSchema.reset();
  }

  /** The name of the tool that began last. */
  setName(at: usize, length: u32): void {
    if (this.count > 0) this.newest.nameHash = keyedHash(at, length);
  }

  feedDescription(at: usize, length: usize): void {
    this.description.feed(at, length);
  }

  feedInputSchema(at: usize, length: usize): void {
    this.inputSchema.feed(at, length);
  }

  /** The tool that began last is over. To be called at the end of the list, too. */
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
