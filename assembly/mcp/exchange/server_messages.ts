import { MessageKind } from "../../jsonrpc/message_reader";
import { Events } from "../events";
import { McpMessage } from "../message/message";
import { Pairing } from "../operations/pairing";
import { TokenUsage } from "../operations/token_usage";
import { Method, TargetKind } from "../protocol/methods";
import { StreamKind } from "../protocol/stream_kinds";
import { Participants } from "../sessions/participants";
import { Stream } from "../state/stream";
import { Tasks } from "../tools/tasks";

/** Processes the messages that servers send. */
export class ServerMessages {
  constructor(
    private participants: Participants,
    private pairing: Pairing,
    private usage: TokenUsage,
    private tasks: Tasks,
    private events: Events,
  ) {}

  /** A message of a stream that is MCP has been read. `isWhole`: it is all that the server answers. */
  process(stream: Stream, message: McpMessage, kind: MessageKind, isWhole: bool): void {
    if (kind == MessageKind.Response) {
      this.pairing.answer(stream, message, isWhole);
    } else if (kind == MessageKind.Notification) {
      this.processNotification(stream, message);
    } else {
      if (message.method == Method.SamplingCreateMessage) this.usage.samplingRequested(stream, message);
      this.pairing.beginFromServer(stream, message);
    }
  }

  /** The name of a tool or prompt in a list has been read. */
  readListed(stream: Stream, message: McpMessage): void {
    const isTool = message.listed == TargetKind.Tool;
    if (!mayAnswer(stream, isTool ? Method.ToolsList : Method.PromptsList)) return;
    this.participants.serverOf(stream);
    this.events.nameSeen(stream, message.listed, message.listedAt, message.listedLength, true);
  }

  /** A task in a list has been read. */
  readTask(stream: Stream, message: McpMessage): void {
    if (mayAnswer(stream, Method.TasksList)) this.tasks.report(stream, message.task, message.taskState);
  }

  private processNotification(stream: Stream, message: McpMessage): void {
    this.events.notification(stream, message.method, false, message.size, 0);
    switch (message.method) {
      case Method.NotificationsProgress:
        this.events.progress(stream, stream.operations.only);
        break;
      case Method.NotificationsCancelled:
        this.pairing.cancel(stream, message, true);
        break;
      case Method.NotificationsTasks:
      case Method.NotificationsTasksStatus:
        this.tasks.report(stream, message.task, message.taskState);
        break;
    }
  }
}

/** Whether the stream may carry the answer to such a request. What is asked elsewhere is not known here. */
function mayAnswer(stream: Stream, method: Method): bool {
  const kind = stream.kind;
  return kind == StreamKind.Get || kind == StreamKind.HttpSse || stream.operations.includes(method);
}
