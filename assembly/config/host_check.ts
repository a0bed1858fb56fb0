import { PluginConfig } from "./plugin_config";
import { Problems } from "./values/problems";

/** Reports what a configuration asks of the build's host that it cannot do. */
export type HostCheck = (config: PluginConfig, problems: Problems) => void;

let check: HostCheck | null = null;

/** Sets the check of configurations for this build's host. Called once, by the entry. */
export function setHostCheck(hostCheck: HostCheck): void {
  check = hostCheck;
}

/** Checks a configuration for this build's host. */
export function checkHost(config: PluginConfig, problems: Problems): void {
  const own = check;
  if (own) own(config, problems);
}
