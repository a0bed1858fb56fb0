import { PluginConfig } from "../plugin_config";
import { parseDecimal } from "../values/decimal";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems } from "../values/problems";
import { parseSize } from "../values/size";

const MIN_SCALE: f64 = 0.01;
const MAX_SCALE: f64 = 100;

/** The fields of the section. */
export const TOKEN_FIELDS: string[] = ["estimate", "scale", "maxBytes"];

/** Reads a field of `tokens`. */
export function readTokens(name: string, value: JsonValue, config: PluginConfig, problems: Problems): void {
  if (name == "estimate") {
    config.estimateTokens = problems.boolean("tokens.estimate", value, config.estimateTokens);
  } else if (name == "scale") {
    const scale = value.type == JsonType.Number && !value.isCut ? parseDecimal(value.text) : -1;
    if (scale >= MIN_SCALE && scale <= MAX_SCALE) config.tokenScale = scale;
    else problems.expected("tokens.scale", "a number from 0.01 to 100", value);
  } else if (name == "maxBytes") {
    const size = value.type == JsonType.String && !value.isCut ? parseSize(value.text) : -1;
    if (size >= 0) config.maxTokenBytes = <u32>min<i64>(size, u32.MAX_VALUE);
    else problems.expected("tokens.maxBytes", 'a size like "256KiB"', value);
  } else {
    problems.unknown("tokens", name, TOKEN_FIELDS);
  }
}
