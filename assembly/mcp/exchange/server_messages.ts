import { MessageKind } from "../../jsonrpc/message_reader";
import { Events } from "../events";
import { KeptLists } from "../message/kept_lists";
import { McpMessage } from "../message/message";
import { McpReader } from "../message/message_reader";
import { Pairing } from "../operations/pairing";
import { TokenUsage } from "../operations/token_usage";
import { Method, TargetKind } from "../protocol/methods";
import { StreamKind } from "../protocol/stream_kinds";
import { Participants } from "../sessions/participants";
import { Stream } from "../state/stream";
import { Tasks } from "../tools/tasks";

/** Processes the messages that servers send. Call {@link report} before a callback ends. */
export class ServerMessages {
  /** Consecutive notifications in the current callback that are not reported yet: their method, number, and total size in
   *  bytes. */
  private method: Method = Method.None;
  private count: u32 = 0;
  private size: u64 = 0;

  constructor(
    private participants: Participants,
    private pairing: Pairing,
    private usage: TokenUsage,
    private tasks: Tasks,
    private lists: KeptLists,
    private events: Events,
  ) {}

  /** Adds a message to the unreported notifications. False if it is not a notification of the same method. */
  addsUp(message: McpMessage, kind: MessageKind): bool {
    if (!this.count || kind != MessageKind.Notification || message.method != this.method) return false;
    this.count++;
    this.size += message.size;
    return true;
  }

  /** Reports the collected notifications. */
  report(stream: Stream): void {
    const count = this.count;
    if (!count) return;
    this.count = 0;
    this.events.notifications(stream, this.method, false, count, this.size, 0);
    if (this.method == Method.NotificationsProgress) this.events.progress(stream, stream.operations.only, count);
  }

  /** Processes a message of an MCP stream. `isWhole`: it is the whole body of the HTTP response. */
  process(stream: Stream, message: McpMessage, kind: MessageKind, isWhole: bool): void {
    this.report(stream);
    if (kind == MessageKind.Response) {
      this.pairing.answer(stream, message, isWhole);
    } else if (kind == MessageKind.Notification) {
      this.processNotification(stream, message);
    } else {
      if (message.method == Method.SamplingCreateMessage) this.usage.samplingRequested(stream, message);
      this.pairing.beginFromServer(stream, message);
    }
  }

  /** Handles the start of a list of definitions. */
  compareList(stream: Stream, reader: McpReader): void {
    if (!mayAnswer(stream, reader.message.listMethod)) return;
    reader.compareList(this.lists, this.participants.serverOf(stream));
  }

  /** Handles the name of a tool or prompt in a list. */
  readListed(stream: Stream, message: McpMessage): void {
    const isTool = message.listed == TargetKind.Tool;
    if (!mayAnswer(stream, isTool ? Method.ToolsList : Method.PromptsList)) return;
    this.report(stream);
    this.participants.serverOf(stream);
    this.events.nameSeen(stream, message.listed, message.listedAt, message.listedLength, true);
  }

  /** Handles a task in a list. */
  readTask(stream: Stream, message: McpMessage): void {
    if (!mayAnswer(stream, Method.TasksList)) return;
    this.report(stream);
    this.tasks.report(stream, message.task, message.taskState);
  }

  private processNotification(stream: Stream, message: McpMessage): void {
    this.method = message.method;
    this.count = 1;
    this.size = message.size;
    switch (message.method) {
      case Method.NotificationsCancelled:
        this.report(stream);
        this.pairing.cancel(stream, message, true);
        break;
      case Method.NotificationsTasks:
      case Method.NotificationsTasksStatus:
        this.report(stream);
        this.tasks.report(stream, message.task, message.taskState);
        break;
    }
  }
}

/** Whether the stream may carry the response to a request with this method. Requests on other streams are unknown here. */
function mayAnswer(stream: Stream, method: Method): bool {
  const kind = stream.kind;
  return kind == StreamKind.Get || kind == StreamKind.HttpSse || stream.operations.includes(method);
}
