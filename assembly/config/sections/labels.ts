import { PluginConfig } from "../plugin_config";
import { JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";

/** The most tools and servers that may have label values of their own: the series budget allows no more anyway. */
const MAX_TOOLS: i32 = 1024;
const MAX_SERVERS: i32 = 64;

/** The fields of the section. */
export const LABEL_FIELDS: string[] = ["maxTools", "maxServers", "tools", "caller"];

/** Reads a field of `labels`. */
export function readLabels(name: string, value: JsonValue, config: PluginConfig, problems: Problems): void {
  if (name == "maxTools") {
    config.maxTools = problems.integer("labels.maxTools", value, 0, MAX_TOOLS, config.maxTools);
  } else if (name == "maxServers") {
    config.maxServers = problems.integer("labels.maxServers", value, 1, MAX_SERVERS, config.maxServers);
  } else if (name == "tools") {
    config.tools = problems.texts("labels.tools", value);
  } else if (name == "caller") {
    config.labelCaller = problems.boolean("labels.caller", value, config.labelCaller);
  } else {
    problems.unknown("labels", name, LABEL_FIELDS);
  }
}
