import { Marks } from "../../store/primitives/marks";
import { Events } from "../events";
import { McpMessage } from "../message/message";
import { Method, isList } from "../protocol/methods";
import { Outcome } from "../protocol/outcome";
import { TokenKind, TokenSettings } from "../protocol/token_kinds";
import { StreamSessions } from "../sessions/stream_sessions";
import { Operation } from "../state/operation";
import { Stream } from "../state/stream";

/** Assigns the tokens of messages to operations, sessions and lists. */
export class TokenUsage {
  /** @param listed the tokens of the pages of each list that have been read so far, plus one. */
  constructor(
    private settings: TokenSettings,
    private listed: Marks,
    private sessions: StreamSessions,
    private events: Events,
  ) {}

  /** Counts the tokens of a request. */
  requested(message: McpMessage, operation: Operation): void {
    operation.cursor = message.cursor;
    if (operation.method == Method.ToolsCall) add(operation, message, TokenKind.Arguments);
    if (message.isSampled) add(operation, message, TokenKind.SamplingResult);
  }

  /** Counts the tokens of a response. */
  answered(stream: Stream, message: McpMessage, operation: Operation): void {
    if (!this.settings.estimate) return;
    for (let kind = <i32>TokenKind.Result; kind <= TokenKind.SamplingRequest; kind++) {
      if (kind != TokenKind.Structured) add(operation, message, kind);
    }
    const structured = message.tokens(TokenKind.Structured);
    operation.addTokens(message.tokens(TokenKind.Result) ? TokenKind.Structured : TokenKind.Result, structured);
    if (isList(operation.method) && message.outcome == Outcome.Ok) this.countPage(stream, message, operation);
  }

  /** Counts the tokens of a server's sampling request to the client's model. */
  samplingRequested(stream: Stream, message: McpMessage): void {
    this.count(stream, TokenKind.SamplingRequest, message.tokens(TokenKind.SamplingRequest));
  }

  /** Counts the tokens of a client's response to the server, if its model has sampled. */
  clientAnswered(stream: Stream, message: McpMessage): void {
    if (!message.isSampled) return;
    // A list of contents is at the same place as in a tool result, which no client sends.
    const tokens = message.tokens(TokenKind.SamplingResult) + message.tokens(TokenKind.Result);
    this.count(stream, TokenKind.SamplingResult, tokens);
  }

  /** Reports tokens outside of any operation. */
  private count(stream: Stream, kind: TokenKind, tokens: u32): void {
    if (tokens == 0) return;
    this.events.tokens(stream, kind, tokens);
    this.sessions.addTokens(stream, tokens);
  }

  /** Adds up the tokens of a list's pages, and reports the total with the last page. */
  private countPage(stream: Stream, message: McpMessage, operation: Operation): void {
    const isPaged = operation.cursor != 0 || message.nextCursor != 0;
    const scope: u64 = isPaged ? this.sessions.listScope(stream, operation.method) : 0;
    const before = operation.cursor ? this.listed.get(scope, operation.cursor) : 1;
    // Earlier pages were not all seen.
    if (before == 0) return;
    const total = before + operation.tokens(TokenKind.Definitions);
    if (message.nextCursor) this.listed.set(scope, message.nextCursor, total);
    else this.events.listMeasured(stream, operation.method, total - 1);
  }
}

function add(operation: Operation, message: McpMessage, kind: TokenKind): void {
  operation.addTokens(kind, message.tokens(kind));
}
