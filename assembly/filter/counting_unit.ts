import { ClientConditions } from "../access/policy/client_conditions";
import { ClientMemory } from "../access/client_memory";
import { Policy } from "../access/policy/policy";
import { CallerLabel, PluginConfig } from "../config/plugin_config";
import { RequestLogs } from "../gate/stage/request_logs";
import { Turns } from "../gate/stage/turns";
import { Clock } from "../host/clock";
import { FilterState } from "../host/filter_state";
import { HeaderMap } from "../host/header_map";
import { Log } from "../host/log";
import { Metrics } from "../host/metrics";
import { Properties } from "../host/properties";
import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { Timer } from "../host/timer";
import { Callers } from "../identity/callers";
import { Principals } from "../identity/principals";
import { Servers } from "../identity/servers";
import { HandOnSink } from "../limits/hand_on/hand_on_sink";
import { Ledger } from "../limits/ledger/ledger";
import { LimitAudit } from "../limits/report/limit_audit";
import { LimitRules } from "../limits/rules/limit_rules";
import { Exchange } from "../mcp/exchange/exchange";
import { ExchangeServices, ExchangeSettings } from "../mcp/exchange/services";
import { TokenSettings } from "../mcp/protocol/token_kinds";
import { isWithin } from "../memory/elapsed";
import { Endpoints } from "../store/endpoints";
import { Lease } from "../store/primitives/lease";
import { Marks } from "../store/primitives/marks";
import { Secret } from "../store/primitives/secret";
import { WorkerSlots } from "../store/primitives/worker_slots";
import { Store } from "../store/primitives/store";
import { LabelSettings } from "../stats/labels";
import { Statistics } from "../stats/statistics";
import { ExportHost, Exporter } from "../trace/export/exporter";
import { SpanRecorder } from "../trace/spans/span_recorder";

const SWEEP_MS: u64 = 5000;
/** Three and a half ticks, so that a lease that is renewed on each tick does not expire. */
const LEASE_MS: u64 = 3500;

/** The host's services for the units of a plugin instance. */
export class Host {
  constructor(
    readonly clock: Clock,
    readonly metrics: Metrics,
    readonly properties: Properties,
    readonly sharedData: SharedData,
    readonly random: Random,
    readonly filterState: FilterState,
    readonly logs: RequestLogs,
    readonly log: Log,
    /** The HTTP+SSE endpoints, which all instances share. */
    readonly endpoints: Endpoints,
    /** The turns and the timer of the plugin instance. */
    readonly turns: Turns,
    readonly timer: Timer,
    /** The request headers of the current stream. */
    readonly requestHeaders: HeaderMap,
    /** Host services for span exporters. */
    readonly exports: ExportHost,
  ) {}
}

/** Number of buckets for sessions whose client is remembered for the access policy, with 32 sessions per bucket. */
const CLIENT_BUCKETS: i32 = 4096;

/**
 * The statistics, limits and traces of one instance and role under one configuration, as one plugin instance keeps them
 * on this worker.
 */
export class CountingUnit {
  readonly services: ExchangeServices;
  private statistics: Statistics;
  private shared: Store;
  private lease: Lease;
  private slots: WorkerSlots;
  /** What callers have used of their limits; null without limits. */
  private ledger: Ledger | null = null;
  /** Sends spans to the collector; null if traces are not configured. */
  private exporter: Exporter | null = null;
  private clock: Clock;
  private turns: Turns;
  private sweptAtMs: u64 = 0;
  /** Number of open streams that refer to the unit by its address. */
  private users: i32 = 0;
  /** The last sweep has left nothing in the store, and no stream has started since. */
  private hasSweptAll: bool = false;

  /**
   * @param policy the access policy; null if there is none
   * @param limits the limits; null if there are none
   */
  constructor(
    private config: PluginConfig,
    readonly role: string,
    policy: Policy | null,
    limits: LimitRules | null,
    host: Host,
  ) {
    const shared = new Store(host.sharedData, host.random.next() | 1, config.instance + "/" + role);
    const isShadow = policy != null && !policy.isEnforced;
    const statistics = new Statistics(labelSettings(config, role), isShadow, shared, host.metrics, host.clock);
    const conditions = policy ? policy.clients : new ClientConditions();
    const clientMemory = new ClientMemory(conditions, new Marks(shared, "clients", CLIENT_BUCKETS));
    const services = new ExchangeServices(
      exchangeSettings(config),
      shared,
      role,
      new Secret(shared, host.random),
      new Servers(config.server, host.properties, host.log),
      new Callers(host.properties),
      principalsOf(config, host),
      statistics.clientNumbers,
      host.endpoints,
      host.clock,
      host.random,
    );
    services.events.add(statistics);
    services.events.add(clientMemory);
    services.clientNames = clientMemory;
    const trace = config.trace;
    if (trace) {
      const exporter = new Exporter(trace, role, host.exports);
      const headers = host.requestHeaders;
      // The span recorder comes before the logs, which name the spans that are kept.
      services.events.add(
        new SpanRecorder(config, role, services, exporter, new Marks(shared, "roots"), headers, host.clock),
      );
      this.exporter = exporter;
    }
    const logs = host.logs.sinks(config);
    for (let i = 0; i < logs.length; i++) services.events.add(logs[i]);
    const slots = new WorkerSlots(shared);
    if (limits) {
      const audit = new LimitAudit(limits, host.log, host.clock, host.properties);
      const ledger = new Ledger(limits, shared, slots, services.sessions, audit, host.turns, host.timer, host.clock);
      host.turns.add(ledger.queues);
      // HandOnSink comes before the ledger, which forgets what could not be read.
      services.events.add(new HandOnSink(host.filterState, host.properties));
      services.events.add(ledger);
      services.events.add(ledger.adaptive);
      statistics.show(ledger.adaptive);
      services.limits = ledger;
      this.ledger = ledger;
    }
    this.services = services;
    this.statistics = statistics;
    this.shared = shared;
    this.lease = new Lease(shared);
    this.slots = slots;
    this.clock = host.clock;
    this.turns = host.turns;
  }

  /** Counts a stream that begins to use the unit. */
  enter(): void {
    this.users++;
    this.hasSweptAll = false;
  }

  /** Counts a stream that no longer uses the unit. */
  leave(): void {
    this.users--;
  }

  /** Whether no open stream and no remainder of an ended one uses the unit, and no span waits to be sent. */
  get isUnused(): bool {
    const exporter = this.exporter;
    return this.users == 0 && this.services.isIdle && (!exporter || exporter.waiting == 0);
  }

  /** Whether a sweep has removed everything that the unit left in the store, so that an unused unit can be closed
   *  even if no other unit sweeps for it. */
  get isSwept(): bool {
    return this.hasSweptAll;
  }

  /** Whether this unit sweeps everything that the other one left in the store, and records all of its gauges. */
  succeeds(other: CountingUnit): bool {
    if (this.role != other.role || this.config.instance != other.config.instance) return false;
    return this.config.maxServers >= other.config.maxServers;
  }

  /** Writes pending values to the store and to metrics, and the last spans to the collector. The unit must not be
   *  used afterwards, except for {@link receive} and {@link sendSpans} while it is sending. */
  close(): void {
    const ledger = this.ledger;
    if (ledger) this.turns.remove(ledger.queues);
    this.services.close(this.clock.milliseconds);
    const exporter = this.exporter;
    if (exporter) {
      exporter.close();
      this.statistics.countSpans(exporter.counts);
    }
    this.statistics.flush();
  }

  /** Whether a call to the collector is in flight. */
  get isSending(): bool {
    const exporter = this.exporter;
    return exporter != null && exporter.isSending;
  }

  /** Handles the response to a callout of the plugin instance. False if another unit made the call. */
  receive(token: u32, headerCount: u32, bodySize: usize): bool {
    const exporter = this.exporter;
    if (!exporter || !exporter.receive(token, headerCount, bodySize)) return false;
    this.statistics.countSpans(exporter.counts);
    return true;
  }

  /** Sends the spans that waited for another unit's call to the collector, which has ended. */
  resumeSpans(): void {
    const exporter = this.exporter;
    if (exporter) exporter.resume();
  }

  /** Sends waiting spans, if the exporter may send now. */
  sendSpans(): void {
    const exporter = this.exporter;
    if (!exporter) return;
    exporter.tick();
    this.statistics.countSpans(exporter.counts);
  }

  /** Publishes open operations and session activity. One worker at a time sweeps for all. */
  tick(): void {
    const now = this.clock.milliseconds;
    const statistics = this.statistics;
    statistics.publish(this.slots, now);
    this.services.tick(now);
    statistics.flush();
    const isSweeper = this.lease.tryAcquire(now, LEASE_MS);
    const ledger = this.ledger;
    if (ledger) ledger.tick(isSweeper);
    if (isSweeper && !isWithin(SWEEP_MS, this.sweptAtMs, now)) {
      statistics.beginSweep(this.slots, now);
      const hasSwept = this.services.sweep(now);
      statistics.endSweep();
      // An unfinished sweep continues on the next tick.
      this.sweptAtMs = hasSwept ? now : now - SWEEP_MS;
      this.hasSweptAll = this.services.isEmpty;
    }
    statistics.countConflicts(this.shared);
    this.sendSpans();
  }
}

/** The unit of the exchange. */
export function unitOf(exchange: Exchange): CountingUnit {
  return changetype<CountingUnit>(exchange.unit);
}

/** Reads the principals that labels show; null if labels show none. */
function principalsOf(config: PluginConfig, host: Host): Principals | null {
  if (config.callerLabel != CallerLabel.Principal) return null;
  return new Principals(config.identity, host.properties);
}

function labelSettings(config: PluginConfig, role: string): LabelSettings {
  const settings = new LabelSettings();
  settings.role = role;
  settings.server = config.server.literal;
  settings.maxTools = config.maxTools;
  settings.maxServers = config.maxServers;
  settings.tools = config.tools;
  settings.caller = config.callerLabel;
  settings.tokens = config.estimateTokens;
  const access = config.access;
  if (access) settings.rules = access.rules.map<string>((rule) => rule.name);
  const limits = config.limits;
  if (limits) settings.limitRules = limits.rules.map<string>((rule) => rule.name);
  return settings;
}

function exchangeSettings(config: PluginConfig): ExchangeSettings {
  const tokens = new TokenSettings(config.estimateTokens, config.maxTokenBytes, config.tokenScale);
  return new ExchangeSettings(config.sessionIdleSeconds, config.maxSessions, tokens, config.callerLabel, config.trace);
}
