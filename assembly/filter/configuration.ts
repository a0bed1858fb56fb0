import { AccessConfig } from "../config/access/access_config";
import { indicatesAccess } from "../config/access_traces";
import { ConfigReader, PluginConfig } from "../config/plugin_config";
import { Level, Log } from "../host/log";
import { Properties } from "../host/properties";
import { Bytes, hashBytes } from "../memory/bytes";
import { ATTEMPTS, PAGE_CAPACITY, Store } from "../store/store";
import { ConfigurationReport } from "./configuration_report";
import { Host } from "./unit";

/** Ticks from one reminder that the configuration is invalid to the next. */
const REMINDER_TICKS: i32 = 60;
const GAUGE = "mcp_configuration_invalid";
const LINE_FEED: u8 = 0x0a;

/**
 * The configuration of a plugin instance. An invalid one is reported, and the last good one of the plugin of that name
 * goes on: each is kept in the store, whence also a new VM gets it. Where there is none, traffic passes unread, but MCP is
 * closed if the bytes indicate access.
 * The plugin's name is asked for only at the first request or tick, since the call crashes NGINX within configure.
 */
export class Configuration {
  private config: PluginConfig | null = null;
  private errors: string[] = [];
  /** The newest configuration as it came. */
  private bytes: Bytes = Bytes.of("");
  /** The last good one as it lay in the store when it was kept there or taken from there. */
  private inHand: Bytes = Bytes.of("");
  /** The paths that the newest names, as far as it could be read. */
  private paths: string[] = [];
  private isSettled: bool = true;
  /** What is kept of the plugin of this name: opened at the first request or tick. */
  private kept: Store | null = null;
  /** What is kept of all plugins. */
  private all: Store;
  /** What tells this plugin from others, once `kept` is opened. */
  private plugin: u64 = 0;
  private ticksToReminder: i32 = 0;
  private report: ConfigurationReport;

  constructor(
    private host: Host,
    private log: Log,
  ) {
    this.report = new ConfigurationReport(host.properties, log);
    this.all = new Store(host.sharedData, 0, "configurations");
  }

  /** A new configuration has come. */
  read(at: usize, length: usize): void {
    const reader = new ConfigReader();
    reader.read(at, length);
    this.errors = reader.errors;
    this.config = reader.errors.length == 0 ? reader.config : null;
    this.paths = reader.config.matchPaths;
    this.report.begin(reader.errors, reader.warnings, reader.config.instance);
    this.bytes = Bytes.copy(at, <i32>length);
    this.isSettled = false;
    this.applyLogLevel();
  }

  /** The valid configuration to go by; null where there is none. */
  current(): PluginConfig | null {
    // A good one need not wait for the tick that settles it.
    if (!this.config && !this.isSettled) this.settle();
    return this.config;
  }

  /** Keeps a good configuration for later, gets the last good one in place of a bad one, and tells the gauge. To be called
   *  on each tick: reminds of a bad one at intervals. */
  settle(): void {
    if (this.isSettled) {
      if (this.errors.length == 0) return;
      if (--this.ticksToReminder < 0) this.remind();
      // Another plugin of that name may have had a good one since.
      if (!this.isInHand) this.recover();
      return;
    }
    this.isSettled = true;
    this.report.identify();
    this.ticksToReminder = REMINDER_TICKS;
    if (this.errors.length == 0) this.keep();
    else this.recover();
    this.tellGauge();
    this.applyLogLevel();
  }

  /** Sees to it that the gauge and what is kept are as this configuration wants them. To be called on a tick before which
   *  streams came: Envoy brings an older plugin instance back, without a word, where its configuration comes again while
   *  it drains, and then another one's are there. */
  reassert(): void {
    if (!this.isSettled) return;
    if (this.errors.length == 0 && !this.isInHand) this.keep();
    const all = this.all;
    all.load("invalid");
    let isInvalid = false;
    for (let at = 0; at < all.length; at += sizeof<u64>()) {
      if (load<u64>(all.page + at) == this.plugin) isInvalid = true;
    }
    if (isInvalid != this.errors.length > 0) this.tellGauge();
  }

  /** Whether the last good configuration in the store is the one that was kept there or taken from there. */
  private get isInHand(): bool {
    const shared = this.store();
    shared.load("good");
    return this.inHand.equals(shared.page, shared.length);
  }

  /** The roles that streams through plugins of this name had, on any worker. */
  knownRoles(): string[] {
    const shared = this.store();
    shared.load("roles");
    if (shared.length == 0) return [];
    return String.UTF8.decodeUnsafe(shared.page, shared.length).split(" ");
  }

  /** Keeps a role that a stream had. */
  rememberRole(role: string): void {
    const shared = this.store();
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const known = this.knownRoles();
      if (known.includes(role)) return;
      known.push(role);
      const text = known.join(" ");
      shared.length = <i32>String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, shared.page);
      if (shared.save()) return;
    }
  }

  private store(): Store {
    let shared = this.kept;
    if (shared) return shared;
    this.plugin = pluginHash(this.host.properties);
    shared = new Store(this.host.sharedData, 0, "configurations/" + this.plugin.toString());
    this.kept = shared;
    return shared;
  }

  private keep(): void {
    const shared = this.store();
    const length = this.bytes.length;
    const isKept = length < PAGE_CAPACITY;
    if (!isKept) this.report.note(Level.Warn, "too long to be kept for when a bad one comes");
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.load("good");
      if (!isKept) {
        // An older one must not come back either.
        shared.length = 0;
        if (!shared.save()) continue;
        this.inHand = Bytes.of("");
        return;
      }
      memory.copy(shared.page, this.bytes.at, length);
      // A line's end, so that an empty one, which is the defaults, is told from none.
      store<u8>(shared.page + length, LINE_FEED);
      shared.length = length + 1;
      if (!shared.save()) continue;
      this.inHand = Bytes.copy(shared.page, shared.length);
      return;
    }
  }

  private recover(): void {
    const shared = this.store();
    shared.load("good");
    this.inHand = Bytes.copy(shared.page, shared.length);
    const reader = new ConfigReader();
    reader.read(shared.page, shared.length);
    if (shared.length == 0 || reader.errors.length > 0) return this.close();
    this.config = reader.config;
    this.report.note(Level.Warn, "the last good one stays in force");
  }

  /** There is no good configuration: where this one was to protect something, MCP is closed. */
  private close(): void {
    if (!indicatesAccess(this.bytes.at, this.bytes.length)) return;
    const config = new PluginConfig();
    const access = new AccessConfig();
    access.isClosed = true;
    config.matchPaths = this.paths;
    config.access = access;
    this.config = config;
    this.report.note(Level.Error, "it indicates access, and there is no good one: MCP is closed");
  }

  /** Puts the plugin in or takes it out of the set of those whose configuration is invalid, and records how many they
   *  are. */
  private tellGauge(): void {
    const shared = this.all;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      shared.load("invalid");
      let kept = 0;
      for (let at = 0; at < shared.length; at += sizeof<u64>()) {
        const other = load<u64>(shared.page + at);
        if (other == this.plugin) continue;
        store<u64>(shared.page + kept, other);
        kept += sizeof<u64>();
      }
      if (this.errors.length > 0) {
        store<u64>(shared.page + kept, this.plugin);
        kept += sizeof<u64>();
      }
      shared.length = kept;
      if (!shared.save()) continue;
      const name = String.UTF8.encode(GAUGE);
      const gauge = this.host.metrics.gauge(changetype<usize>(name), name.byteLength);
      this.host.metrics.record(gauge, kept / sizeof<u64>());
      return;
    }
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

/** What tells this plugin from others of the proxy: a hash of its name and root id. */
function pluginHash(properties: Properties): u64 {
  let hash: u64 = 1;
  if (properties.find("plugin_name")) hash = hashBytes(properties.at, properties.length, hash);
  if (properties.find("plugin_root_id")) hash = hashBytes(properties.at, properties.length, hash);
  return hash;
}
