import { Clock } from "../host/clock";
import { Metrics } from "../host/metrics";
import { Properties } from "../host/properties";
import { Method, TargetKind, methodName, targetKind } from "../mcp/methods";
import { ObservedStream } from "../mcp/observed_stream";
import { Observer } from "../mcp/observer";
import { Operation } from "../mcp/operation";
import { Outcome, isSuccess } from "../mcp/outcome";
import { StreamEnd } from "../mcp/stream_kinds";
import { Undecoded } from "../mcp/undecoded";
import { Table } from "../memory/table";
import { Direction, ErrorType, Family, OverflowingLabel, appendOwnLabels, familyName, isHistogram } from "./catalogue";
import { NO_CODE_INDEX, codeIndex } from "./codes";
import { LabelSet, OTHER, OTHER_INDEX } from "./label_set";
import { LabelSettings, Labels } from "./labels";
import { MetricName } from "./metric_name";

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/** Turns what happens on MCP streams into the metrics of one plugin instance. */
export class Recorder extends Observer {
  private labels: Labels;
  /** Metric ids + 1 under what {@link metric} packs. */
  private ids: Table = new Table(256);
  private name: MetricName = new MetricName();
  /** The series being recorded: see {@link choose}. */
  private server: i32 = 0;
  private caller: i32 = 0;
  private method: Method = Method.None;
  private kind: TargetKind = TargetKind.None;
  private target: i32 = 0;

  constructor(
    settings: LabelSettings,
    properties: Properties,
    private metrics: Metrics,
    private clock: Clock,
  ) {
    super();
    this.labels = new Labels(settings, properties);
  }

  operationEnded(stream: ObservedStream, operation: Operation): void {
    const method = operation.method;
    const kind = targetKind(method);
    const target = kind == TargetKind.None ? OTHER_INDEX : this.targetOf(stream, operation, kind);
    const caller = this.labels.labelsCaller ? this.callerOf(stream) : OTHER_INDEX;
    this.choose(stream, method, kind, target);

    const outcome = operation.outcome;
    const code = outcome == Outcome.RpcError ? codeIndex(operation.errorCode) : NO_CODE_INDEX;
    this.caller = caller;
    this.count(Family.Operations, outcome, code, 1);
    this.caller = OTHER_INDEX;
    if (method != Method.SubscriptionsListen && outcome != Outcome.TaskAccepted) {
      this.record(Family.OperationDuration, errorType(outcome), 0, this.millisecondsSince(stream.startedAt));
    }
    this.count(Family.PayloadBytes, Direction.ClientToServer, 0, operation.requestSize);
    if (operation.responseSize) {
      this.count(Family.PayloadBytes, Direction.ServerToClient, 0, operation.responseSize);
    }
  }

  notification(stream: ObservedStream, method: Method, fromClient: bool, size: u64): void {
    this.choose(stream, method, TargetKind.None, OTHER_INDEX);
    const direction = fromClient ? Direction.ClientToServer : Direction.ServerToClient;
    this.count(Family.Notifications, direction, 0, 1);
    this.count(Family.PayloadBytes, direction, 0, size);
  }

  listed(stream: ObservedStream, kind: TargetKind, at: usize, length: u32): void {
    this.labels.targets(this.serverOf(stream), kind).admit(at, length, true);
  }

  undecoded(stream: ObservedStream, reason: Undecoded): void {
    this.chooseServer(stream);
    this.count(Family.Undecoded, reason, 0, 1);
  }

  streamEnded(stream: ObservedStream, end: StreamEnd): void {
    this.chooseServer(stream);
    this.count(Family.Streams, stream.kind, end, 1);
    this.record(Family.StreamDuration, stream.kind, end, this.millisecondsSince(stream.startedAt));
  }

  /** The index of the target that the operation names; a success proves a name. */
  private targetOf(stream: ObservedStream, operation: Operation, kind: TargetKind): i32 {
    const set = this.labels.targets(this.serverOf(stream), kind);
    const target = isSuccess(operation.outcome)
      ? set.admit(operation.name, operation.nameLength, false)
      : set.find(operation.name, operation.nameLength);
    if (target == OTHER_INDEX) {
      this.countOverflow(stream, kind == TargetKind.Tool ? OverflowingLabel.Tool : OverflowingLabel.Prompt);
    }
    return target;
  }

  /** Sets the series that is recorded next, within the budget: what has no room goes to `_OTHER`. */
  private choose(stream: ObservedStream, method: Method, kind: TargetKind, target: i32): void {
    if (method == Method.Other) this.countOverflow(stream, OverflowingLabel.Method);
    const server = this.serverOf(stream);
    const labels = this.labels;
    if (!labels.admitSeries(server, method, kind, target)) {
      this.countOverflow(stream, OverflowingLabel.Series);
      target = OTHER_INDEX;
      if (!labels.admitSeries(server, method, kind, target)) {
        this.setSeries(OTHER_INDEX, Method.Other, TargetKind.None, OTHER_INDEX);
        return;
      }
    }
    this.setSeries(server, method, kind, target);
  }

  private chooseServer(stream: ObservedStream): void {
    this.setSeries(this.serverOf(stream), Method.None, TargetKind.None, OTHER_INDEX);
  }

  private setSeries(server: i32, method: Method, kind: TargetKind, target: i32): void {
    this.server = server;
    this.method = method;
    this.kind = kind;
    this.target = target;
  }

  private countOverflow(stream: ObservedStream, label: OverflowingLabel): void {
    this.chooseServer(stream);
    this.count(Family.LabelOverflow, label, 0, 1);
  }

  /** The index of the stream's server, looked up once; kept one higher, since 0 stands for not yet known. */
  private serverOf(stream: ObservedStream): i32 {
    if (stream.server == 0) {
      stream.server = this.labels.server() + 1;
      if (stream.server == OTHER_INDEX + 1) this.countOverflow(stream, OverflowingLabel.Server);
    }
    return stream.server - 1;
  }

  private callerOf(stream: ObservedStream): i32 {
    if (stream.caller == 0) {
      stream.caller = this.labels.caller() + 1;
      if (stream.caller == OTHER_INDEX + 1) this.countOverflow(stream, OverflowingLabel.Caller);
    }
    return stream.caller - 1;
  }

  private millisecondsSince(startedAt: u64): u64 {
    const now = this.clock.now();
    return now > startedAt ? (now - startedAt) / NANOSECONDS_PER_MILLISECOND : 0;
  }

  private count(family: Family, first: i32, second: i32, amount: u64): void {
    this.metrics.add(this.metric(family, first, second), amount);
  }

  private record(family: Family, first: i32, second: i32, value: u64): void {
    this.metrics.record(this.metric(family, first, second), value);
  }

  /** The id of a family's metric for the series and the family's own two labels; defined at its first use. */
  private metric(family: Family, first: i32, second: i32): u32 {
    let key: u64 = 1;
    key = (key << 4) | family;
    key = (key << 11) | this.server;
    key = (key << 7) | this.caller;
    key = (key << 6) | this.method;
    key = (key << 2) | this.kind;
    key = (key << 11) | this.target;
    key = (key << 5) | first;
    key = (key << 5) | second;
    const known = this.ids.get(key);
    if (known) return <u32>(known - 1);
    const id = this.define(family, first, second);
    this.ids.set(key, <u64>id + 1);
    return id;
  }

  private define(family: Family, first: i32, second: i32): u32 {
    const name = this.name;
    const labels = this.labels;
    name.clear();
    name.labelText("mcp_role", labels.role);
    appendLabel(name, "mcp_server", labels.servers, this.server);
    if (this.method != Method.None) name.labelText("mcp_method_name", methodName(this.method));
    if (this.kind != TargetKind.None) {
      const label = this.kind == TargetKind.Tool ? "gen_ai_tool_name" : "gen_ai_prompt_name";
      appendLabel(name, label, labels.targets(this.server, this.kind), this.target);
    }
    appendOwnLabels(name, family, first, second);
    if (family == Family.Operations && labels.labelsCaller) {
      appendLabel(name, "mcp_caller", labels.callers, this.caller);
    }
    name.text(familyName(family));
    return isHistogram(family)
      ? this.metrics.histogram(name.at, name.length)
      : this.metrics.counter(name.at, name.length);
  }
}

function appendLabel(name: MetricName, label: string, set: LabelSet, index: i32): void {
  if (index == OTHER_INDEX) name.labelText(label, OTHER);
  else name.label(label, set.labelAt(index), set.labelLength(index));
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
