import { CountingUnit } from "./counting_unit";
import { McpMessage } from "../message/message";
import { Method, isList } from "../protocol/methods";
import { Operation } from "../operations/operation";
import { Outcome } from "../protocol/outcome";
import { SessionedStream } from "./sessioned_stream";
import { TokenKind } from "../protocol/token_kinds";

/** A stream's part in what models read and write: how many tokens its messages are. */
@unmanaged
export class MeasuredStream extends SessionedStream {
  /** Takes the tokens of a request into its operation. */
  protected measureRequest(message: McpMessage, operation: Operation): void {
    operation.cursor = message.cursor;
    if (operation.method == Method.ToolsCall) take(operation, message, TokenKind.Arguments);
    if (message.isSampled) take(operation, message, TokenKind.SamplingResult);
  }

  /** Takes the tokens of an answer into its operation. */
  protected measureAnswer(message: McpMessage, operation: Operation, unit: CountingUnit): void {
    if (!unit.tokens.estimate) return;
    for (let kind = <i32>TokenKind.Result; kind <= TokenKind.SamplingRequest; kind++) take(operation, message, kind);
    if (isList(operation.method) && message.outcome == Outcome.Ok) this.measureList(message, operation, unit);
  }

  /** Counts what a server asks the client's model to sample. */
  protected countSamplingRequest(message: McpMessage, unit: CountingUnit): void {
    this.countTokens(TokenKind.SamplingRequest, message.tokens(TokenKind.SamplingRequest), unit);
  }

  /** Counts what a client's model sampled, if that is what the client answers. */
  protected countClientAnswer(message: McpMessage, unit: CountingUnit): void {
    if (!message.isSampled) return;
    // A list of contents stands where a tool's result has it too, which no client sends.
    const tokens = message.tokens(TokenKind.SamplingResult) + message.tokens(TokenKind.Result);
    this.countTokens(TokenKind.SamplingResult, tokens, unit);
  }

  /** Counts tokens outside of any operation. */
  private countTokens(kind: TokenKind, tokens: u32, unit: CountingUnit): void {
    if (tokens == 0) return;
    unit.observer.tokens(this, kind, tokens);
    this.countTokensInSession(tokens, unit);
  }

  /** Counts a page of a list; with the last one, tells what the list has come to. */
  private measureList(message: McpMessage, operation: Operation, unit: CountingUnit): void {
    const scope = this.listScope(operation.method);
    const before = operation.cursor ? unit.listedTokens.get(scope, operation.cursor) : 1;
    // The pages before this one were not all seen.
    if (before == 0) return;
    const total = before + operation.tokens(TokenKind.Definitions);
    if (message.nextCursor) unit.listedTokens.set(scope, message.nextCursor, total);
    else unit.observer.listMeasured(this, operation.method, total - 1);
  }
}

function take(operation: Operation, message: McpMessage, kind: TokenKind): void {
  operation.addTokens(kind, message.tokens(kind));
}
