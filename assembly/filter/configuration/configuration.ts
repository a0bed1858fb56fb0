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
import { Host } from "../counting_unit";

/** Number of ticks between two reminders that the configuration is invalid. */
const REMINDER_TICKS: i32 = 60;
const NOTHING = Bytes.of("");
/** Maximum number of plugins in the set of those with an invalid configuration. */
const INVALID_LIMIT: i32 = 4096;
/** Number of configurations settled in this VM. */
let settledInVm: u32 = 0;

/**
 * The configuration of a plugin instance. An invalid one is reported and replaced by a valid one that plugin instances
 * of the same name had before: see {@link KeptConfigurations}. If there is none, traffic passes unread, but MCP is
 * closed if the bytes indicate an access policy. The plugin's name is read only at the first request or tick, because
 * reading it within configure crashes NGINX.
 */
export class Configuration {
  private config: PluginConfig | null = null;
  private appliedNow: AppliedConfiguration = new AppliedConfiguration(0, null, NOTHING);
  private errors: string[] = [];
  /** The bytes of the newest configuration as received. */
  private bytes: Bytes = Bytes.of("");
  private namesInstance: bool = false;
  /** The newest configuration is invalid, and its bytes indicate an access policy. */
  private indicatesAccess: bool = false;
  /** The newest configuration, as far as it could be read. */
  private asRead: PluginConfig = new PluginConfig();
  /** All paths of the newest configuration are valid. */
  private arePathsKnown: bool = false;
  private isSettled: bool = true;
  /** The gauge of invalid configurations includes the state of this configuration. */
  private isRecorded: bool = false;
  /** Kind of configuration that replaces an invalid one. */
  private substitute: Substitute = Substitute.None;
  private sequence: u64 = 0;
  /** The value of {@link settledInVm} when the substitute was chosen. */
  private followed: u32 = 0;
  /** Shared data of the plugin of this name, opened at the first request or tick. */
  private shared: Store | null = null;
  private keptOrNull: KeptConfigurations | null = null;
  /** Hashes of the plugins whose configuration is invalid. */
  private invalid: NumberSet;
  private clock: ServiceClock;
  /** Hash that identifies this plugin, once `shared` is opened; 0 before. */
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

  /** Receives a new configuration: `length` bytes at `at`. */
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

  /** The active configuration: a valid one, or the substitute for an invalid one; null if there is neither. An
   *  invalid configuration must have been settled. */
  get current(): PluginConfig | null {
    return this.config;
  }

  get isBad(): bool {
    return this.errors.length > 0;
  }

  /** The active configuration with its bytes. */
  get applied(): AppliedConfiguration {
    return this.appliedNow;
  }

  /** Chooses the substitute for an invalid configuration, determines which configuration leads, and keeps a valid
   *  one for later. Called once per configuration, in the order in which the configurations of this VM arrived. */
  settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    settledInVm++;
    this.report.identify();
    this.ticksToReminder = REMINDER_TICKS;
    if (this.errors.length > 0) this.findSubstitute();
    this.store();
    this.leaderships.settle(this.plugin, this.applied, this.elapsed());
    // A worker that receives an older policy late must not replace a newer kept one.
    if (this.errors.length == 0 && (this.leaderships.leads || !this.asRead.access)) this.keep();
    this.beat();
    // A valid configuration writes no metric before the tick: a stream that is not MCP must leave no metric.
    this.isRecorded = false;
    if (this.isBad || this.isListedAsBad) this.recordInvalid();
  }

  /** Called on each tick, once the configuration is settled: reminds of an invalid configuration at intervals, and
   *  updates its substitute. */
  tick(): void {
    if (!this.isRecorded) this.recordCount();
    if (this.errors.length > 0) {
      if (--this.ticksToReminder < 0) this.remind();
      // Another plugin instance of the same name may have received a valid configuration since, on another worker.
      this.findSubstitute();
    }
    this.beat();
    const took = this.leaderships.tick(this.plugin, this.applied, this.elapsed());
    if (took && this.errors.length == 0 && !this.kept.isLatest(this.instance, this.bytes)) this.keep();
  }

  /** Called at each stream. Envoy may bring back an invalid configuration without a call; this updates its
   *  substitute if other configurations were settled in the meantime. */
  follow(): void {
    if (this.errors.length == 0 || this.followed == settledInVm) return;
    this.findSubstitute();
    this.beat();
  }

  /** Writes the gauge and the kept configuration again if they belong to another configuration. Called on a tick
   *  that follows streams: Envoy reuses a draining plugin instance, without a call, if its configuration comes back,
   *  and then both are another instance's. */
  reassert(): void {
    // A draining configuration with a policy has streams too, and must not replace a newer kept one.
    if (this.errors.length == 0 && !this.asRead.access && !this.kept.isLatest(this.instance, this.bytes)) this.keep();
    if (this.isListedAsBad != this.isBad) this.recordInvalid();
  }

  /** The roles that streams of plugins of this name had, on any worker. */
  knownRoles(): string[] {
    return new KnownRoles(this.store()).values();
  }

  /** Remembers the role of a stream. */
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

  /** Hash of the `instance` of the newest configuration, as far as it could be read. */
  private get instance(): u64 {
    return instanceHash(this.asRead);
  }

  private keep(): void {
    if (this.kept.keep(this.instance, this.bytes, this.asRead.access != null)) return;
    this.report.note(Level.Warn, "too long to be kept as a substitute for an invalid one");
  }

  /** Records that a policy is applied, so that no invalid configuration removes it. */
  private beat(): void {
    const config = this.config;
    if (config && config.access) this.kept.beat(instanceHash(config), this.elapsed());
  }

  /** The service time in milliseconds. */
  elapsed(): u64 {
    return this.clock.advance(this.host.clock.now() / NANOSECONDS_PER_MILLISECOND);
  }

  /** Chooses the substitute for an invalid configuration. It may change as other configurations arrive. */
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
    // Another version of the module kept it, and this one cannot read it.
    if (reader.errors.length > 0) {
      if (substitute == Substitute.Policy) this.close();
      return;
    }
    this.apply(reader.config, bytes);
    const which = substitute == Substitute.Policy ? "the last valid one with a policy" : "the last valid one";
    this.report.note(Level.Warn, which + " remains active");
    this.applyLogLevel();
  }

  /** Closes MCP: a policy must apply, and there is no valid configuration. */
  private close(): void {
    this.apply(closed(this.asRead, this.arePathsKnown), this.bytes);
    this.report.note(Level.Error, "a policy must apply, and no valid one is known: MCP is closed");
  }

  /** Sets the active configuration; `config` is null for none. */
  private apply(config: PluginConfig | null, bytes: Bytes): void {
    this.config = config;
    this.appliedNow = new AppliedConfiguration(hashBytes(this.bytes.at, this.bytes.length), config, bytes);
  }

  /** Adds the plugin to the set of those whose configuration is invalid, or removes it, and records the size of the
   *  set. */
  private recordInvalid(): void {
    if (this.isBad) this.invalid.add(this.plugin);
    else this.invalid.remove(this.plugin);
    this.recordCount();
  }

  /** Records the number of plugins with an invalid configuration. */
  private recordCount(): void {
    this.isRecorded = true;
    const name = String.UTF8.encode(familyName(Family.ConfigurationInvalid));
    const gauge = this.host.metrics.gauge(changetype<usize>(name), name.byteLength);
    this.host.metrics.record(gauge, this.invalid.count);
  }

  /** Whether this plugin is in the set of those with an invalid configuration. */
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

/** Identifies this plugin among those of the proxy: a hash of its name and root id. */
function pluginHash(properties: Properties): u64 {
  let hash: u64 = 1;
  if (properties.find("plugin_name")) hash = hashBytes(properties.at, properties.length, hash);
  if (properties.find("plugin_root_id")) hash = hashBytes(properties.at, properties.length, hash);
  return hash;
}
