import { Clock } from "../host/clock";
import { Method, TargetKind, targetKind } from "../mcp/protocol/methods";
import { ObservedStream } from "../mcp/exchange/observed_stream";
import { Observer } from "../mcp/exchange/observer";
import { Operation } from "../mcp/operations/operation";
import { Outcome, isSuccess } from "../mcp/protocol/outcome";
import { StreamEnd } from "../mcp/protocol/stream_kinds";
import { TOKEN_KIND_COUNT, TokenKind } from "../mcp/protocol/token_kinds";
import { Undecoded } from "../mcp/protocol/undecoded";
import { Direction, ErrorType, Family, OverflowingLabel } from "./catalogue";
import { NO_CODE_INDEX, codeIndex } from "./codes";
import { DecisionRecorder } from "./decision_recorder";
import { Gauges } from "./gauges";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { MetricTable } from "./metric_table";
import { RepeatedCalls } from "./repeated_calls";
import { Series } from "./series";
import { NANOSECONDS_PER_MILLISECOND, elapsed } from "../memory/elapsed";

/** Turns what happens on MCP streams into metrics. */
export class Recorder extends Observer {
  constructor(
    private labels: Labels,
    private table: MetricTable,
    private gauges: Gauges,
    private series: Series,
    private calls: RepeatedCalls,
    private decisions: DecisionRecorder,
    private clock: Clock,
  ) {
    super();
  }

  resolveServer(stream: ObservedStream): void {
    this.series.resolveServer(stream);
  }

  resolveCaller(stream: ObservedStream): void {
    if (this.labels.labelsCaller) this.callerOf(stream);
  }

  callerHash(): u64 {
    return this.labels.callerHash();
  }

  streamStarted(stream: ObservedStream): void {
    this.gauges.addStream(this.serverOf(stream), stream.kind, 1);
  }

  operationStarted(stream: ObservedStream): void {
    this.gauges.addOperation(this.serverOf(stream), 1);
  }

  operationParked(stream: ObservedStream): void {
    this.gauges.addOperation(this.serverOf(stream), -1);
  }

  operationWaits(server: i32): void {
    this.gauges.countPending(server);
  }

  operationEvicted(stream: ObservedStream): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.StoreEvictions, 0, 0, 1);
  }

  operationEnded(stream: ObservedStream, operation: Operation): void {
    const method = operation.method;
    const kind = targetKind(method);
    const target = kind == TargetKind.None ? OTHER_INDEX : this.targetOf(stream, operation, kind);
    const caller = this.labels.labelsCaller ? this.callerOf(stream) : OTHER_INDEX;
    const labelled = this.series.choose(stream, method, kind, target);
    if (!operation.isParked) this.gauges.addOperation(this.serverOf(stream), -1);

    const table = this.table;
    const outcome = operation.outcome;
    const isError = outcome == Outcome.RpcError || outcome == Outcome.Denied;
    const code = isError ? codeIndex(operation.errorCode) : NO_CODE_INDEX;
    if (method != Method.SubscriptionsListen && outcome != Outcome.TaskAccepted) {
      table.record(Family.OperationDuration, errorType(outcome), 0, durationOf(operation, this.clock));
    }
    const there = operation.fromServer ? Direction.ServerToClient : Direction.ClientToServer;
    const back = operation.fromServer ? Direction.ClientToServer : Direction.ServerToClient;
    table.count(Family.PayloadBytes, there, 0, operation.requestSize);
    if (operation.responseSize) table.count(Family.PayloadBytes, back, 0, operation.responseSize);
    table.chooseWho(caller);
    table.count(Family.Operations, outcome, code, 1);
    this.recordTokens(stream, operation);
    // Last: it may record what it has gathered.
    if (operation.callHash) this.calls.add(operation.callHash, this.serverOf(stream), labelled);
  }

  /** Records the tokens of an operation whose series is chosen: of a tool's call by tool. */
  private recordTokens(stream: ObservedStream, operation: Operation): void {
    const table = this.table;
    if (operation.method == Method.ToolsCall) table.forgetMethod();
    else table.chooseServer(this.serverOf(stream));
    for (let kind = 0; kind < TOKEN_KIND_COUNT; kind++) {
      const tokens = operation.tokens(kind);
      if (tokens) table.count(Family.Tokens, kind, 0, tokens);
    }
  }

  tokens(stream: ObservedStream, kind: TokenKind, tokens: u32): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.Tokens, kind, 0, tokens);
  }

  listMeasured(stream: ObservedStream, method: Method, tokens: u64): void {
    this.series.choose(stream, method, TargetKind.None, OTHER_INDEX);
    this.table.record(Family.DefinitionTokens, 0, 0, tokens);
  }

  unchecked(stream: ObservedStream, method: Method, name: usize, nameLength: i32): void {
    this.decisions.unchecked(stream, method, name, nameLength);
  }

  decided(
    stream: ObservedStream,
    method: Method,
    name: usize,
    nameLength: i32,
    rule: i32,
    isDenied: bool,
    isShadow: bool,
  ): void {
    this.decisions.decided(stream, method, name, nameLength, rule, isDenied, isShadow);
  }

  notification(stream: ObservedStream, method: Method, fromClient: bool, size: u64): void {
    this.series.choose(stream, method, TargetKind.None, OTHER_INDEX);
    const direction = fromClient ? Direction.ClientToServer : Direction.ServerToClient;
    this.table.count(Family.Notifications, direction, 0, 1);
    this.table.count(Family.PayloadBytes, direction, 0, size);
  }

  listed(stream: ObservedStream, kind: TargetKind, at: usize, length: u32): i32 {
    return this.labels.targets(this.serverOf(stream), kind).admit(at, length, true);
  }

  undecoded(stream: ObservedStream, reason: Undecoded): void {
    this.table.chooseServer(this.serverOf(stream));
    this.table.count(Family.Undecoded, reason, 0, 1);
  }

  streamEnded(stream: ObservedStream, end: StreamEnd): void {
    const server = this.serverOf(stream);
    this.gauges.addStream(server, stream.kind, -1);
    this.table.chooseServer(server);
    this.table.count(Family.Streams, stream.kind, end, 1);
    this.table.record(Family.StreamDuration, stream.kind, end, this.millisecondsSince(stream.startedAt));
  }

  /** The index of the target that the operation names; a success proves a name. */
  private targetOf(stream: ObservedStream, operation: Operation, kind: TargetKind): i32 {
    const set = this.labels.targets(this.serverOf(stream), kind);
    const target = isSuccess(operation.outcome)
      ? set.admit(operation.name, operation.nameLength, false)
      : set.find(operation.name, operation.nameLength);
    if (target == OTHER_INDEX) {
      this.series.countOverflow(stream, kind == TargetKind.Tool ? OverflowingLabel.Tool : OverflowingLabel.Prompt);
    }
    return target;
  }

  private serverOf(stream: ObservedStream): i32 {
    return this.series.serverOf(stream);
  }

  private callerOf(stream: ObservedStream): i32 {
    if (stream.caller == 0) {
      stream.caller = this.labels.caller() + 1;
      if (stream.caller == OTHER_INDEX + 1) this.series.countOverflow(stream, OverflowingLabel.Caller);
    }
    return stream.caller - 1;
  }

  private millisecondsSince(startedAt: u64): u64 {
    return millisecondsBetween(startedAt, this.clock.now());
  }
}

/** How long an operation took that ends now, or did before. */
function durationOf(operation: Operation, clock: Clock): u64 {
  return millisecondsBetween(operation.startedAt, operation.endedAt ? operation.endedAt : clock.now());
}

function millisecondsBetween(fromNs: u64, toNs: u64): u64 {
  return elapsed(fromNs, toNs) / NANOSECONDS_PER_MILLISECOND;
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
    default:
      return ErrorType.Other;
  }
}
