import { CallerLabel, PluginConfig } from "../plugin_config";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";

/** Maximum number of tools and servers with label values of their own. The series budget has no room for more. */
const MAX_TOOLS: i32 = 1024;
const MAX_SERVERS: i32 = 64;

/** The fields of the section. */
export const LABEL_FIELDS: string[] = ["maxTools", "maxServers", "tools", "caller"];

/**
 * The values of `labels.caller`, in the order of {@link CallerLabel}. `false` means the first one and `true` the
 * second.
 */
const CALLER_LABELS: string[] = ["none", "address", "principal", "client"];

/** Reads a field of `labels`. */
export function readLabels(name: string, value: JsonValue, config: PluginConfig, problems: Problems): void {
  if (name == "maxTools") {
    config.maxTools = problems.integer("labels.maxTools", value, 0, MAX_TOOLS, config.maxTools);
  } else if (name == "maxServers") {
    config.maxServers = problems.integer("labels.maxServers", value, 1, MAX_SERVERS, config.maxServers);
  } else if (name == "tools") {
    config.tools = problems.texts("labels.tools", value);
  } else if (name == "caller") {
    if (value.type == JsonType.Boolean) config.callerLabel = value.boolean ? CallerLabel.Address : CallerLabel.None;
    else config.callerLabel = problems.word("labels.caller", value, CALLER_LABELS, config.callerLabel);
  } else {
    problems.unknown("labels", name, LABEL_FIELDS);
  }
}
