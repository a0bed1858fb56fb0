import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { mix } from "../../memory/bytes";
import { keyedHash, neverZero } from "../../memory/keyed_hash";
import { ListedTool, LISTED_TOOL_SIZE, findTool } from "../../store/tool_lists";
import { CountingUnit } from "./counting_unit";
import { ListedTools } from "../message/listed_tools";
import { MeasuredStream } from "./measured_stream";
import { McpMessage } from "../message/message";
import { Method } from "../protocol/methods";
import { MirroredHeader, MirroredHeaders } from "../headers/mirrored_headers";
import { Operation } from "../operations/operation";
import { Outcome } from "../protocol/outcome";
import { MODERN_REVISION, UNKNOWN_REVISION } from "../protocol/revisions";
import { TaskState } from "../protocol/task_state";
import { ToolChange } from "../tools/tool_observer";

/** What a server says of a task that it does not know. */
const INVALID_PARAMS: i32 = -32602;

/** A stream's part in what agents do with tools: whether they exist and stay what they were, what becomes of tasks,
 *  whether headers say what the body says. */
@unmanaged
export class WatchedStream extends MeasuredStream {
  /** The address of what the request's headers repeat of its body, or 0. */
  protected mirrored: usize;

  protected releaseMirrored(): void {
    if (this.mirrored) changetype<MirroredHeaders>(this.mirrored).release();
    this.mirrored = 0;
  }

  /** Compares the headers of a request with its body (2026-07-28, basic/transports/streamable-http, "Server Validation"). */
  protected checkHeaders(message: McpMessage, headerRevision: i32, unit: CountingUnit): void {
    const isModern = message.requestRevision == MODERN_REVISION;
    if (message.requestRevision != UNKNOWN_REVISION && message.requestRevision != headerRevision) {
      unit.toolObserver.headerMismatch(this, MirroredHeader.ProtocolVersion);
    }
    const method: u64 = this.mirrored ? changetype<MirroredHeaders>(this.mirrored).method : 0;
    const name: u64 = this.mirrored ? changetype<MirroredHeaders>(this.mirrored).name : 0;
    if (disagrees(method, message.methodHash, isModern)) unit.toolObserver.headerMismatch(this, MirroredHeader.Method);
    if (disagrees(name, message.targetHash, isModern)) unit.toolObserver.headerMismatch(this, MirroredHeader.Name);
    if (this.mirrored && !changetype<MirroredHeaders>(this.mirrored).paramsAgree) {
      unit.toolObserver.headerMismatch(this, MirroredHeader.Param);
    }
  }

  /** Takes from a request what its operation is watched by. */
  protected watchRequest(message: McpMessage, operation: Operation): void {
    operation.task = message.requestedTask;
    if (operation.method == Method.ToolsCall && !message.continuesCall) {
      const name = keyedHash(operation.name, operation.nameLength);
      operation.callHash = neverZero(mix(message.argumentsHash ^ mix(name)));
    }
  }

  /** Ties a call to its session: only there can it be repeated. */
  protected bindCall(operation: Operation, unit: CountingUnit): void {
    if (!operation.callHash) return;
    operation.callHash = operation.session ? neverZero(mix(operation.callHash ^ operation.session)) : 0;
  }

  /** Takes from an answer what it tells of tools and tasks. */
  protected watchAnswer(message: McpMessage, operation: Operation, outcome: Outcome, unit: CountingUnit): void {
    switch (operation.method) {
      case Method.ToolsList:
        if (outcome == Outcome.Ok) this.compareTools(message, operation, unit);
        break;
      case Method.ToolsCall:
        if (outcome == Outcome.TaskAccepted) this.acceptTask(message, operation, unit);
        else if (outcome == Outcome.ToolError || outcome == Outcome.RpcError) this.seekTool(operation, unit);
        break;
      case Method.TasksGet:
      case Method.TasksCancel:
      case Method.TasksUpdate:
        this.tellTask(message.task ? message.task : operation.task, message.taskState, unit);
        break;
      case Method.TasksResult:
        // It is answered once the task is over, as the request that began the task would have been.
        if (outcome == Outcome.Ok) this.tellTask(operation.task, TaskState.Completed, unit);
        else if (outcome == Outcome.ToolError || (outcome == Outcome.RpcError && message.errorCode != INVALID_PARAMS)) {
          this.tellTask(operation.task, TaskState.Failed, unit);
        }
        break;
    }
  }

  /** The server told the state of a task. */
  protected tellTask(task: u64, state: TaskState, unit: CountingUnit): void {
    unit.observer.resolveServer(this);
    unit.tasks.tell(this, task, state, unit.milliseconds());
  }

  private acceptTask(message: McpMessage, operation: Operation, unit: CountingUnit): void {
    if (!message.task) return;
    const tool = unit.toolObserver.toolOf(this, operation);
    const startedAt = operation.startedAt / NANOSECONDS_PER_MILLISECOND;
    unit.tasks.accept(this, message.task, message.taskState, tool, startedAt, unit.milliseconds());
  }

  /** A call failed: is there such a tool? */
  private seekTool(operation: Operation, unit: CountingUnit): void {
    if (operation.nameLength == 0) return;
    const name = keyedHash(operation.name, operation.nameLength);
    if (unit.toolLists.lacks(this.callerScope(unit), name)) unit.toolObserver.unknownTool(this);
  }

  /** With the last page of a list: compares it with the one that this caller saw last. */
  private compareTools(message: McpMessage, operation: Operation, unit: CountingUnit): void {
    const lists = unit.toolLists;
    const scope = this.callerScope(unit);
    const read = message.listedTools;
    const tools = read ? read : ListedTools.take();
    if (operation.cursor) {
      const page = pageOf(scope, operation.cursor);
      // The pages before this one were not all seen, or are too many.
      if (!lists.load(page)) tools.isCut = true;
      else tools.prepend(lists.at, lists.count);
      lists.remove(page);
    }
    if (tools.isCut) lists.remove(scope);
    else if (message.nextCursor) lists.save(pageOf(scope, message.nextCursor), tools.at, tools.count);
    else if (lists.save(scope, tools.at, tools.count)) this.tellChanges(tools, unit);
    if (!read) tools.release();
  }

  private tellChanges(tools: ListedTools, unit: CountingUnit): void {
    const before = unit.toolLists;
    for (let i = 0; i < tools.count; i++) {
      const tool = changetype<ListedTool>(tools.at + i * LISTED_TOOL_SIZE);
      const found = findTool(before.at, before.count, tool.nameHash, i);
      if (!found) unit.toolObserver.toolChanged(this, tool.label, ToolChange.Added);
      else if (changetype<ListedTool>(found).definitionHash != tool.definitionHash) {
        unit.toolObserver.toolChanged(this, tool.label, ToolChange.Changed);
      }
    }
    for (let i = 0; i < before.count; i++) {
      const tool = changetype<ListedTool>(before.at + i * LISTED_TOOL_SIZE);
      if (findTool(tools.at, tools.count, tool.nameHash, i)) continue;
      unit.toolObserver.toolChanged(this, tool.label, ToolChange.Removed);
    }
  }
}

/** What the pages before the one that this cursor asks for are kept under. */
function pageOf(scope: u64, cursor: u64): u64 {
  return mix(scope ^ cursor);
}

/** Whether a header and the body say different things; in `isModern`, also where the header is missing. */
function disagrees(header: u64, body: u64, isModern: bool): bool {
  return header ? header != body : isModern && body != 0;
}
