/** The module itself with a plugin configuration, and what it says about that configuration. */
import { fileURLToPath } from "node:url";
import { type Build, BUILDS } from "../builds.ts";
import { loadModule, type Plugin, type PluginOptions, Vm } from "../host/index.ts";

/** An error or warning in the filter's words: `access.mode: expected …`. */
export interface ConfigurationReport {
  readonly severity: "error" | "warning";
  readonly text: string;
}

/** A log line about a configuration. The instance is as the configuration names it, so it may contain anything. */
const LINE = /^(invalid )?configuration \(instance ".*?"\): (.*)$/s;

/** The filter with this configuration, in a VM of its own, because a module keeps valid configurations for later ones. */
export function configured(
  configuration: Uint8Array | object,
  options: PluginOptions = {},
  { module }: Build = BUILDS[0],
): Plugin {
  const path = fileURLToPath(new URL(`../../${module}`, import.meta.url));
  return new Vm(loadModule(path)).plugin({ name: "mcp", rootId: "mcp", ...options, configuration });
}

/** Like {@link configured}, with a configuration that is valid by construction. Throws the filter's errors if it is not. */
export function validlyConfigured(configuration: object, options: PluginOptions = {}): Plugin {
  const plugin = configured(configuration, options);
  const errors = reportsOf(plugin).filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(`The filter rejects a derived configuration: ${errors[0].text}`);
  return plugin;
}

/** Everything that the filter reports about its configuration, in its order. Without an error, the configuration is valid. */
export function reportsOf(plugin: Plugin): ConfigurationReport[] {
  return plugin.vm.logs.flatMap(({ message }): ConfigurationReport[] => {
    const match = LINE.exec(message);
    return match === null ? [] : [{ severity: match[1] === undefined ? "warning" : "error", text: match[2] }];
  });
}
