import { CallerLabel } from "../../config/plugin_config";
import { MessageKind } from "../../jsonrpc/message_reader";
import { Events } from "../events";
import { McpMessage } from "../message/message";
import { Pairing } from "../operations/pairing";
import { TokenUsage } from "../operations/token_usage";
import { Method } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { Participants } from "../sessions/participants";
import { StreamSessions } from "../sessions/stream_sessions";
import { Stream } from "../state/stream";
import { checkHeaders } from "../tools/header_checks";

/** Processes the messages that clients send. */
export class ClientMessages {
  constructor(
    private sessions: StreamSessions,
    private participants: Participants,
    private pairing: Pairing,
    private usage: TokenUsage,
    private events: Events,
  ) {}

  /** Processes a message of an MCP stream. `rejection`: the outcome if the gate rejects the message; otherwise Open. */
  process(stream: Stream, message: McpMessage, kind: MessageKind, rejection: Outcome): void {
    const isRejected = rejection != Outcome.Open;
    if (stream.isUnchecked) this.reportUnchecked(stream, message, kind);
    switch (kind) {
      case MessageKind.Request:
        // HTTP+SSE has no headers that repeat the body.
        if (!isRejected && !message.isBatch && !stream.session.isHttpSse && !stream.isUnpaired) {
          checkHeaders(stream, message, this.events);
        }
        return this.pairing.begin(stream, message, rejection);
      case MessageKind.Response:
        if (!isRejected) this.usage.clientAnswered(stream, message);
        return this.pairing.answerFromClient(stream, message, rejection);
      default:
        this.processNotification(stream, message, isRejected);
    }
  }

  private processNotification(stream: Stream, message: McpMessage, isRejected: bool): void {
    const method = message.method;
    const session = this.sessions.keyOrNone(stream);
    if (isRejected) return this.events.notificationRejected(stream, method, session);
    this.events.notifications(stream, method, true, 1, message.size, session);
    if (method == Method.NotificationsCancelled) this.pairing.cancel(stream, message, false);
  }

  private reportUnchecked(stream: Stream, message: McpMessage, kind: MessageKind): void {
    const isAnswer = kind == MessageKind.Response;
    const asked = isAnswer ? this.pairing.askedMethod(stream, message.idKind, message.idHash) : message.method;
    this.participants.nameCaller(stream);
    if (this.participants.callerLabel == CallerLabel.Client) {
      this.events.clientCalls(stream, this.sessions.keyOrNone(stream), message.clientName, message.clientNameLength);
    }
    this.events.unchecked(stream, asked, message.name, message.nameLength);
  }
}
