import { PluginConfig } from "../plugin_config";
import { JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";
import { readMatchPaths } from "./match_paths";

/** The field with the paths of MCP endpoints. */
export const PATHS = "paths";

/** The fields of the section. */
export const MATCH_FIELDS: string[] = [PATHS];

/** Reads a field of `match`. Returns true for paths that have at least one entry and no invalid one. */
export function readMatch(name: string, value: JsonValue, config: PluginConfig, problems: Problems): bool {
  if (name != PATHS) {
    problems.unknown("match", name, MATCH_FIELDS);
    return false;
  }
  const before = problems.errors.length;
  config.matchPaths = readMatchPaths("match.paths", value, problems);
  return config.matchPaths.length > 0 && problems.errors.length == before;
}
