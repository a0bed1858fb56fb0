import { mix } from "../../memory/bytes";
import { ListPaths } from "../../store/list_paths";
import { LISTED_TOOL_SIZE, ListedTool, ToolLists, findTool } from "../../store/tool_lists";
import { Events } from "../events";
import { ListedTools } from "../message/listed_tools";
import { McpMessage } from "../message/message";
import { ToolChange } from "../protocol/tool_change";
import { Participants } from "../sessions/participants";
import { StreamSessions } from "../sessions/stream_sessions";
import { Operation } from "../state/operation";
import { Stream } from "../state/stream";

/** Compares a server's tool list with the one that the same caller saw before on the same path. */
export class ListChanges {
  constructor(
    private lists: ToolLists,
    private paths: ListPaths,
    private sessions: StreamSessions,
    private participants: Participants,
    private events: Events,
  ) {}

  /** Compares a list, or a page of one. Changes are reported with the last page. Paths beyond the maximum number of tracked
   *  paths are ignored. */
  compare(stream: Stream, message: McpMessage, operation: Operation): void {
    if (!this.paths.admit(this.participants.serverOf(stream), stream.path)) return;
    const lists = this.lists;
    const scope = this.sessions.callerScope(stream);
    const read = message.listedTools;
    const tools = read ? read : ListedTools.acquire();
    if (operation.cursor) {
      const page = pageOf(scope, operation.cursor);
      // Earlier pages were not all seen, or there are too many tools.
      if (!lists.load(page)) tools.isCut = true;
      else tools.prepend(lists.at, lists.count);
      lists.remove(page);
    }
    if (tools.isCut) lists.remove(scope);
    else if (message.nextCursor) lists.save(pageOf(scope, message.nextCursor), tools.at, tools.count);
    else if (lists.save(scope, tools.at, tools.count)) this.report(stream, tools);
    if (!read) tools.release();
  }

  /** Whether the latest list that the stream's caller saw on its path does not contain a tool. False if no list is known. */
  lacks(stream: Stream, tool: u64): bool {
    return this.lists.lacks(this.sessions.callerScope(stream), tool);
  }

  private report(stream: Stream, tools: ListedTools): void {
    const before = this.lists;
    for (let i = 0; i < tools.count; i++) {
      const tool = changetype<ListedTool>(tools.at + i * LISTED_TOOL_SIZE);
      const found = findTool(before.at, before.count, tool.nameHash, i);
      if (!found) this.events.toolChanged(stream, tool.nameHash, ToolChange.Added);
      else if (changetype<ListedTool>(found).definitionHash != tool.definitionHash) {
        this.events.toolChanged(stream, tool.nameHash, ToolChange.Changed);
      }
    }
    for (let i = 0; i < before.count; i++) {
      const tool = changetype<ListedTool>(before.at + i * LISTED_TOOL_SIZE);
      if (findTool(tools.at, tools.count, tool.nameHash, i)) continue;
      this.events.toolChanged(stream, tool.nameHash, ToolChange.Removed);
    }
  }
}

/** Identifies the pages of a list before the page with this cursor. */
function pageOf(scope: u64, cursor: u64): u64 {
  return mix(scope ^ cursor);
}
