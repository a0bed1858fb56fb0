import { PluginConfig } from "../plugin_config";
import { TraceConfig } from "../trace_config";
import { parseDecimal } from "../values/decimal";
import { parseDuration } from "../values/duration";
import { JsonType, JsonValue } from "../values/json_value";
import { lowerCase } from "../values/lower_case";
import { Problems, fieldPath } from "../values/problems";
import { isHeaderName, isHeaderValue, isVisible } from "./header_fields";

const ENCODINGS: string[] = ["protobuf", "json"];
const PARENTS: string[] = ["meta", "header"];
const MIN_KEY: i32 = 16;
const MAX_HEADERS: i32 = 16;
const MAX_ATTRIBUTES: i32 = 32;
const MAX_ATTRIBUTE_NAME: i32 = 128;
const SLASH: i32 = 0x2f;
/** Characters that an authority cannot contain. `@` ends credentials. */
const NOT_IN_AUTHORITIES = "/?#@\\";

/** The fields of the section. */
export const TRACE_FIELDS: string[] = [
  "cluster",
  "path",
  "authority",
  "headers",
  "encoding",
  "sample",
  "parent",
  "sessions",
  "sessionKey",
  "setTraceparent",
  "resource",
];
const SAMPLE_FIELDS: string[] = ["parent", "ratio", "errors", "slowerThan"];

/**
 * Reads `trace`. No message shows a value that may contain credentials. An unknown field is a warning, as in most
 * sections, because ignoring it opens nothing.
 */
export class TraceReader {
  private config: TraceConfig = new TraceConfig();
  private isSound: bool = false;

  constructor(private problems: Problems) {}

  read(value: JsonValue): TraceConfig {
    const before = this.problems.errors.length;
    if (value.type != JsonType.Object) {
      this.secret("trace", "an object", value);
    } else {
      for (let i = 0; i < value.items.length; i++) this.readField(value.names[i], value.items[i]);
      if (!value.names.includes("cluster")) {
        this.problems.error("trace.cluster", "expected the name of the collector's cluster, which is required");
      }
    }
    this.isSound = this.problems.errors.length == before;
    return this.config;
  }

  /** Checks what was read against the other sections. */
  check(config: PluginConfig): void {
    if (!this.isSound || !this.config.setTraceparent) return;
    if (config.hold.headers && (config.access || config.limits)) return;
    const why = "no effect: request headers are held only by access or limits, and with hold.headers";
    this.problems.warn("trace.setTraceparent", why);
  }

  private readField(name: string, value: JsonValue): void {
    const config = this.config;
    const problems = this.problems;
    const path = "trace." + name;
    if (name == "cluster") {
      config.cluster = problems.text(path, value, "a");
      if (config.cluster.length == 0) problems.expected(path, "a name", value);
    } else if (name == "path") {
      const isPath = isText(value) && isVisible(value.text) && value.text.charCodeAt(0) == SLASH;
      if (isPath && !value.text.includes("#")) config.path = value.text;
      else this.secret(path, 'a path of visible ASCII characters that begins with "/"', value);
    } else if (name == "authority") {
      if (isText(value) && isAuthority(value.text)) config.authority = value.text;
      else this.secret(path, "a host, or a host and a port", value);
    } else if (name == "headers") {
      this.readHeaders(path, value);
    } else if (name == "encoding") {
      config.encoding = problems.word(path, value, ENCODINGS, config.encoding);
    } else if (name == "sample") {
      if (!problems.isObject(path, value)) return;
      for (let i = 0; i < value.items.length; i++) this.readSample(value.names[i], value.items[i]);
    } else if (name == "parent") {
      config.parent = problems.word(path, value, PARENTS, config.parent);
    } else if (name == "sessions") {
      config.sessions = problems.boolean(path, value, config.sessions);
    } else if (name == "sessionKey") {
      const isKey = isText(value) && value.text.length >= MIN_KEY;
      if (isKey) config.sessionKey = value.text;
      else if (value.type != JsonType.Null) this.secret(path, "null or a string of 16 characters to 256 bytes", value);
    } else if (name == "setTraceparent") {
      config.setTraceparent = problems.boolean(path, value, config.setTraceparent);
    } else if (name == "resource") {
      this.readResource(path, value);
    } else {
      problems.unknown("trace", name, TRACE_FIELDS);
    }
  }

  private readSample(name: string, value: JsonValue): void {
    const config = this.config;
    const problems = this.problems;
    const path = "trace.sample." + name;
    if (name == "parent") {
      config.sampleParent = problems.boolean(path, value, config.sampleParent);
    } else if (name == "ratio") {
      const ratio = value.type == JsonType.Number && !value.isCut ? parseDecimal(value.text) : -1;
      if (ratio >= 0 && ratio <= 1) config.sampleRatio = ratio;
      else problems.expected(path, "a number from 0 to 1", value);
    } else if (name == "errors") {
      config.keepErrors = problems.boolean(path, value, config.keepErrors);
    } else if (name == "slowerThan") {
      const milliseconds = isText(value) ? parseDuration(value.text) : -1;
      if (milliseconds >= 1) config.keepSlowerMs = <u32>min<i64>(milliseconds, u32.MAX_VALUE);
      else problems.expected(path, 'a duration of at least 1ms, like "5s"', value);
    } else {
      problems.unknown("trace.sample", name, SAMPLE_FIELDS);
    }
  }

  /** Reads `headers`. An invalid name is not shown, because it may be a credential in the wrong place. */
  private readHeaders(path: string, value: JsonValue): void {
    if (value.type != JsonType.Object) return this.secret(path, "an object", value);
    this.problems.atMost(path, MAX_HEADERS, "headers", value);
    const headers = this.config.headers;
    for (let i = 0; i < value.items.length; i++) {
      const name = lowerCase(value.names[i]);
      const item = value.items[i];
      if (!isHeaderName(name)) {
        const place = "the name of field " + (i + 1).toString();
        this.problems.error(path, place + " is not a valid name of a header, or the proxy writes this header");
      } else if (!isText(item) || !isHeaderValue(item.text)) {
        this.secret(path + "." + name, "at most 256 visible ASCII characters, with spaces only between them", item);
      } else if (hasName(headers, name)) {
        this.problems.error(path + "." + name, "duplicate header");
      } else {
        headers.push(name);
        headers.push(item.text);
      }
    }
  }

  private readResource(path: string, value: JsonValue): void {
    const problems = this.problems;
    if (!problems.isObject(path, value)) return;
    problems.atMost(path, MAX_ATTRIBUTES, "attributes", value);
    const resource = this.config.resource;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const at = fieldPath(path, name);
      if (!isVisible(name) || name.length > MAX_ATTRIBUTE_NAME) {
        problems.error(at, "expected a name of 1 to 128 visible ASCII characters");
        continue;
      }
      const text = problems.text(at, value.items[i], "a");
      if (text.length == 0) problems.expected(at, "a text", value.items[i]);
      resource.push(name);
      resource.push(text);
    }
  }

  /** Reports an error about a value that may contain credentials: shows only the value's type. */
  private secret(path: string, what: string, value: JsonValue): void {
    this.problems.error(path, "expected " + what + ", got " + (isText(value) ? "another string" : value.typeName));
  }
}

function isText(value: JsonValue): bool {
  return value.type == JsonType.String && !value.isCut;
}

function isAuthority(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (NOT_IN_AUTHORITIES.includes(text.charAt(i))) return false;
  }
  return isVisible(text);
}

/** Whether alternating names and values contain this name. */
function hasName(pairs: string[], name: string): bool {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] == name) return true;
  }
  return false;
}
