import { indicatesAccess } from "../../config/access_traces";
import { ConfigReader } from "../../config/config_reader";
import { PluginConfig } from "../../config/plugin_config";
import { Level, Log } from "../../host/log";
import { Properties } from "../../host/properties";
import { NANOSECONDS_PER_MILLISECOND } from "../../memory/elapsed";
import { Bytes, hashBytes } from "../../memory/bytes";
import { Family, familyName } from "../../stats/catalogue";
import { KeptConfigurations, Substitute } from "../../store/kept_configurations";
import { ServiceClock } from "../../store/service_clock";
import { KnownRoles } from "../../store/known_roles";
import { NumberSet } from "../../store/primitives/name_list";
import { Store } from "../../store/primitives/store";
import { AppliedConfiguration, closed } from "./applied_configuration";
import { ConfigurationReport } from "./configuration_report";
import { Leaderships } from "./leaderships";
import { Host } from "../unit";

/** Ticks from one reminder that the configuration is invalid to the next. */
const REMINDER_TICKS: i32 = 60;
const NOTHING = Bytes.of("");
/** Plugins that are counted in it at most. */
const INVALID_LIMIT: i32 = 4096;
/** Configurations that were settled in this VM. */
let settledInVm: u32 = 0;

/**
 * The configuration of a plugin instance. A bad one is reported, and a good one that plugin instances of that name had
 * before stands in for it: see {@link KeptConfigurations}. Where there is none, traffic passes unread, but MCP is closed if
 * the bytes indicate access.
 * The plugin's name is read only at the first request or tick, since the call crashes NGINX within configure.
 */
export class Configuration {
  private config: PluginConfig | null = null;
  private appliedNow: AppliedConfiguration = new AppliedConfiguration(0, null, NOTHING);
  private errors: string[] = [];
  /** The newest configuration as it came. */
  private bytes: Bytes = Bytes.of("");
  private namesInstance: bool = false;
  /** The newest is bad, and was to restrict access. */
  private indicatesAccess: bool = false;
  /** The newest, as far as it could be read. */
  private asRead: PluginConfig = new PluginConfig();
  /** It names all its paths validly. */
  private arePathsKnown: bool = false;
  private isSettled: bool = true;
  /** The gauge of invalid configurations knows of this one. */
  private isRecorded: bool = false;
  /** What stands in for a bad configuration. */
  private substitute: Substitute = Substitute.None;
  private sequence: u64 = 0;
  /** The value of {@link settledInVm} when it was found. */
  private followed: u32 = 0;
  /** What is kept of the plugin of this name: opened at the first request or tick. */
  private shared: Store | null = null;
  private keptOrNull: KeptConfigurations | null = null;
  /** The plugins whose configuration is invalid. */
  private invalid: NumberSet;
  private clock: ServiceClock;
  /** What tells this plugin from others, once `shared` is opened. */
  private plugin: u64 = 0;
  private ticksToReminder: i32 = 0;
  private report: ConfigurationReport;
  readonly leaderships: Leaderships;

  constructor(
    private host: Host,
    private log: Log,
  ) {
    const report = new ConfigurationReport(host.properties, log);
    this.report = report;
    this.leaderships = new Leaderships(host, report);
    const all = new Store(host.sharedData, 0, "configurations");
    this.invalid = new NumberSet(all, "invalid", INVALID_LIMIT);
    this.clock = new ServiceClock(all);
  }

  /** A new configuration has come. */
  read(at: usize, length: usize): void {
    const reader = new ConfigReader();
    reader.read(at, length);
    this.errors = reader.errors;
    this.asRead = reader.config;
    this.namesInstance = reader.namesInstance;
    const isBad = reader.errors.length > 0;
    this.indicatesAccess = isBad && indicatesAccess(at, <i32>length);
    this.arePathsKnown = reader.arePathsKnown;
    this.report.begin(reader.errors, reader.warnings, reader.config.instance);
    this.bytes = Bytes.copy(at, <i32>length);
    this.apply(isBad ? null : reader.config, this.bytes);
    this.substitute = Substitute.None;
    this.sequence = 0;
    this.isSettled = false;
    this.applyLogLevel();
  }

  /** The configuration that applies: a good one, or what stands in for a bad one; null where nothing does. A bad one must
   *  have been settled. */
  get current(): PluginConfig | null {
    return this.config;
  }

  get isBad(): bool {
    return this.errors.length > 0;
  }

  /** The same with its bytes. */
  get applied(): AppliedConfiguration {
    return this.appliedNow;
  }

  /** Finds what stands in for a bad configuration, finds out what leads, and keeps a good one for later. To be called once,
   *  in the order in which the configurations of this VM came. */
  settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    settledInVm++;
    this.report.identify();
    this.ticksToReminder = REMINDER_TICKS;
    if (this.errors.length > 0) this.findSubstitute();
    this.store();
    this.leaderships.settle(this.plugin, this.applied, this.elapsed());
    // A worker that is late with an older policy must not keep it in place of a newer one.
    if (this.errors.length == 0 && (this.leaderships.leads || !this.asRead.access)) this.keep();
    this.beat();
    // A good one has nothing to tell before the tick: a stream that is not MCP leaves no metric.
    this.isRecorded = false;
    if (this.isBad || this.isListedAsBad) this.recordInvalid();
  }

  /** To be called on each tick, once it is settled: reminds of a bad configuration at intervals, and follows what stands in
   *  for it. */
  tick(): void {
    if (!this.isRecorded) this.recordCount();
    if (this.errors.length > 0) {
      if (--this.ticksToReminder < 0) this.remind();
      // Another plugin instance of that name may have had a good one since, on another worker.
      this.findSubstitute();
    }
    this.beat();
    const took = this.leaderships.tick(this.plugin, this.applied, this.elapsed());
    if (took && this.errors.length == 0 && !this.kept.isLatest(this.instance, this.bytes)) this.keep();
  }

  /** To be called at each stream: a bad configuration, which Envoy may bring back without a call, must not serve it by what
   *  stood in for it before another one came. */
  follow(): void {
    if (this.errors.length == 0 || this.followed == settledInVm) return;
    this.findSubstitute();
    this.beat();
  }

  /** Sees to it that the gauge and what is kept are as this configuration wants them. To be called on a tick before which
   *  streams came: Envoy brings an older plugin instance back, without a call, where its configuration comes again while
   *  it drains, and then the gauge and the kept configuration are another one's. */
  reassert(): void {
    // A policy that drains has streams, too, and must not replace a newer one.
    if (this.errors.length == 0 && !this.asRead.access && !this.kept.isLatest(this.instance, this.bytes)) this.keep();
    if (this.isListedAsBad != this.isBad) this.recordInvalid();
  }

  /** The roles that streams through plugins of this name had, on any worker. */
  knownRoles(): string[] {
    return new KnownRoles(this.store()).values();
  }

  /** Keeps a role that a stream had. */
  rememberRole(role: string): void {
    new KnownRoles(this.store()).add(role);
  }

  private store(): Store {
    let shared = this.shared;
    if (shared) return shared;
    this.plugin = pluginHash(this.host.properties);
    shared = new Store(this.host.sharedData, 0, "configurations/" + this.plugin.toString());
    this.shared = shared;
    return shared;
  }

  private get kept(): KeptConfigurations {
    let kept = this.keptOrNull;
    if (kept) return kept;
    kept = new KeptConfigurations(this.store());
    this.keptOrNull = kept;
    return kept;
  }

  /** A hash of the `instance` of the newest configuration, as far as it could be read. */
  private get instance(): u64 {
    return instanceHash(this.asRead);
  }

  private keep(): void {
    if (this.kept.keep(this.instance, this.bytes, this.asRead.access != null)) return;
    this.report.note(Level.Warn, "too long to be kept for the case that a bad one comes");
  }

  /** Records that a policy is applied, so that no bad configuration removes it. */
  private beat(): void {
    const config = this.config;
    if (config && config.access) this.kept.beat(instanceHash(config), this.elapsed());
  }

  /** The service time, in milliseconds. */
  elapsed(): u64 {
    return this.clock.advance(this.host.clock.now() / NANOSECONDS_PER_MILLISECOND);
  }

  /** Finds what stands in for a bad configuration, which may change as others come. */
  private findSubstitute(): void {
    const kept = this.kept;
    this.followed = settledInVm;
    const substitute = kept.choose(this.instance, this.namesInstance, this.indicatesAccess, this.elapsed());
    if (substitute == this.substitute && kept.sequence == this.sequence) return;
    this.substitute = substitute;
    this.sequence = kept.sequence;
    this.apply(null, NOTHING);
    if (substitute == Substitute.Closed) return this.close();
    if (substitute == Substitute.None) return;
    const bytes = Bytes.copy(kept.at, kept.length);
    const reader = new ConfigReader();
    reader.read(bytes.at, bytes.length);
    // Another module has kept it, and this one cannot read it.
    if (reader.errors.length > 0) {
      if (substitute == Substitute.Policy) this.close();
      return;
    }
    this.apply(reader.config, bytes);
    const which = substitute == Substitute.Policy ? "the last good one with a policy" : "the last good one";
    this.report.note(Level.Warn, which + " stays in force");
    this.applyLogLevel();
  }

  /** A policy must be in force, and there is no good one: MCP is closed. */
  private close(): void {
    this.apply(closed(this.asRead, this.arePathsKnown), this.bytes);
    this.report.note(Level.Error, "a policy must be in force, and there is no good one: MCP is closed");
  }

  /** Applies a configuration, or nothing. */
  private apply(config: PluginConfig | null, bytes: Bytes): void {
    this.config = config;
    this.appliedNow = new AppliedConfiguration(hashBytes(this.bytes.at, this.bytes.length), config, bytes);
  }

  /** Adds the plugin to the set of those whose configuration is invalid, or removes it, and records how many there are. */
  private recordInvalid(): void {
    if (this.isBad) this.invalid.add(this.plugin);
    else this.invalid.remove(this.plugin);
    this.recordCount();
  }

  /** Records how many plugins have an invalid configuration. */
  private recordCount(): void {
    this.isRecorded = true;
    const name = String.UTF8.encode(familyName(Family.ConfigurationInvalid));
    const gauge = this.host.metrics.gauge(changetype<usize>(name), name.byteLength);
    this.host.metrics.record(gauge, this.invalid.count);
  }

  /** Whether this plugin is among those whose configuration is invalid. */
  private get isListedAsBad(): bool {
    return this.invalid.has(this.plugin);
  }

  private remind(): void {
    this.ticksToReminder = REMINDER_TICKS;
    this.report.remind();
  }

  private applyLogLevel(): void {
    const config = this.config;
    if (config) this.log.level = <Level>config.logLevel;
  }
}

function instanceHash(config: PluginConfig): u64 {
  const name = Bytes.of(config.instance);
  return hashBytes(name.at, name.length);
}

/** What tells this plugin from others of the proxy: a hash of its name and root id. */
function pluginHash(properties: Properties): u64 {
  let hash: u64 = 1;
  if (properties.find("plugin_name")) hash = hashBytes(properties.at, properties.length, hash);
  if (properties.find("plugin_root_id")) hash = hashBytes(properties.at, properties.length, hash);
  return hash;
}
