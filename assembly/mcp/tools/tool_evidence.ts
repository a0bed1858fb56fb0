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

/** The error code with which servers respond for an unknown task. */
const INVALID_PARAMS: i32 = -32602;

/** Extracts from operations what they show about tools: whether these exist, whether their definitions change, and the
 *  states of tasks. */
export class ToolEvidence {
  constructor(
    private lists: ListChanges,
    private tasks: Tasks,
    private events: Events,
  ) {}

  /** Prepares the operation of a request. */
  requested(stream: Stream, message: McpMessage, operation: Operation): void {
    operation.task = message.requestedTask;
    if (operation.method == Method.ToolsCall && !message.continuesCall) {
      const name = keyedHash(operation.name, operation.nameLength);
      // A session belongs to one server. The activity of a caller may concern several servers that share an upstream.
      const path = stream.session.id ? 0 : stream.path;
      operation.callHash = neverZero(mix(message.argumentsHash ^ mix(name ^ path)));
    }
  }

  /** Evaluates the response to an operation. */
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
        // The server responds when the task has ended, like to the request that started the task.
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

  /** Checks, after a failed call, whether the server's list contains the tool. */
  private lookUp(stream: Stream, operation: Operation): void {
    if (operation.nameLength == 0) return;
    if (this.lists.lacks(stream, keyedHash(operation.name, operation.nameLength))) this.events.unknownTool(stream);
  }
}
