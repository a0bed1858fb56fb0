import { Clock } from "../host/clock";
import { Event } from "../mcp/event";
import { Method, TargetKind, targetKind } from "../mcp/protocol/methods";
import { Stream } from "../mcp/state/stream";
import { Operation } from "../mcp/state/operation";
import { Outcome, isRejection, isSuccess } from "../mcp/protocol/outcome";
import { StreamEnd } from "../mcp/protocol/stream_kinds";
import { TOKEN_KIND_COUNT, TokenKind } from "../mcp/protocol/token_kinds";
import { Undecoded } from "../mcp/protocol/undecoded";
import { CallerLabels } from "./caller_labels";
import { Direction, ErrorType, Family, OverflowingLabel } from "./catalogue";
import { NO_CODE_INDEX, codeIndex } from "./codes";
import { Gauges } from "./gauges";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { OldestOperations } from "./oldest_operations";
import { RepeatedCalls } from "./repeated_calls";
import { Series } from "./series";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../memory/elapsed";

/** Records metrics of streams, operations and notifications. */
export class Recorder {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private gauges: Gauges,
    private oldest: OldestOperations,
    private series: Series,
    private calls: RepeatedCalls,
    private callers: CallerLabels,
    private clock: Clock,
  ) {}

  serverResolved(stream: Stream, name: usize, nameLength: i32): void {
    this.series.admitServer(stream, name, nameLength);
  }

  streamStarted(stream: Stream): void {
    this.gauges.addStream(this.serverOf(stream), stream.kind, 1);
  }

  operationStarted(stream: Stream, operation: Operation, isWaiting: bool): void {
    // The sweep counts waiting operations.
    if (isWaiting) return;
    const server = this.serverOf(stream);
    this.gauges.addOperation(server, 1);
    this.oldest.open(operation, server);
  }

  /** Begins an operation that has waited for limits. `wasWaiting`: it was in the store. The store may have had no
   *  room when it came back. */
  operationAdmitted(stream: Stream, operation: Operation, wasWaiting: bool): void {
    if (operation.isParked) return;
    if (wasWaiting) return this.operationStarted(stream, operation, false);
    // Moves it after the operations that began before.
    this.oldest.close(operation);
    this.oldest.open(operation, this.serverOf(stream));
  }

  operationWaiting(stream: Stream, operation: Operation): void {
    this.gauges.addOperation(this.serverOf(stream), -1);
    this.oldest.close(operation);
  }

  operationCounted(event: Event): void {
    const server = this.labels.servers.findKeyInCopy(event.server);
    this.gauges.countPending(server);
    if (!event.isWaiting) return;
    this.oldest.waiting(server, event.method, event.name, event.nameLength, event.startedAt, this.clock.now());
  }

  operationEvicted(stream: Stream): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.StoreEvictions, 0, 0, 1);
  }

  operationEnded(stream: Stream, operation: Operation): void {
    const method = operation.method;
    const kind = targetKind(method);
    const target = kind == TargetKind.None ? OTHER_INDEX : this.targetOf(stream, operation, kind);
    const caller = this.callers.ofOperation(stream, operation);
    const labelled = this.series.choose(stream, method, kind, target);
    if (!operation.isParked) {
      this.gauges.addOperation(this.serverOf(stream), -1);
      this.oldest.close(operation);
    }

    const table = this.table;
    const outcome = operation.outcome;
    const isError = outcome == Outcome.RpcError || isRejection(outcome);
    const code = isError ? codeIndex(operation.errorCode) : NO_CODE_INDEX;
    if (method != Method.SubscriptionsListen && outcome != Outcome.TaskAccepted) {
      table.record(Family.OperationDuration, errorType(outcome), 0, operation.durationMs(this.clock.now()));
    }
    const there = operation.fromServer ? Direction.ServerToClient : Direction.ClientToServer;
    const back = operation.fromServer ? Direction.ClientToServer : Direction.ServerToClient;
    table.count(Family.PayloadBytes, there, 0, operation.requestSize);
    if (operation.responseSize) table.count(Family.PayloadBytes, back, 0, operation.responseSize);
    table.chooseCaller(caller);
    table.count(Family.Operations, outcome, code, 1);
    this.recordTokens(stream, operation);
    // Must be last, because it may record gathered calls.
    if (operation.callHash) this.calls.add(operation.callHash, this.serverOf(stream), labelled);
  }

  /** Records the tokens of an operation whose series is chosen. Those of a tool call are recorded by tool. */
  private recordTokens(stream: Stream, operation: Operation): void {
    const table = this.table;
    if (operation.method == Method.ToolsCall) table.forgetMethod();
    else table.chooseServer(this.serverOf(stream));
    for (let kind = 0; kind < TOKEN_KIND_COUNT; kind++) {
      const tokens = operation.tokens(kind);
      if (tokens) table.count(Family.Tokens, kind, 0, tokens);
    }
  }

  tokens(stream: Stream, kind: TokenKind, tokens: u32): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.Tokens, kind, 0, tokens);
  }

  listMeasured(stream: Stream, method: Method, tokens: u64): void {
    this.series.choose(stream, method, TargetKind.None, OTHER_INDEX);
    this.table.record(Family.DefinitionTokens, 0, 0, tokens);
  }

  notifications(stream: Stream, method: Method, fromClient: bool, count: u32, size: u64): void {
    this.series.choose(stream, method, TargetKind.None, OTHER_INDEX, count);
    const direction = fromClient ? Direction.ClientToServer : Direction.ServerToClient;
    this.table.count(Family.Notifications, direction, 0, count);
    this.table.count(Family.PayloadBytes, direction, 0, size);
  }

  undecoded(stream: Stream, reason: Undecoded): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.Undecoded, reason, 0, 1);
  }

  streamEnded(stream: Stream, end: StreamEnd): void {
    const server = this.serverOf(stream);
    this.gauges.addStream(server, stream.kind, -1);
    this.table.chooseServer(server);
    this.table.count(Family.Streams, stream.kind, end, 1);
    const durationMs = elapsed(stream.startedAt, this.clock.now()) / NANOSECONDS_PER_MILLISECOND;
    this.table.record(Family.StreamDuration, stream.kind, end, durationMs);
  }

  /** The index of the operation's target. A successful operation admits the name. */
  private targetOf(stream: Stream, operation: Operation, kind: TargetKind): i32 {
    const set = this.labels.targets(this.serverOf(stream), kind);
    const target = isSuccess(operation.outcome)
      ? set.admit(operation.name, operation.nameLength, false)
      : set.find(operation.name, operation.nameLength);
    if (target == OTHER_INDEX) {
      this.series.countOverflow(stream, kind == TargetKind.Tool ? OverflowingLabel.Tool : OverflowingLabel.Prompt);
    }
    return target;
  }

  private serverOf(stream: Stream): i32 {
    return this.series.serverOf(stream);
  }
}

function errorType(outcome: Outcome): ErrorType {
  switch (outcome) {
    case Outcome.Ok:
    case Outcome.InputRequired:
      return ErrorType.None;
    case Outcome.ToolError:
      return ErrorType.ToolError;
    case Outcome.RpcError:
      return ErrorType.RpcError;
    case Outcome.Denied:
      return ErrorType.Denied;
    case Outcome.Limited:
      return ErrorType.Limited;
    default:
      return ErrorType.Other;
  }
}
