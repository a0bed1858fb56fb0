import { LISTED_TOOL_SIZE, TOOL_LIMIT } from "../../store/tool_lists";
import { METER_SIZE } from "../../tokens/meter";
import { ListedTools } from "./listed_tools";
import { McpMessage } from "./message";

/** {@link KeptList.toolCount} of a list that is not one of tools. */
const NO_TOOLS: i32 = -1;

/** A list of definitions as a server wrote it, and what reading it has found. One block of memory holds this object and, behind it,
 *  the state of the meter after the list, the list's bytes, and its tools. */
@unmanaged
export class KeptList {
  /** The kind of list and the server: see KeptLists. */
  scope: u64;
  /** A bit for each field in it. */
  private fields: u64;
  /** Bytes of the list, from behind its opening bracket up to and including the closing one. */
  length: usize;
  private toolCount: i32;
  private areToolsCut: bool;
  private hasTexts: bool;
  /** Messages that are being compared with it. */
  readers: u32;
  /** Messages that were the same. */
  repeats: u32;
  /** The addresses of the lists that were used next after this one and before it, or 0. */
  newer: usize;
  older: usize;

  /** Without bytes. */
  reset(scope: u64): void {
    memory.fill(changetype<usize>(this), 0, offsetof<KeptList>());
    this.scope = scope;
  }

  @inline
  get bytes(): usize {
    return changetype<usize>(this) + BYTES_AT;
  }

  /** Bytes of memory that it takes. */
  get size(): usize {
    return this.toolsAt + max(this.toolCount, 0) * LISTED_TOOL_SIZE;
  }

  /** Keeps what has been read of the message up to the end of the list. There must be {@link TOOLS_ROOM} bytes of room behind the
   *  list's own. `fields`: a bit for each field that the list has added. */
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

  /** Brings a message of which no definition has been read to where {@link keepFound} was called. */
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

  /** Offset of its tools. */
  private get toolsAt(): usize {
    return (BYTES_AT + this.length + 7) & ~7;
  }
}

const METER_AT: usize = (offsetof<KeptList>() + 7) & ~7;
/** Offset of a list's bytes. */
const BYTES_AT: usize = METER_AT + METER_SIZE;
/** Room that the tools of a list need at most. */
const TOOLS_ROOM: usize = 7 + TOOL_LIMIT * LISTED_TOOL_SIZE;
/** Bytes that a list needs beside its own until it is known what it has. */
export const ROOM: usize = BYTES_AT + TOOLS_ROOM;
