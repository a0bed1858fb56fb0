import { Clock } from "../../host/clock";
import { SessionKey } from "../../identity/keys";
import { HEX_SIZE, writeHex } from "../../memory/hex";
import { Bytes } from "../../memory/bytes";
import { TargetKind, Method, targetKind } from "../../mcp/protocol/methods";
import { Outcome, isRejection } from "../../mcp/protocol/outcome";
import { NO_CODE } from "../../mcp/protocol/limits";
import { REVISION_COUNT, UNKNOWN_REVISION } from "../../mcp/protocol/revisions";
import { TOKEN_KIND_COUNT } from "../../mcp/protocol/token_kinds";
import { SpanOrigins } from "../../mcp/spans/span_origins";
import { Operation } from "../../mcp/state/operation";
import { OtherContext, Span } from "../../mcp/state/span";
import { Stream } from "../../mcp/state/stream";
import { Attribute } from "../otlp/attribute";
import { SpanEvent, SpanKind, SpanWriter } from "../otlp/span_writer";
import { METHODS, OUTCOMES, REVISIONS } from "./names";
import { RuleNames } from "./rule_names";
import { ServerNames } from "./server_names";

const HTTP = Bytes.of("http");
const TCP = Bytes.of("tcp");
const EXECUTE_TOOL = Bytes.of("execute_tool");
const TOOL_ERROR = Bytes.of("tool_error");
const META = Bytes.of("meta");
const TRANSPORT = Bytes.of("transport");
const SESSION = Bytes.of("session");

/** Buffer for the digits of a number or an id. */
const digits: usize = memory.data(32);

/** Writes the spans of ended operations, except for their last links and their ends. */
export class SpanText {
  /** The last written span has links. */
  hasLinks: bool = false;

  constructor(
    private writer: SpanWriter,
    private origins: SpanOrigins,
    private rules: RuleNames,
    private servers: ServerNames,
    private clock: Clock,
  ) {}

  /** Writes the span of an operation. `session` is the operation's session, or 0. `isOwn`: the operation's request
   *  came on this stream. */
  write(
    stream: Stream,
    operation: Operation,
    span: Span,
    session: SessionKey,
    isError: bool,
    kind: SpanKind,
    isOwn: bool,
  ): void {
    const now = this.clock.now();
    const offset = this.clock.wallNow() - now;
    const endedAt = operation.endedAt ? operation.endedAt : now;
    const method = METHODS[operation.method];
    const hasTarget = targetKind(operation.method) != TargetKind.None;
    this.writer.begin(
      span.traceHigh,
      span.traceLow,
      span.spanId,
      span.parentId,
      kind,
      isError,
      span.startedAt + offset,
      // The clocks of workers differ by at least microseconds.
      <u64>max<i64>(endedAt, span.startedAt) + offset,
      method.at,
      method.length,
      operation.name,
      hasTarget ? operation.nameLength : 0,
    );
    this.writeWhat(stream, operation, span);
    this.writeResult(operation, span, isError, isOwn ? stream.status : 0);
    this.writeAmounts(operation);
    this.writeSession(span, session);
    this.writeOther(span);
    this.writeEvents(operation, span, endedAt, offset);
    this.writeLinks(span);
  }

  private writeWhat(stream: Stream, operation: Operation, span: Span): void {
    const writer = this.writer;
    this.text(Attribute.McpMethodName, METHODS[operation.method]);
    const kind = targetKind(operation.method);
    if (operation.method == Method.ToolsCall) this.text(Attribute.GenAiOperationName, EXECUTE_TOOL);
    if (kind != TargetKind.None && operation.nameLength) {
      const attribute = kind == TargetKind.Tool ? Attribute.GenAiToolName : Attribute.GenAiPromptName;
      writer.text(attribute, operation.name, operation.nameLength);
    }
    if (span.idLength) writer.text(Attribute.JsonRpcRequestId, span.idText, span.idLength);
    const revision = stream.revision;
    if (revision != UNKNOWN_REVISION && revision < REVISION_COUNT) {
      this.text(Attribute.McpProtocolVersion, REVISIONS[revision]);
    }
    const server = this.servers.find(operation.server ? operation.server : stream.server);
    if (server) this.text(Attribute.McpServerName, server);
    const clientLength = operation.clientNameLength;
    if (clientLength) writer.text(Attribute.McpClientName, operation.clientName, clientLength);
    this.text(Attribute.NetworkProtocolName, HTTP);
    this.text(Attribute.NetworkTransport, TCP);
  }

  /** Writes the result. `status` is the HTTP status of the response on the request's stream; 0 if unknown. */
  private writeResult(operation: Operation, span: Span, isError: bool, status: i32): void {
    const outcome = operation.outcome;
    this.text(Attribute.McpOutcome, OUTCOMES[outcome]);
    const code = operation.errorCode;
    const hasCode = code != NO_CODE && (outcome == Outcome.RpcError || isRejection(outcome));
    const codeLength = hasCode ? writeDecimal(code) : 0;
    if (hasCode) this.writer.text(Attribute.RpcResponseStatusCode, digits, codeLength);
    if (isError) {
      if (outcome == Outcome.ToolError) this.text(Attribute.ErrorType, TOOL_ERROR);
      else if (outcome == Outcome.RpcError && hasCode) this.writer.text(Attribute.ErrorType, digits, codeLength);
      else this.text(Attribute.ErrorType, OUTCOMES[outcome]);
    }
    if (status) this.writer.integer(Attribute.HttpResponseStatusCode, status);
    if (!isRejection(outcome)) return;
    const rule = this.rules.of(span);
    if (rule) this.text(Attribute.McpRule, rule);
  }

  private writeAmounts(operation: Operation): void {
    const writer = this.writer;
    writer.integer(Attribute.McpRequestSize, operation.requestSize);
    if (operation.responseSize) writer.integer(Attribute.McpResponseSize, operation.responseSize);
    const tokens = operation.modelTokens;
    if (tokens) writer.integer(Attribute.McpTokens, tokens);
    for (let kind = 0; kind < TOKEN_KIND_COUNT; kind++) {
      const count = operation.tokens(kind);
      if (count) writer.integer(Attribute.McpTokensArguments + kind, count);
    }
  }

  private writeSession(span: Span, session: SessionKey): void {
    if (!session) return;
    writeHex(digits, this.origins.shownSession(session, span.sessionHigh));
    this.writer.text(Attribute.SessionId, digits, HEX_SIZE);
    this.writer.text(Attribute.GenAiConversationId, digits, HEX_SIZE);
  }

  private writeOther(span: Span): void {
    if (span.other == <u8>OtherContext.None) return;
    const isMeta = span.other == <u8>OtherContext.Meta;
    writeHex(digits, span.otherHigh);
    writeHex(digits + HEX_SIZE, span.otherLow);
    this.writer.text(isMeta ? Attribute.McpMetaTraceId : Attribute.McpTransportTraceId, digits, 2 * HEX_SIZE);
    writeHex(digits, span.otherId);
    this.writer.text(isMeta ? Attribute.McpMetaSpanId : Attribute.McpTransportSpanId, digits, HEX_SIZE);
  }

  private writeEvents(operation: Operation, span: Span, endedAt: u64, offset: u64): void {
    const writer = this.writer;
    if (span.queuedAt) writer.event(SpanEvent.LimitQueued, span.queuedAt + offset);
    if (span.admittedAt) writer.event(SpanEvent.LimitAdmitted, span.admittedAt + offset);
    if (span.firstByteAt) writer.event(SpanEvent.FirstByte, span.firstByteAt + offset);
    const times = span.progressTimes;
    for (let i: u32 = 0; i < times; i++) writer.event(SpanEvent.Progress, span.progressAt(i) + offset);
    const outcome = operation.outcome;
    if (isRejection(outcome)) {
      writer.event(outcome == Outcome.Denied ? SpanEvent.Denied : SpanEvent.Limited, endedAt + offset);
    }
    if (span.progress > times) writer.droppedEvents(span.progress - times);
  }

  private writeLinks(span: Span): void {
    const writer = this.writer;
    this.hasLinks = false;
    if (span.other != <u8>OtherContext.None) {
      const type = span.other == <u8>OtherContext.Meta ? META : TRANSPORT;
      this.hasLinks = true;
      writer.link(span.otherHigh, span.otherLow, span.otherId, type.at, type.length);
    }
    if (!span.sessionHigh || (span.sessionHigh == span.traceHigh && span.sessionLow == span.traceLow)) return;
    this.hasLinks = true;
    const root = this.origins.rootId(span.sessionHigh, span.sessionLow);
    writer.link(span.sessionHigh, span.sessionLow, root, SESSION.at, SESSION.length);
  }

  private text(attribute: Attribute, bytes: Bytes): void {
    this.writer.text(attribute, bytes.at, bytes.length);
  }
}

/** Writes a number in decimal digits to {@link digits}. Returns the number of bytes. */
function writeDecimal(value: i32): i32 {
  const isNegative = value < 0;
  let rest = isNegative ? -(<i64>value) : <i64>value;
  let length = isNegative ? 2 : 1;
  for (let power = rest; power >= 10; power /= 10) length++;
  for (let i = length - 1; i >= (isNegative ? 1 : 0); i--, rest /= 10) store<u8>(digits + i, <u8>(0x30 + (rest % 10)));
  if (isNegative) store<u8>(digits, 0x2d);
  return length;
}
