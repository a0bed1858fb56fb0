import { PluginConfig } from "../config/plugin_config";
import { Gate } from "../gate/gate";
import { NamedPaths } from "../http/named_paths";
import { RequestHead } from "../mcp/headers/request_head";
import { Configuration } from "./configuration/configuration";
import { CountingUnits } from "./counting_units";

/** The parts of the active configuration that a plugin instance needs for new streams. */
export class Service {
  head: RequestHead = new RequestHead([]);
  /** The paths of `match.paths`. */
  paths: NamedPaths = new NamedPaths([]);
  private applied: PluginConfig | null = null;

  constructor(
    private configuration: Configuration,
    private units: CountingUnits,
    private gate: Gate,
  ) {}

  /** Switches to the active configuration if it has changed, and returns it; null if there is none. */
  follow(): PluginConfig | null {
    const config = this.configuration.current;
    if (!config || config == this.applied) return config;
    this.applied = config;
    const access = config.access;
    this.head = new RequestHead(config.callerHeaders, access != null && access.denialCors.length > 0);
    this.paths = new NamedPaths(config.matchPaths);
    this.gate.apply(config, this.paths);
    this.units.reset();
    return config;
  }
}
