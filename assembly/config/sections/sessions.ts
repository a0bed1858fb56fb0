import { PluginConfig } from "../plugin_config";
import { parseDuration } from "../values/duration";
import { JsonType, JsonValue } from "../values/json_value";
import { lowerCase } from "../values/lower_case";
import { Problems } from "../values/problems";

const MAX_SESSIONS: i32 = 1_048_576;
const MAX_CALLER_HEADERS: i32 = 8;
/** Prefix of the key of a member of the `baggage` header. */
const BAGGAGE_PREFIX = "baggage.";

/** The fields of the section. */
export const SESSION_FIELDS: string[] = ["idleTimeout", "max", "callerKey"];

/** Reads a field of `sessions`. */
export function readSessions(name: string, value: JsonValue, config: PluginConfig, problems: Problems): void {
  if (name == "idleTimeout") {
    const milliseconds = value.type == JsonType.String && !value.isCut ? parseDuration(value.text) : -1;
    if (milliseconds >= 1000) config.sessionIdleSeconds = <i32>min<i64>(milliseconds / 1000, i32.MAX_VALUE);
    else problems.expected("sessions.idleTimeout", 'a duration of at least 1s, like "30m"', value);
  } else if (name == "max") {
    config.maxSessions = problems.integer("sessions.max", value, 1, MAX_SESSIONS, config.maxSessions);
  } else if (name == "callerKey") {
    const headers = problems.texts("sessions.callerKey", value);
    problems.atMost("sessions.callerKey", MAX_CALLER_HEADERS, "names of headers", value);
    config.callerHeaders = headers.map<string>((header) => callerHeader(header));
  } else {
    problems.unknown("sessions", name, SESSION_FIELDS);
  }
}

/** The name of a header in lower case. Keys of the baggage keep their case, because they are case-sensitive. */
function callerHeader(name: string): string {
  const lower = lowerCase(name);
  return lower.startsWith(BAGGAGE_PREFIX) ? BAGGAGE_PREFIX + name.slice(BAGGAGE_PREFIX.length) : lower;
}
