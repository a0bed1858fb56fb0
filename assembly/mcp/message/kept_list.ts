import { LISTED_TOOL_SIZE, TOOL_LIMIT } from "../../store/tool_lists";
import { METER_SIZE } from "../../tokens/meter";
import { ListedTools } from "./listed_tools";
import { McpMessage } from "./message";

/** The {@link KeptList.toolCount} of a list without tools. */
const NO_TOOLS: i32 = -1;

/** A list of definitions as the server sent it, and the results of reading it. One block of memory holds this object and,
 *  after it, the state of the meter after the list, the list's bytes, and its tools. */
@unmanaged
export class KeptList {
  /** Identifies the kind of list and the server: see {@link KeptLists}. */
  scope: u64;
  /** A bit for each field in the list. */
  private fields: u64;
  /** The length of the list in bytes, from after its opening bracket up to and including the closing one. */
  length: usize;
  private toolCount: i32;
  private areToolsCut: bool;
  private hasTexts: bool;
  /** The number of messages that are being compared with the list. */
  readers: u32;
  /** The number of messages that had the same list. */
  repeats: u32;
  /** The addresses of the lists that were used next after and before this one; 0 for none. */
  newer: usize;
  older: usize;

  /** Prepares an empty list. */
  reset(scope: u64): void {
    memory.fill(changetype<usize>(this), 0, offsetof<KeptList>());
    this.scope = scope;
  }

  @inline
  get bytes(): usize {
    return changetype<usize>(this) + BYTES_AT;
  }

  /** The size of the block in bytes. */
  get size(): usize {
    return this.toolsAt + max(this.toolCount, 0) * LISTED_TOOL_SIZE;
  }

  /** Stores the results of reading the message up to the end of the list. There must be {@link TOOLS_ROOM} bytes of room
   *  after the list's bytes. `fields` has a bit for each field that the list has added. */
  keepFound(message: McpMessage, fields: u64): void {
    this.fields = fields;
    const tools = message.listedTools;
    this.toolCount = tools ? tools.count : NO_TOOLS;
    if (tools) {
      this.areToolsCut = tools.isCut;
      memory.copy(changetype<usize>(this) + this.toolsAt, tools.at, tools.count * LISTED_TOOL_SIZE);
    }
    this.hasTexts = !message.texts.isEmpty;
    if (this.hasTexts) message.texts.save(this.meterAt);
  }

  /** Applies the stored results to a message whose definitions have not been read. */
  restoreFound(message: McpMessage): void {
    message.reader.fields.present |= this.fields;
    if (this.hasTexts) message.texts.restore(this.meterAt);
    if (this.toolCount == NO_TOOLS) return;
    const tools = changetype<usize>(this) + this.toolsAt;
    message.tools = changetype<usize>(ListedTools.copy(tools, this.toolCount, this.areToolsCut));
  }

  private get meterAt(): usize {
    return changetype<usize>(this) + METER_AT;
  }

  /** The offset of the tools. */
  private get toolsAt(): usize {
    return (BYTES_AT + this.length + 7) & ~7;
  }
}

const METER_AT: usize = (offsetof<KeptList>() + 7) & ~7;
/** The offset of the list's bytes. */
const BYTES_AT: usize = METER_AT + METER_SIZE;
/** The maximum room for the tools of a list, in bytes. */
const TOOLS_ROOM: usize = 7 + TOOL_LIMIT * LISTED_TOOL_SIZE;
/** The room in bytes that a list needs besides its own bytes, as long as its contents are unknown. */
export const ROOM: usize = BYTES_AT + TOOLS_ROOM;
