import { PluginConfig } from "../config/plugin_config";
import { Clock } from "../host/clock";
import { Metrics } from "../host/metrics";
import { Properties } from "../host/properties";
import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { CountingUnit } from "../mcp/counting_unit";
import { SessionTracker } from "../mcp/session_tracker";
import { TokenSettings } from "../mcp/token_kinds";
import { Lease } from "../store/lease";
import { Marks } from "../store/marks";
import { Secret } from "../store/secret";
import { Sessions } from "../store/sessions";
import { Slots } from "../store/slots";
import { Store } from "../store/store";
import { Family } from "../stats/catalogue";
import { Gauges } from "../stats/gauges";
import { LabelSettings, Labels } from "../stats/labels";
import { MetricTable } from "../stats/metric_table";
import { Recorder } from "../stats/recorder";
import { SessionRecorder } from "../stats/session_recorder";

const SWEEP_MS: i64 = 5000;
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
  ) {}
}

/** A plugin instance's part, on this worker, in the counting unit of its instance and role. */
export class Unit extends CountingUnit {
  private sessionsInStore: Sessions;
  private lease: Lease;
  private slots: Slots;
  private sweptAt: u64 = 0;

  static open(config: PluginConfig, role: string, host: Host): Unit {
    const shared = new Store(host.sharedData, host.random.next() | 1, config.instance + "/" + role);
    const labels = new Labels(labelSettings(config, role), host.properties, shared);
    const table = new MetricTable(labels, host.metrics);
    const gauges = new Gauges(config.maxServers, shared, table);
    const sessionRecorder = new SessionRecorder(labels, table, gauges, config.estimateTokens);
    const sessions = new Sessions(shared, config.maxSessions, sessionRecorder);
    const tracker = new SessionTracker(sessions, sessionRecorder, config.sessionIdleSeconds);
    const recorder = new Recorder(labels, table, gauges, host.clock);
    return new Unit(role, recorder, tracker, shared, sessions, gauges, table, config, host);
  }

  constructor(
    readonly role: string,
    recorder: Recorder,
    tracker: SessionTracker,
    private shared: Store,
    sessions: Sessions,
    private gauges: Gauges,
    private table: MetricTable,
    config: PluginConfig,
    host: Host,
  ) {
    const cancellations = new Marks(shared, "cancellations");
    const listedTokens = new Marks(shared, "lists");
    const secret = new Secret(shared, host.random);
    super(recorder, tracker, cancellations, listedTokens, secret, tokenSettings(config), host.clock);
    this.sessionsInStore = sessions;
    this.lease = new Lease(shared);
    this.slots = new Slots(shared);
  }

  /** The plugin instance goes: what sessions did here must be told now. */
  close(): void {
    this.sessions.flushAll(this.milliseconds());
  }

  /** Publishes what is open here and what sessions did; one worker at a time sweeps for all. */
  tick(): void {
    const now = this.milliseconds();
    this.gauges.publish(this.slots, now);
    this.sessions.tick(now);
    if (this.lease.take(now, LEASE_MS) && <i64>(now - this.sweptAt) >= SWEEP_MS) {
      this.sweptAt = now;
      this.gauges.beginSweep(this.slots, now);
      this.sessionsInStore.sweep(now);
      this.gauges.endSweep();
    }
    if (this.shared.conflicts) {
      this.table.chooseServer(0);
      this.table.count(Family.StoreConflicts, 0, 0, this.shared.conflicts);
      this.shared.conflicts = 0;
    }
  }
}

function labelSettings(config: PluginConfig, role: string): LabelSettings {
  const settings = new LabelSettings();
  settings.role = role;
  settings.server = config.server;
  settings.maxTools = config.maxTools;
  settings.maxServers = config.maxServers;
  settings.tools = config.tools;
  settings.caller = config.labelCaller;
  return settings;
}

function tokenSettings(config: PluginConfig): TokenSettings {
  return new TokenSettings(config.estimateTokens, config.maxTokenBytes, config.tokenScale);
}
