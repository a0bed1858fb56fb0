import { ClientConditions } from "../access/policy/client_conditions";
import { ClientMemory } from "../access/client_memory";
import { Policy } from "../access/policy/policy";
import { PluginConfig } from "../config/plugin_config";
import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { Metrics } from "../host/metrics";
import { Properties } from "../host/properties";
import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { CountingUnit } from "../mcp/exchange/counting_unit";
import { Exchange } from "../mcp/exchange/exchange";
import { PendingOperations } from "../mcp/operations/pending_operations";
import { SessionTracker } from "../mcp/sessions/session_tracker";
import { Tasks } from "../mcp/tools/tasks";
import { TokenSettings } from "../mcp/protocol/token_kinds";
import { isWithin } from "../memory/elapsed";
import { Endpoints } from "../store/endpoints";
import { Lease } from "../store/primitives/lease";
import { Marks } from "../store/primitives/marks";
import { Secret } from "../store/primitives/secret";
import { Sessions } from "../store/sessions";
import { Slots } from "../store/primitives/slots";
import { Store } from "../store/primitives/store";
import { ToolLists } from "../store/tool_lists";
import { Family } from "../stats/catalogue";
import { DecisionRecorder } from "../stats/decision_recorder";
import { Gauges } from "../stats/gauges";
import { LabelSettings, Labels } from "../stats/labels";
import { MetricTable } from "../stats/metric_table";
import { Recorder } from "../stats/recorder";
import { RepeatedCalls } from "../stats/repeated_calls";
import { Series } from "../stats/series";
import { SessionRecorder } from "../stats/session_recorder";
import { ToolRecorder } from "../stats/tool_recorder";
import { AccessLog } from "../trace/access_log";

const SWEEP_MS: u64 = 5000;
/** Three ticks, as for slots. */
const LEASE_MS: u64 = 3500;

/** What the host offers. */
export class Host {
  constructor(
    readonly clock: Clock,
    readonly metrics: Metrics,
    readonly properties: Properties,
    readonly sharedData: SharedData,
    readonly random: Random,
    readonly filterState: FilterState,
    /** Those of HTTP+SSE, which all instances share. */
    readonly endpoints: Endpoints,
  ) {}
}

/** Calls that are remembered in case they are repeated: 32 a bucket. */
const CALL_BUCKETS: i32 = 1024;
/** Sessions whose client is remembered for the access policy: 32 a bucket. */
const CLIENT_BUCKETS: i32 = 4096;

/** A plugin instance's part, on this worker, in the counting unit of its instance and role. */
export class Unit extends CountingUnit {
  private sessionsInStore: Sessions;
  private lease: Lease;
  private slots: Slots;
  private sweptAtMs: u64 = 0;
  /** Open streams that are counted in it: they refer to it by its address. */
  private users: i32 = 0;
  /** A sweep has left nothing in the store, and no stream has come since. */
  private hasSweptAll: bool = false;

  static open(config: PluginConfig, role: string, policy: Policy | null, host: Host): Unit {
    const shared = new Store(host.sharedData, host.random.next() | 1, config.instance + "/" + role);
    const labels = new Labels(labelSettings(config, role), host.properties, shared);
    const table = new MetricTable(labels, host.metrics);
    const gauges = new Gauges(config.maxServers, shared, table);
    const sessionRecorder = new SessionRecorder(labels, table, gauges, config.estimateTokens);
    const sessions = new Sessions(shared, config.maxSessions, sessionRecorder);
    const tracker = new SessionTracker(sessions, sessionRecorder, config.sessionIdleSeconds);
    const series = new Series(labels, table);
    const calls = new RepeatedCalls(new Marks(shared, "calls", CALL_BUCKETS), table);
    const isShadow = policy != null && !policy.isEnforced;
    const decisions = new DecisionRecorder(labels, table, series, isShadow);
    const recorder = new Recorder(labels, table, gauges, series, calls, decisions, host.clock);
    const tools = new ToolRecorder(labels, table, series);
    const conditions = policy ? policy.clients : new ClientConditions();
    const clients = new ClientMemory(conditions, new Marks(shared, "clients", CLIENT_BUCKETS));
    const pending = new PendingOperations(shared, recorder, tracker, config.sessionIdleSeconds);
    return new Unit(
      role,
      recorder,
      tools,
      clients,
      tracker,
      pending,
      shared,
      sessions,
      gauges,
      calls,
      table,
      config,
      host,
    );
  }

  constructor(
    readonly role: string,
    recorder: Recorder,
    tools: ToolRecorder,
    clientMemory: ClientMemory,
    tracker: SessionTracker,
    pending: PendingOperations,
    private shared: Store,
    sessions: Sessions,
    private gauges: Gauges,
    private calls: RepeatedCalls,
    private table: MetricTable,
    private config: PluginConfig,
    host: Host,
  ) {
    const secret = new Secret(shared, host.random);
    super(
      recorder,
      tools,
      new AccessLog(host.filterState),
      tracker,
      pending,
      new Marks(shared, "cancellations"),
      new Marks(shared, "lists"),
      new ToolLists(shared),
      new Tasks(new Marks(shared, "tasks"), tools),
      host.endpoints,
      clientMemory,
      secret,
      tokenSettings(config),
      host.clock,
    );
    this.sessionsInStore = sessions;
    this.lease = new Lease(shared);
    this.slots = new Slots(shared);
  }

  /** A stream is counted in it from now on. */
  enter(): void {
    this.users++;
    this.hasSweptAll = false;
  }

  /** A stream that was counted in it is over. */
  leave(): void {
    this.users--;
  }

  /** Whether no open stream is counted in it. */
  get isUnused(): bool {
    return this.users == 0;
  }

  /** Whether an unused unit may be closed although nothing else sweeps what it left in the store: all of it is swept. */
  get isSwept(): bool {
    return this.hasSweptAll;
  }

  /** Whether this unit sweeps all that the other one left in the store, and records all of its gauges. */
  succeeds(other: Unit): bool {
    if (this.role != other.role || this.config.instance != other.config.instance) return false;
    return this.config.maxServers >= other.config.maxServers;
  }

  /** Writes what it has gathered to the store and to metrics. It must not be used any more. */
  close(): void {
    this.calls.flush();
    this.sessions.close(this.milliseconds());
  }

  /** Publishes what is open here and what sessions did; one worker at a time sweeps for all. */
  tick(): void {
    const now = this.milliseconds();
    this.gauges.publish(this.slots, now);
    this.sessions.tick(now);
    this.calls.flush();
    if (this.lease.take(now, LEASE_MS) && !isWithin(SWEEP_MS, this.sweptAtMs, now)) {
      this.gauges.beginSweep(this.slots, now);
      const hasSweptSessions = this.sessionsInStore.sweep(now);
      const hasSweptPending = this.pending.sweep(now);
      this.gauges.endSweep();
      // What a sweep leaves waits for the next tick only.
      this.sweptAtMs = hasSweptSessions && hasSweptPending ? now : now - SWEEP_MS;
      this.hasSweptAll = this.sessionsInStore.isEmpty && this.pending.isEmpty;
    }
    if (this.shared.conflicts) {
      this.table.chooseServer(0);
      this.table.count(Family.StoreConflicts, 0, 0, this.shared.conflicts);
      this.shared.conflicts = 0;
    }
  }
}

/** The unit that the exchange is counted in. */
export function unitOf(exchange: Exchange): Unit {
  return changetype<Unit>(exchange.unit);
}

function labelSettings(config: PluginConfig, role: string): LabelSettings {
  const settings = new LabelSettings();
  settings.role = role;
  settings.server = config.server;
  settings.maxTools = config.maxTools;
  settings.maxServers = config.maxServers;
  settings.tools = config.tools;
  settings.caller = config.labelCaller;
  const access = config.access;
  if (access) settings.rules = access.rules.map<string>((rule) => rule.name);
  return settings;
}

function tokenSettings(config: PluginConfig): TokenSettings {
  return new TokenSettings(config.estimateTokens, config.maxTokenBytes, config.tokenScale);
}
