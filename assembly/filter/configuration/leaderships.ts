import { PluginConfig } from "../../config/plugin_config";
import { Level } from "../../host/log";
import { hashBytes, mix } from "../../memory/bytes";
import { Store } from "../../store/primitives/store";
import { PolicyGauges } from "../../stats/policy_gauges";
import { AppliedConfiguration } from "./applied_configuration";
import { ConfigurationReport } from "./configuration_report";
import { Stage } from "../../gate/stage/stage";
import { Leadership } from "./leadership";
import { Host } from "../counting_unit";

/** Number of ticks between two reminders. */
const REMINDER_TICKS: i32 = 60;

/** The leaderships of all plugin instances of this VM, in the order in which their configurations arrived. */
const instances: Leaderships[] = [];

/**
 * The {@link Leadership} of a plugin instance in each role that it serves. Without a configured role, its streams
 * determine the roles; before its first stream, it takes part in every role that the plugin is known to serve.
 */
export class Leaderships {
  /** Whether some streams need the policy of a newer configuration, or their connection ids are needed. */
  isConcerned: bool = false;
  private server: Leadership | null = null;
  private client: Leadership | null = null;
  private group: u64 = 0;
  private applied: AppliedConfiguration | null = null;
  private ticksToReminder: i32 = 0;
  private gauges: PolicyGauges;

  constructor(
    private host: Host,
    private report: ConfigurationReport,
  ) {
    this.gauges = new PolicyGauges(new Store(host.sharedData, 0, "configurations"), host.metrics);
  }

  /** The leadership in a role's group. The configuration must have been settled. */
  of(role: string): Leadership {
    return role == "client" ? this.client! : this.server!;
  }

  /** Makes the claims of a configuration that has settled. `plugin` is a hash of the plugin's name and root id;
   *  `now` is the service time in milliseconds. */
  settle(plugin: u64, applied: AppliedConfiguration, now: u64): void {
    const at = instances.indexOf(this);
    if (at >= 0) instances.splice(at, 1);
    instances.push(this);
    this.open(plugin, applied);
    this.of("server").reset();
    this.of("client").reset();
    this.refresh(now);
  }

  /** Called on each tick. True if the configuration took the lead. */
  tick(plugin: u64, applied: AppliedConfiguration, now: u64): bool {
    this.open(plugin, applied);
    const took = this.refresh(now);
    if (--this.ticksToReminder < 0) this.remind();
    this.recordGauges("server", now);
    this.recordGauges("client", now);
    return took;
  }

  /** Records that the instance has a stream of this role. */
  serve(role: string, now: u64): void {
    const leadership = this.of(role);
    if (leadership.hadStreams) return;
    leadership.hadStreams = true;
    // Older instances of this VM must not claim after this one.
    for (let i = 0; i < instances.length && instances[i] != this; i++) {
      const older = instances[i];
      if (older.group == this.group && older.belongsTo(role)) older.of(role).refresh(older.applied!, now);
    }
    leadership.refresh(this.applied!, now);
    this.weigh();
  }

  /** Removes the plugin instance, which is closing. */
  close(): void {
    const at = instances.indexOf(this);
    if (at >= 0) instances.splice(at, 1);
  }

  /** The stage of the newer configuration that leads in a role; null if there is none. */
  newerStage(role: string): Stage | null {
    const newer = this.of(role).newer;
    return newer ? newer.stage : null;
  }

  /** Whether the configuration leads in at least one role. */
  get leads(): bool {
    return this.isLeadingIn("server") || this.isLeadingIn("client");
  }

  private isLeadingIn(role: string): bool {
    const leadership = this.of(role);
    return leadership.hasClaimed && leadership.leads;
  }

  private open(plugin: u64, applied: AppliedConfiguration): void {
    this.applied = applied;
    const config = applied.config;
    const instance = String.UTF8.encode(config ? config.instance : new PluginConfig().instance);
    const instanceHash = hashBytes(changetype<usize>(instance), instance.byteLength);
    const group = mix(plugin ^ mix(instanceHash));
    if (group == this.group && this.server) return;
    this.group = group;
    const space = "configurations/" + plugin.toString() + "/" + instanceHash.toString() + "/";
    const data = this.host.sharedData;
    this.server = new Leadership(new Store(data, 0, space + "server"), group ^ 1);
    this.client = new Leadership(new Store(data, 0, space + "client"), group ^ 2);
  }

  private refresh(now: u64): bool {
    const server = this.refreshIn("server", now);
    const client = this.refreshIn("client", now);
    this.weigh();
    return server || client;
  }

  private refreshIn(role: string, now: u64): bool {
    const leadership = this.of(role);
    if (this.belongsTo(role)) return leadership.refresh(this.applied!, now);
    leadership.leave(this.applied!);
    return false;
  }

  /** Whether the instance may serve streams of this role. */
  private belongsTo(role: string): bool {
    const config = this.applied!.config;
    if (config && config.role.length) return config.role == role;
    const key = this.applied!.key;
    const own = this.of(role);
    const other = this.of(role == "client" ? "server" : "client");
    if (own.hadStreams || own.isServedBy(key)) return true;
    // A configuration that served both directions may have a successor that does too.
    if (own.isKnown() && own.sharesWith(other)) return true;
    if (other.hadStreams || other.isServedBy(key)) return false;
    if (!own.isKnown()) return !other.isKnown() && role == "server";
    return !other.isKnown() || own.isProtected();
  }

  private weigh(): void {
    const server = this.of("server");
    const client = this.of("client");
    this.isConcerned =
      server.needsConnections || client.needsConnections || server.newer != null || client.newer != null;
  }

  private remind(): void {
    this.ticksToReminder = REMINDER_TICKS;
    this.remindOf("server");
    this.remindOf("client");
  }

  private remindOf(role: string): void {
    const leadership = this.of(role);
    const newer = leadership.newer;
    if (newer && !newer.config) {
      this.report.note(Level.Warn, "this module cannot read the newest one, so the newest policy does not apply here");
    }
    if (!leadership.alternates || !leadership.leads) return;
    this.report.note(
      Level.Error,
      "another one with the same plugin name, root id, instance and role (" +
        role +
        ") also receives new connections, so requests must be allowed by both policies: give each its own instance",
    );
  }

  /** Records the policy gauges if this configuration leads. */
  private recordGauges(role: string, now: u64): void {
    const leadership = this.of(role);
    if (!leadership.hasClaimed || !leadership.leads) return;
    const config = this.applied!.config;
    const access = config ? config.access : null;
    this.gauges.record(this.group ^ (role == "client" ? 2 : 1), role, access, leadership.outdated, now);
  }
}
