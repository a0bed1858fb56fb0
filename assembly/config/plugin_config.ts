import { isSpace } from "../json/characters";
import { parseDecimal } from "./values/decimal";
import { parseDuration } from "./values/duration";
import { AccessConfig } from "./access/access_config";
import { AccessReader } from "./access/access_reader";
import { isPolicyField, namesAccess } from "./access_traces";
import { readMatchPaths } from "./match_paths";
import { JsonType, JsonValue, jsonFault, parseJson } from "./values/json_value";
import { lowerCase } from "./values/lower_case";
import { Problems, fieldPath, suggestion } from "./values/problems";
import { parseSize } from "./values/size";

/** The most tools and servers that may have label values of their own: the series budget allows no more anyway. */
const MAX_TOOLS: i32 = 1024;
const MAX_SERVERS: i32 = 64;

const MAX_SESSIONS: i32 = 1_048_576;
const MAX_CALLER_HEADERS: i32 = 8;

const LEAST_SCALE: f64 = 0.01;
const MOST_SCALE: f64 = 100;

/** Before the key of a member of the `baggage` header. */
const BAGGAGE_PREFIX = "baggage.";

const LOG_LEVELS: string[] = ["trace", "debug", "info", "warn", "error"];
const ROLES: string[] = ["client", "server"];

const SECTIONS: string[] = ["instance", "role", "server", "match", "sessions", "tokens", "labels", "access", "log"];
const MATCH_FIELDS: string[] = ["paths"];
const SESSION_FIELDS: string[] = ["idleTimeout", "max", "callerKey"];
const TOKEN_FIELDS: string[] = ["estimate", "scale", "maxBytes"];
const LABEL_FIELDS: string[] = ["maxTools", "maxServers", "tools", "caller"];

/** The plugin's configuration: one JSON object, every field optional. docs/configuration.md says what they do. */
export class PluginConfig {
  /** Plugins of the same instance and role are one counting unit. */
  instance: string = "default";
  /** Paths of MCP endpoints; one that ends in `*` stands for all that begin so. */
  matchPaths: string[] = [];
  server: string = "";
  /** `client`, `server`, or empty. */
  role: string = "";
  maxTools: i32 = 256;
  maxServers: i32 = 64;
  tools: string[] = [];
  sessionIdleSeconds: i32 = 1800;
  maxSessions: i32 = 65536;
  /** Names of headers, in lower case, that tell callers apart where there are no sessions; `baggage.` and a key, in its own
   *  case, for a member of the baggage. */
  callerHeaders: string[] = [];
  labelCaller: bool = false;
  estimateTokens: bool = true;
  /** What estimates are multiplied by. */
  tokenScale: f64 = 1;
  /** Bytes of text read exactly, a message. */
  maxTokenBytes: u32 = 262_144;
  /** Who may call what; null where nobody asked. */
  access: AccessConfig | null = null;
  /** An index of {@link LOG_LEVELS}, as proxy-wasm numbers levels. */
  logLevel: i32 = 3;
}

/** Reads a configuration and gathers its errors and warnings. An unknown field is a warning, since a rollback to an older
 *  module must not switch the filter off, unless its name is a near miss of a known one. */
export class ConfigReader {
  readonly config: PluginConfig = new PluginConfig();
  /** `match.paths` names at least one path and has no invalid entry. */
  arePathsKnown: bool = false;
  private problems: Problems = new Problems();

  get errors(): string[] {
    return this.problems.errors;
  }

  get warnings(): string[] {
    return this.problems.warnings;
  }

  /** Whether the bytes name the `instance`. */
  namesInstance: bool = false;

  /** Reads the bytes of the configuration. None at all, or blanks, are the defaults. */
  read(at: usize, length: usize): void {
    if (isBlank(at, length)) return;
    const document = parseJson(at, length);
    if (!document || document.type != JsonType.Object) {
      const got = document ? document.typeName : jsonFault(at, length);
      this.problems.error("configuration", "expected a JSON object, got " + got);
      return;
    }
    this.problems.refuseDuplicates("", document);
    for (let i = 0; i < document.items.length; i++) this.readField(document.names[i], document.items[i]);
    if (this.config.access && this.config.matchPaths.length == 0) {
      this.problems.error(
        "access",
        "match.paths is required: without it, a client could bypass the policy by changing headers",
      );
    }
  }

  private readField(name: string, value: JsonValue): void {
    const config = this.config;
    if (name == "match") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readMatch(value.names[i], value.items[i]);
    } else if (name == "labels") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readLabels(value.names[i], value.items[i]);
    } else if (name == "sessions") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readSessions(value.names[i], value.items[i]);
    } else if (name == "tokens") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readTokens(value.names[i], value.items[i]);
    } else if (name == "access") {
      config.access = new AccessReader(this.problems).read(value);
    } else if (name == "instance") {
      this.namesInstance = value.type == JsonType.String && !value.isCut;
      config.instance = this.problems.text(name, value, config.instance);
    } else if (name == "server") {
      config.server = this.problems.text(name, value, config.server);
    } else if (name == "role") {
      const role = this.problems.word(name, value, ROLES, -1);
      if (role >= 0) config.role = ROLES[role];
    } else if (name == "log") {
      config.logLevel = this.problems.word(name, value, LOG_LEVELS, config.logLevel);
    } else {
      this.unknownSection(name);
    }
  }

  /** An unknown field of the whole. It is an error if it could be a policy, which must not be dropped for its name. */
  private unknownSection(name: string): void {
    const problems = this.problems;
    const section = sectionOf(name);
    if (isPolicyField(name)) {
      problems.error(fieldPath("", name), "unknown field" + suggestion("access." + name));
    } else if (namesAccess(name)) {
      problems.error(fieldPath("", name), "unknown field" + suggestion("access"));
    } else if (section.length) {
      problems.warn(fieldPath("", name), "unknown field, ignored" + suggestion(section + "." + name));
    } else {
      problems.unknown("", name, SECTIONS);
    }
  }

  private readMatch(name: string, value: JsonValue): void {
    if (name != "paths") return this.problems.unknown("match", name, MATCH_FIELDS);
    const before = this.problems.errors.length;
    const paths = readMatchPaths("match.paths", value, this.problems);
    this.config.matchPaths = paths;
    this.arePathsKnown = paths.length > 0 && this.problems.errors.length == before;
  }

  private readSessions(name: string, value: JsonValue): void {
    const config = this.config;
    if (name == "idleTimeout") {
      const milliseconds = value.type == JsonType.String && !value.isCut ? parseDuration(value.text) : -1;
      if (milliseconds >= 1000) config.sessionIdleSeconds = <i32>min<i64>(milliseconds / 1000, i32.MAX_VALUE);
      else this.problems.expected("sessions.idleTimeout", 'a duration of at least 1s, like "30m"', value);
    } else if (name == "max") {
      config.maxSessions = this.problems.integer("sessions.max", value, 1, MAX_SESSIONS, config.maxSessions);
    } else if (name == "callerKey") {
      const headers = this.problems.texts("sessions.callerKey", value);
      this.problems.atMost("sessions.callerKey", MAX_CALLER_HEADERS, "names of headers", value);
      config.callerHeaders = headers.map<string>((header) => callerHeader(header));
    } else {
      this.problems.unknown("sessions", name, SESSION_FIELDS);
    }
  }

  private readLabels(name: string, value: JsonValue): void {
    const config = this.config;
    if (name == "maxTools") {
      config.maxTools = this.problems.integer("labels.maxTools", value, 0, MAX_TOOLS, config.maxTools);
    } else if (name == "maxServers") {
      config.maxServers = this.problems.integer("labels.maxServers", value, 1, MAX_SERVERS, config.maxServers);
    } else if (name == "tools") {
      config.tools = this.problems.texts("labels.tools", value);
    } else if (name == "caller") {
      config.labelCaller = this.problems.boolean("labels.caller", value, config.labelCaller);
    } else {
      this.problems.unknown("labels", name, LABEL_FIELDS);
    }
  }

  private readTokens(name: string, value: JsonValue): void {
    const config = this.config;
    if (name == "estimate") {
      config.estimateTokens = this.problems.boolean("tokens.estimate", value, config.estimateTokens);
    } else if (name == "scale") {
      const scale = value.type == JsonType.Number && !value.isCut ? parseDecimal(value.text) : -1;
      if (scale >= LEAST_SCALE && scale <= MOST_SCALE) config.tokenScale = scale;
      else this.problems.expected("tokens.scale", "a number from 0.01 to 100", value);
    } else if (name == "maxBytes") {
      const size = value.type == JsonType.String && !value.isCut ? parseSize(value.text) : -1;
      if (size >= 0) config.maxTokenBytes = <u32>min<i64>(size, u32.MAX_VALUE);
      else this.problems.expected("tokens.maxBytes", 'a size like "256KiB"', value);
    } else {
      this.problems.unknown("tokens", name, TOKEN_FIELDS);
    }
  }
}

/** The section that has a field of this name; empty where none has. */
function sectionOf(name: string): string {
  if (MATCH_FIELDS.includes(name)) return "match";
  if (SESSION_FIELDS.includes(name)) return "sessions";
  if (TOKEN_FIELDS.includes(name)) return "tokens";
  return LABEL_FIELDS.includes(name) ? "labels" : "";
}

/** Header names know no case, but keys of the baggage do. */
function callerHeader(name: string): string {
  const lower = lowerCase(name);
  return lower.startsWith(BAGGAGE_PREFIX) ? BAGGAGE_PREFIX + name.slice(BAGGAGE_PREFIX.length) : lower;
}

function isBlank(at: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    if (!isSpace(load<u8>(at + i))) return false;
  }
  return true;
}
