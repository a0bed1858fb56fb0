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
  /** The notifications that have come one after the other in the current callback and are still to be reported: their method,
   *  how many there are, and their bytes. */
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

  /** Adds a message to the notifications that are still to be reported, if it is one more of these. */
  addsUp(message: McpMessage, kind: MessageKind): bool {
    if (!this.count || kind != MessageKind.Notification || message.method != this.method) return false;
    this.count++;
    this.size += message.size;
    return true;
  }

  /** Reports the notifications that have come. */
  report(stream: Stream): void {
    const count = this.count;
    if (!count) return;
    this.count = 0;
    this.events.notifications(stream, this.method, false, count, this.size, 0);
    if (this.method == Method.NotificationsProgress) this.events.progress(stream, stream.operations.only, count);
  }

  /** A message of a stream that is MCP has been read. `isWhole`: it is all that the server answers. */
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

  /** A list of definitions begins. */
  compareList(stream: Stream, reader: McpReader): void {
    if (!mayAnswer(stream, reader.message.listMethod)) return;
    reader.compareList(this.lists, this.participants.serverOf(stream));
  }

  /** The name of a tool or prompt in a list has been read. */
  readListed(stream: Stream, message: McpMessage): void {
    const isTool = message.listed == TargetKind.Tool;
    if (!mayAnswer(stream, isTool ? Method.ToolsList : Method.PromptsList)) return;
    this.report(stream);
    this.participants.serverOf(stream);
    this.events.nameSeen(stream, message.listed, message.listedAt, message.listedLength, true);
  }

  /** A task in a list has been read. */
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

/** Whether the stream may carry the answer to such a request. What is asked elsewhere is not known here. */
function mayAnswer(stream: Stream, method: Method): bool {
  const kind = stream.kind;
  return kind == StreamKind.Get || kind == StreamKind.HttpSse || stream.operations.includes(method);
}
