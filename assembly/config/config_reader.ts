import { isSpace } from "../json/characters";
import { AccessReader } from "./access/access_reader";
import { isPolicyField, namesAccess } from "./access_traces";
import { LimitsReader } from "./limits/limits_reader";
import { checkHost } from "./host_check";
import { isOmitted } from "./omitted_sections";
import { boundHold, checkPlainHost } from "./plain_host";
import { PluginConfig } from "./plugin_config";
import { HOLD_FIELDS, HoldReader } from "./rules/hold_reader";
import { IDENTITY_FIELDS, readIdentity } from "./rules/identity_reader";
import { LABEL_FIELDS, readLabels } from "./sections/labels";
import { MATCH_FIELDS, PATHS, readMatch } from "./sections/match";
import { presentPlace, refuseBoth } from "./sections/moved_fields";
import { SESSION_FIELDS, readSessions } from "./sections/sessions";
import { TOKEN_FIELDS, readTokens } from "./sections/tokens";
import { TRACE_FIELDS, TraceReader } from "./sections/trace";
import { JsonType, JsonValue, jsonFault, parseJson } from "./values/json_value";
import { NameTemplate } from "./values/name_template";
import { Problems, fieldPath, suggestion, suggestions } from "./values/problems";

const LOG_LEVELS: string[] = ["trace", "debug", "info", "warn", "error"];
const ROLES: string[] = ["client", "server"];

const SECTIONS: string[] = [
  "instance",
  "role",
  "server",
  "match",
  "sessions",
  "tokens",
  "labels",
  "identity",
  "hold",
  "access",
  "limits",
  "trace",
  "logFields",
  "responseHeaders",
  "log",
];

const NOT_IN_BUILD = "not part of this build of the module, whose host lacks what it needs";

/** Fields that both `access` and `limits` have, and no other section. */
const FIELDS_OF_BOTH: string[] = ["rules"];

/**
 * Reads a configuration and collects its errors and warnings. An unknown field is a warning, because a rollback to an
 * older module must not disable the filter, unless its name is a near miss of a known one.
 */
export class ConfigReader {
  readonly config: PluginConfig;
  /** `match.paths` has at least one path and no invalid entry. */
  arePathsKnown: bool = false;
  private problems: Problems;
  private access: AccessReader;
  private limits: LimitsReader;
  private hold: HoldReader;
  private trace: TraceReader;
  /** The `identity` section has no errors. */
  private isIdentitySound: bool = true;

  constructor() {
    const config = new PluginConfig();
    const problems = new Problems();
    this.config = config;
    this.problems = problems;
    boundHold(config.hold);
    this.limits = new LimitsReader(problems);
    this.hold = new HoldReader(config.hold, problems);
    this.trace = new TraceReader(problems);
    this.access = new AccessReader(config.identity, config.hold, problems);
  }

  get errors(): string[] {
    return this.problems.errors;
  }

  get warnings(): string[] {
    return this.problems.warnings;
  }

  /** Whether the bytes name the `instance`. */
  namesInstance: bool = false;

  /** Reads the bytes of the configuration. Empty or blank bytes give the defaults. */
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
    this.checkTogether(document);
  }

  /** Checks sections against each other. */
  private checkTogether(document: JsonValue): void {
    const config = this.config;
    const problems = this.problems;
    refuseBoth(document, problems);
    this.hold.check();
    if (this.isIdentitySound) {
      this.access.check();
      this.limits.check(config.identity, config.hold, config.estimateTokens);
    }
    this.trace.check(config);
    checkPlainHost(config, problems);
    checkHost(config, problems);
    if (config.matchPaths.length > 0) return;
    const why = "match.paths is required: without it, a client could bypass the ";
    if (config.access) problems.error("access", why + "policy by changing headers");
    if (config.limits) problems.error("limits", why + "limits by changing headers");
  }

  private readField(name: string, value: JsonValue): void {
    const config = this.config;
    if (isOmitted(name)) {
      // Ignoring limits would remove a protection without notice.
      if (name == "limits") this.problems.error(name, NOT_IN_BUILD);
      else this.problems.warn(name, "ignored: " + NOT_IN_BUILD);
    } else if (name == "match") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) {
        const isRead = readMatch(value.names[i], value.items[i], config, this.problems);
        if (value.names[i] == PATHS) this.arePathsKnown = isRead;
      }
    } else if (name == "labels") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) readLabels(value.names[i], value.items[i], config, this.problems);
    } else if (name == "sessions") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) readSessions(value.names[i], value.items[i], config, this.problems);
    } else if (name == "tokens") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) readTokens(value.names[i], value.items[i], config, this.problems);
    } else if (name == "identity") {
      const before = this.problems.errors.length;
      if (this.problems.isObject(name, value)) {
        for (let i = 0; i < value.items.length; i++) {
          readIdentity(value.names[i], value.items[i], config.identity, this.problems);
        }
      }
      this.isIdentitySound = this.problems.errors.length == before;
    } else if (name == "hold") {
      if (!this.problems.isObject(name, value)) return;
      for (let i = 0; i < value.items.length; i++) this.hold.read(value.names[i], value.items[i]);
    } else if (name == "limits") {
      config.limits = this.limits.read(value);
    } else if (name == "trace") {
      config.trace = this.trace.read(value);
    } else if (name == "access") {
      config.access = this.access.read(value);
    } else if (name == "instance") {
      this.namesInstance = value.type == JsonType.String && !value.isCut;
      config.instance = this.problems.text(name, value, config.instance);
    } else if (name == "server") {
      config.server = this.readServer(name, value);
    } else if (name == "role") {
      const role = this.problems.word(name, value, ROLES, -1);
      if (role >= 0) config.role = ROLES[role];
    } else if (name == "logFields") {
      config.logFields = this.problems.boolean(name, value, config.logFields);
    } else if (name == "responseHeaders") {
      config.responseHeaders = this.problems.boolean(name, value, config.responseHeaders);
    } else if (name == "log") {
      config.logLevel = this.problems.word(name, value, LOG_LEVELS, config.logLevel);
    } else {
      this.unknownSection(name);
    }
  }

  private readServer(path: string, value: JsonValue): NameTemplate {
    const template = new NameTemplate(this.problems.text(path, value, ""));
    if (template.fault.length == 0) return template;
    this.problems.error(path, template.fault);
    return this.config.server;
  }

  /** Reports an unknown top-level field. It is an error if it could belong to a policy, which must not be dropped
   *  for its name. */
  private unknownSection(name: string): void {
    const problems = this.problems;
    const section = sectionOf(name);
    if (isPolicyField(name)) {
      problems.error(fieldPath("", name), "unknown field" + suggestions(placesOf(name)));
    } else if (namesAccess(name)) {
      problems.error(fieldPath("", name), "unknown field" + suggestion("access"));
    } else if (section.length) {
      problems.warn(fieldPath("", name), "unknown field, ignored" + suggestion(section + "." + name));
    } else {
      problems.unknown("", name, SECTIONS);
    }
  }
}

/** The places where a policy field of this name may be. */
function placesOf(name: string): string[] {
  const place = presentPlace(name);
  if (place.length) return [place];
  return FIELDS_OF_BOTH.includes(name) ? ["access." + name, "limits." + name] : ["access." + name];
}

/** The section that has a field of this name; empty for none. */
function sectionOf(name: string): string {
  if (MATCH_FIELDS.includes(name)) return "match";
  if (SESSION_FIELDS.includes(name)) return "sessions";
  if (TOKEN_FIELDS.includes(name)) return "tokens";
  if (IDENTITY_FIELDS.includes(name)) return "identity";
  if (HOLD_FIELDS.includes(name)) return "hold";
  if (TRACE_FIELDS.includes(name)) return "trace";
  return LABEL_FIELDS.includes(name) ? "labels" : "";
}

function isBlank(at: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    if (!isSpace(load<u8>(at + i))) return false;
  }
  return true;
}
