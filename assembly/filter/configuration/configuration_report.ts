import { Level, Log } from "../../host/log";
import { Properties } from "../../host/properties";

/**
 * Writes log lines about the configuration of one plugin instance. The lines of `begin` name its `instance`, and so
 * appear in `envoy --mode validate` too. Later ones also name the plugin and its root id, because a host may have
 * several plugins with one root id: `invalid configuration of plugin "mcp" (root id "", instance "default"): server:
 * expected …`.
 */
export class ConfigurationReport {
  private errors: string[] = [];
  private warnings: string[] = [];
  private instance: string = "";
  /** The part of a line that names the configuration, such as ` of plugin …`. */
  private subject: string = "";

  constructor(
    private properties: Properties,
    private log: Log,
  ) {}

  /** Reports the errors and warnings of a configuration that has just arrived. May be called within configure. */
  begin(errors: string[], warnings: string[], instance: string): void {
    this.errors = errors;
    this.warnings = warnings;
    this.instance = instance;
    this.subject = " (instance " + quoted(instance) + ")";
    this.writeAll();
  }

  /** Reads the plugin's names and reports the errors and warnings again with them. Must not be called within
   *  configure, because reading a property there crashes NGINX. */
  identify(): void {
    const name = this.property("plugin_name");
    const rootId = this.property("plugin_root_id");
    const instance = quoted(this.instance);
    this.subject = " of plugin " + quoted(name) + " (root id " + quoted(rootId) + ", instance " + instance + ")";
    this.writeAll();
  }

  /** Writes the errors again. */
  remind(): void {
    for (let i = 0; i < this.errors.length; i++) {
      this.log.write(Level.Error, "invalid configuration" + this.subject + ": " + this.errors[i]);
    }
  }

  note(level: Level, text: string): void {
    this.log.write(level, "configuration" + this.subject + ": " + text);
  }

  private writeAll(): void {
    for (let i = 0; i < this.warnings.length; i++) this.note(Level.Warn, this.warnings[i]);
    this.remind();
  }

  private property(path: string): string {
    const properties = this.properties;
    return properties.find(path) ? String.UTF8.decodeUnsafe(properties.at, properties.length) : "";
  }
}

function quoted(text: string): string {
  return '"' + text + '"';
}
