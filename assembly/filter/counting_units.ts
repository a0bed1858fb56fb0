import { PluginConfig } from "../config/plugin_config";
import { Gate } from "../gate/gate";
import { Properties } from "../host/properties";
import { Configuration } from "./configuration/configuration";
import { Host, CountingUnit } from "./counting_unit";

/** The units of a plugin instance: one for each role and each configuration that the instance has had. */
export class CountingUnits {
  /** The unit of new streams; null until the first one. */
  private inbound: CountingUnit | null = null;
  /** The unit of new streams of outbound listeners; null until the first one. Listeners of both directions share the
   *  plugin instance if their configurations are the same. */
  private outbound: CountingUnit | null = null;
  /** All open units, the oldest first: the current ones, and older ones that open streams refer to by address or
   *  that sweep what they left in the store. */
  private all: CountingUnit[] = [];
  /** Index of the first unit of the active configuration. */
  private first: i32 = 0;

  constructor(
    private configuration: Configuration,
    private gate: Gate,
    private host: Host,
  ) {}

  /** Starts new units for a new active configuration. */
  reset(): void {
    this.inbound = null;
    this.outbound = null;
    this.first = this.all.length;
  }

  /** The unit of a new stream. Without a configured role, the direction of the stream's listener determines the
   *  role. */
  of(config: PluginConfig): CountingUnit {
    const isOutbound = config.role.length == 0 && isListenerOutbound(this.host.properties);
    const known = isOutbound ? this.outbound : this.inbound;
    if (known) return known;
    const role = config.role.length ? config.role : isOutbound ? "client" : "server";
    this.configuration.rememberRole(role);
    this.configuration.leaderships.serve(role, this.configuration.elapsed());
    const unit = this.open(config, role);
    if (isOutbound) this.outbound = unit;
    else this.inbound = unit;
    return unit;
  }

  /** Opens the units of the roles that streams of this plugin had before, on any worker, unless this instance has
   *  had a stream. What those streams left in the store must be swept even if no more streams arrive. */
  openKnown(config: PluginConfig): void {
    if (this.inbound || this.outbound) return;
    const roles = this.configuration.knownRoles();
    for (let i = 0; i < roles.length; i++) this.open(config, roles[i]);
  }

  /** Called on each tick. Closes older units that are no longer needed, after they have published that nothing is
   *  open in them. */
  tick(): void {
    for (let i = 0; i < this.all.length; i++) this.all[i].tick();
    for (let i = this.first - 1; i >= 0; i--) {
      const unit = this.all[i];
      if (!unit.isUnused || (!unit.isSwept && !this.hasSuccessor(i))) continue;
      unit.close();
      this.all.splice(i, 1);
      this.first--;
    }
  }

  /** Whether a later unit takes over the work of the unit of this index. */
  private hasSuccessor(index: i32): bool {
    for (let i = index + 1; i < this.all.length; i++) {
      if (this.all[i].succeeds(this.all[index])) return true;
    }
    return false;
  }

  /** Closes all units of the plugin instance, which is closing. */
  close(): void {
    for (let i = 0; i < this.all.length; i++) this.all[i].close();
  }

  /** Whether a unit has a call to the collector in flight. */
  get isSending(): bool {
    for (let i = 0; i < this.all.length; i++) {
      if (this.all[i].isSending) return true;
    }
    return false;
  }

  /** Handles the response to a callout. Then units whose spans waited for the call send them. */
  receive(token: u32, headerCount: u32, bodySize: usize): void {
    let isKnown = false;
    for (let i = 0; i < this.all.length && !isKnown; i++) isKnown = this.all[i].receive(token, headerCount, bodySize);
    for (let i = 0; i < this.all.length && isKnown; i++) this.all[i].resumeSpans();
  }

  /** Sends waiting spans, if the exporters may send now. */
  sendSpans(): void {
    for (let i = 0; i < this.all.length; i++) this.all[i].sendSpans();
  }

  /** The unit of this role under the active configuration: a new one if none is open. */
  private open(config: PluginConfig, role: string): CountingUnit {
    for (let i = this.first; i < this.all.length; i++) {
      if (this.all[i].role == role) return this.all[i];
    }
    const unit = new CountingUnit(config, role, this.gate.policy, this.gate.limits, this.host);
    this.all.push(unit);
    return unit;
  }
}

/** Whether the traffic direction of the stream's listener is OUTBOUND (2 in envoy.config.core.v3.TrafficDirection). */
function isListenerOutbound(properties: Properties): bool {
  return properties.find("xds.listener_direction") && load<u8>(properties.at) == 2;
}
