import { Clock } from "../host/clock";
import { Metrics } from "../host/metrics";
import { AdaptiveLimits } from "../limits/adaptive/adaptive_limits";
import { Event, EventKind } from "../mcp/event";
import { EventSink } from "../mcp/event_sink";
import { SPAN_RESULT_COUNT } from "../mcp/protocol/span_result";
import { ClientNumbers } from "../mcp/sessions/client_numbers";
import { Marks } from "../store/primitives/marks";
import { WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { CallerLabels } from "./caller_labels";
import { Family } from "./catalogue";
import { ClientLabels } from "./client_labels";
import { ConcurrencyGauges } from "./concurrency_gauges";
import { DecisionRecorder } from "./decision_recorder";
import { Gauges } from "./gauges";
import { LabelSettings, Labels } from "./labels";
import { LimitRecorder } from "./limit_recorder";
import { MetricTable } from "./metric_table";
import { OldestOperations } from "./oldest_operations";
import { QueueGauges } from "./queue_gauges";
import { Recorder } from "./recorder";
import { RepeatedCalls } from "./repeated_calls";
import { Series } from "./series";
import { SessionGauges } from "./session_gauges";
import { SessionRecorder } from "./session_recorder";
import { ToolRecorder } from "./tool_recorder";

/** Number of buckets for calls that may be repeated, with 32 calls per bucket. */
const CALL_BUCKETS: i32 = 1024;

/** Number of buckets for sessions whose clients are remembered for labels, with 32 sessions per bucket. */
const CLIENT_BUCKETS: i32 = 1024;

/**
 * The metrics of a counting unit on this worker. Passes events to their recorders, and updates gauges on ticks and in
 * sweeps.
 */
export class Statistics extends EventSink {
  private labels: Labels;
  private table: MetricTable;
  private gauges: Gauges;
  private concurrency: ConcurrencyGauges;
  private sessionGauges: SessionGauges;
  private calls: RepeatedCalls;
  private callers: CallerLabels;
  private recorder: Recorder;
  private tools: ToolRecorder;
  private sessions: SessionRecorder;
  private decisions: DecisionRecorder;
  private limits: LimitRecorder;

  /** @param isShadow the access policy is in shadow mode */
  constructor(
    settings: LabelSettings,
    isShadow: bool,
    shared: Store,
    metrics: Metrics,
    private clock: Clock,
  ) {
    super();
    const labels = new Labels(settings, shared);
    const table = new MetricTable(labels, metrics);
    const oldest = new OldestOperations(labels, table, shared);
    const queues = new QueueGauges(shared, labels, table);
    const concurrency = new ConcurrencyGauges(shared, labels, table);
    const gauges = new Gauges(settings.maxServers, shared, table, oldest, queues, concurrency);
    const sessionGauges = new SessionGauges(settings.maxServers, shared, table);
    const series = new Series(labels, table);
    const callers = new CallerLabels(labels, series, new Marks(shared, "callers", CLIENT_BUCKETS));
    const calls = new RepeatedCalls(new Marks(shared, "calls", CALL_BUCKETS), table);
    this.labels = labels;
    this.table = table;
    this.gauges = gauges;
    this.concurrency = concurrency;
    this.callers = callers;
    this.sessionGauges = sessionGauges;
    this.calls = calls;
    this.recorder = new Recorder(labels, table, gauges, oldest, series, calls, callers, clock);
    this.tools = new ToolRecorder(labels, table, series);
    this.sessions = new SessionRecorder(labels, table, sessionGauges, settings.tokens);
    this.decisions = new DecisionRecorder(labels, table, series, callers, isShadow);
    this.limits = new LimitRecorder(labels, table, series, queues);
  }

  /** Numbers the names of client software. */
  get clientNumbers(): ClientNumbers {
    return new ClientLabels(this.labels);
  }

  /** Adds gauges of these limits of this worker, and of the calls in flight. */
  show(limits: AdaptiveLimits): void {
    this.concurrency.limits = limits;
  }

  /** Publishes the gauges of this worker. */
  publish(slots: WorkerSlots, nowMs: u64): void {
    this.gauges.publish(slots, nowMs, this.clock.now());
  }

  /** Records the gathered repeated calls. */
  flush(): void {
    this.calls.flush();
  }

  /** Begins a sweep. Events of what it counts follow. */
  beginSweep(slots: WorkerSlots, nowMs: u64): void {
    this.labels.servers.refresh();
    this.gauges.beginSweep(slots, nowMs);
    this.sessionGauges.beginSweep();
  }

  /** Records the gauges after a sweep. */
  endSweep(): void {
    this.gauges.endSweep();
    this.sessionGauges.endSweep();
  }

  /** Counts the changes of shared data that were abandoned. */
  countConflicts(shared: Store): void {
    if (!shared.conflicts) return;
    this.table.chooseServer(0);
    this.table.count(Family.StoreConflicts, 0, 0, shared.conflicts);
    shared.conflicts = 0;
  }

  /**
   * Counts spans by result, and resets the counts to 0.
   * @param counts one count for each SpanResult, {@link SPAN_RESULT_COUNT} in total
   */
  countSpans(counts: StaticArray<u32>): void {
    this.table.chooseServer(0);
    for (let i = 0; i < SPAN_RESULT_COUNT; i++) {
      if (!counts[i]) continue;
      this.table.count(Family.TraceSpans, i, 0, counts[i]);
      counts[i] = 0;
    }
  }

  receive(event: Event): void {
    const stream = event.stream;
    switch (event.kind) {
      case EventKind.ServerResolved:
        return this.recorder.serverResolved(stream, event.name, event.nameLength);
      case EventKind.CallerResolved:
        return this.callers.addressResolved(stream, event.name, event.nameLength);
      case EventKind.PrincipalResolved:
        return this.callers.principalResolved(stream, event.name, event.nameLength);
      case EventKind.ClientNamed:
        return this.callers.clientNamed(event.session, event.name, event.nameLength);
      case EventKind.ClientCalls:
        return this.callers.clientCalls(stream, event.session, event.name, event.nameLength);
      case EventKind.StreamStarted:
        return this.recorder.streamStarted(stream);
      case EventKind.StreamEnded:
        return this.recorder.streamEnded(stream, event.end);
      case EventKind.SessionStarted:
        return this.sessions.sessionStarted(event.entry);
      case EventKind.SessionAdopted:
        return this.sessions.sessionAdopted(event.entry);
      case EventKind.SessionEnded:
        return this.sessions.sessionEnded(event.entry);
      case EventKind.SessionSettled:
        return this.sessions.sessionSettled(event.entry);
      case EventKind.SessionCounted:
        return this.sessions.sessionCounted(event.entry, event.sessionState);
      case EventKind.OperationStarted:
        return this.recorder.operationStarted(stream, event.operation!, event.isWaiting);
      case EventKind.OperationAdmitted:
        return this.recorder.operationAdmitted(stream, event.operation!, event.isWaiting);
      case EventKind.OperationWaiting:
        return this.recorder.operationWaiting(stream, event.operation!);
      case EventKind.OperationCounted:
        return this.recorder.operationCounted(event);
      case EventKind.OperationEvicted:
        return this.recorder.operationEvicted(stream);
      case EventKind.OperationEnded:
        return this.recorder.operationEnded(stream, event.operation!);
      case EventKind.Notification:
        return this.recorder.notifications(stream, event.method, event.fromClient, event.count, event.size);
      case EventKind.Progress:
        return this.tools.progress(stream, event.operation, event.count);
      case EventKind.Tokens:
        return this.recorder.tokens(stream, event.tokenKind, <u32>event.tokens);
      case EventKind.ListMeasured:
        return this.recorder.listMeasured(stream, event.method, event.tokens);
      case EventKind.NameSeen:
        return this.tools.nameSeen(stream, event.targetKind, event.name, event.nameLength, event.isListed);
      case EventKind.ToolChanged:
        return this.tools.toolChanged(stream, event.tool, event.change);
      case EventKind.UnknownTool:
        return this.tools.unknownTool(stream);
      case EventKind.TaskEntered:
        return this.tools.taskEntered(stream, event.tool, event.state);
      case EventKind.TaskEnded:
        return this.tools.taskEnded(stream, event.tool, event.state, event.durationMs);
      case EventKind.HeaderMismatch:
        return this.tools.headerMismatch(stream, event.header);
      case EventKind.Undecoded:
        return this.recorder.undecoded(stream, event.reason);
      case EventKind.Unchecked:
        return this.decisions.unchecked(stream, event.method, event.name, event.nameLength);
      case EventKind.Decided:
        return this.decisions.decided(
          stream,
          event.method,
          event.name,
          event.nameLength,
          event.rule,
          event.isDenied,
          event.isShadow,
        );
      case EventKind.Withheld:
        return this.decisions.withheld(stream, event.method, event.withheldReason, event.isShadow, event.withheldCount);
      case EventKind.PinMismatched:
        return this.decisions.pinMismatched(stream, event.name, event.nameLength, event.withheldReason, event.isShadow);
      case EventKind.LimitDecided:
        return this.limits.decided(stream, event.rule, event.decision);
      case EventKind.LimitShared:
        return this.limits.shared(stream, event.rule);
      case EventKind.LimitWaited:
        return this.limits.waited(stream, event.rule, event.durationMs);
    }
  }
}
