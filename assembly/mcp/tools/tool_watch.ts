import { mix } from "../../memory/bytes";
import { keyedHash, neverZero } from "../../memory/keyed_hash";
import { Events } from "../events";
import { McpMessage } from "../message/message";
import { Method, TargetKind } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { TaskState } from "../protocol/task_state";
import { Operation } from "../state/operation";
import { Stream } from "../state/stream";
import { ListChanges } from "./list_changes";
import { Tasks } from "./tasks";

/** The code of the error that servers answer for a task that they do not know. */
const INVALID_PARAMS: i32 = -32602;

/** Follows what operations say of tools: whether they exist and stay what they were, and what becomes of tasks. */
export class ToolWatch {
  constructor(
    private lists: ListChanges,
    private tasks: Tasks,
    private events: Events,
  ) {}

  /** A request begins an operation. */
  requested(stream: Stream, message: McpMessage, operation: Operation): void {
    operation.task = message.requestedTask;
    if (operation.method == Method.ToolsCall && !message.continuesCall) {
      const name = keyedHash(operation.name, operation.nameLength);
      // A session is of one server. The activity of a caller may be of several that share an upstream.
      const path = stream.session.id ? 0 : stream.path;
      operation.callHash = neverZero(mix(message.argumentsHash ^ mix(name ^ path)));
    }
  }

  /** An operation is answered. */
  answered(stream: Stream, message: McpMessage, operation: Operation, outcome: Outcome): void {
    switch (operation.method) {
      case Method.ToolsList:
        if (outcome == Outcome.Ok) this.lists.compare(stream, message, operation);
        break;
      case Method.ToolsCall:
        if (outcome == Outcome.TaskAccepted) this.acceptTask(stream, message, operation);
        else if (outcome == Outcome.ToolError || outcome == Outcome.RpcError) this.lookUp(stream, operation);
        break;
      case Method.TasksGet:
      case Method.TasksCancel:
      case Method.TasksUpdate:
        this.tasks.report(stream, message.task ? message.task : operation.task, message.taskState);
        break;
      case Method.TasksResult:
        // It is answered once the task is over, as the request that began the task would have been.
        if (outcome == Outcome.Ok) this.tasks.report(stream, operation.task, TaskState.Completed);
        else if (outcome == Outcome.ToolError || (outcome == Outcome.RpcError && message.errorCode != INVALID_PARAMS)) {
          this.tasks.report(stream, operation.task, TaskState.Failed);
        }
        break;
    }
  }

  private acceptTask(stream: Stream, message: McpMessage, operation: Operation): void {
    if (!message.task) return;
    this.events.nameSeen(stream, TargetKind.Tool, operation.name, operation.nameLength, false);
    this.tasks.accept(stream, message.task, message.taskState, operation);
  }

  /** A call failed: looks up whether the server has such a tool. */
  private lookUp(stream: Stream, operation: Operation): void {
    if (operation.nameLength == 0) return;
    if (this.lists.lacks(stream, keyedHash(operation.name, operation.nameLength))) this.events.unknownTool(stream);
  }
}
