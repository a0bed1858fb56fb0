import { JsonType, JsonValue } from "../values/json_value";
import { Problems, fieldPath, itemPath } from "../values/problems";
import { quoted } from "../values/shown";
import { PIN_MODES, PinsConfig } from "./pins_config";

const MAX_ENTRIES: i32 = 64;
const MAX_SERVERS: i32 = 64;
/** Maximum number of tools in all entries. More would not fit into a kept configuration. */
const MAX_TOOLS: i32 = 1024;
/** Maximum length of a tool's name in bytes. A longer name would be truncated to the longest text. */
const MAX_NAME: i32 = 255;
const PIN_DIGITS: i32 = 64;

const FIELDS: string[] = ["servers", "mode", "tools"];

/** Reads `access.pins`. Everything that is not understood is an error here, as in all of `access`. */
export class PinsReader {
  private entries: PinsConfig[] = [];
  private toolCount: i32 = 0;

  constructor(private problems: Problems) {}

  read(path: string, value: JsonValue): PinsConfig[] {
    const problems = this.problems;
    if (!problems.isArray(path, "an array of pins", value)) return this.entries;
    problems.atMost(path, MAX_ENTRIES, "entries", value);
    for (let i = 0; i < value.items.length; i++) {
      const entry = this.readEntry(itemPath(path, i), value.items[i]);
      if (entry.servers.length == 0 && value.items.length > 1) {
        problems.error(itemPath(path, i), "an entry without servers covers all servers, so it must be the only entry");
      }
      this.entries.push(entry);
    }
    if (this.toolCount > MAX_TOOLS) {
      problems.error(path, "expected at most " + MAX_TOOLS.toString() + " tools, got " + this.toolCount.toString());
    }
    return this.entries;
  }

  private readEntry(path: string, value: JsonValue): PinsConfig {
    const entry = new PinsConfig();
    const problems = this.problems;
    if (!problems.isObject(path, value)) return entry;
    let hasTools = false;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = path + "." + name;
      if (name == "servers") {
        this.readServers(at, item, entry);
      } else if (name == "mode") {
        entry.mode = problems.word(at, item, PIN_MODES, entry.mode);
      } else if (name == "tools") {
        hasTools = true;
        this.readTools(at, item, entry);
      } else {
        problems.refused(path, name, FIELDS);
      }
    }
    if (!hasTools) problems.error(path + ".tools", "expected an object that maps names of tools to pins");
    return entry;
  }

  private readServers(path: string, value: JsonValue, entry: PinsConfig): void {
    const problems = this.problems;
    problems.atMost(path, MAX_SERVERS, "servers", value);
    const servers = problems.list(path, value);
    for (let i = 0; i < servers.length; i++) {
      const name = servers[i];
      const at = itemPath(path, i);
      if (name.includes("*"))
        problems.error(at, "expected the name of a server as in metrics: patterns with * are not supported here");
      if (name.length == 0 && value.items[i].type == JsonType.String)
        problems.error(at, "expected the name of a server");
      if (servers.indexOf(name) != i || this.isKnown(name)) {
        problems.error(at, quoted(name) + " already has pins: list them in one entry");
      }
    }
    entry.servers = servers;
  }

  /** Whether an earlier entry covers the server. */
  private isKnown(server: string): bool {
    for (let i = 0; i < this.entries.length; i++) {
      if (this.entries[i].servers.includes(server)) return true;
    }
    return false;
  }

  private readTools(path: string, value: JsonValue, entry: PinsConfig): void {
    const problems = this.problems;
    if (!problems.isObject(path, value)) return;
    if (value.items.length == 0) problems.error(path, "expected at least one tool");
    this.toolCount += value.items.length;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = fieldPath(path, name);
      const size = String.UTF8.byteLength(name);
      if (size == 0 || size > MAX_NAME) {
        problems.error(at, "expected a name of 1 to " + MAX_NAME.toString() + " bytes");
      }
      if (item.type != JsonType.String || !isPin(item.text)) {
        problems.expected(at, PIN_DIGITS.toString() + " hexadecimal digits in lower case", item);
        continue;
      }
      const other = entry.pins.indexOf(item.text);
      if (other >= 0) {
        problems.error(at, "it is the pin of " + quoted(entry.tools[other]) + " too, and no two tools have one pin");
      }
      entry.tools.push(name);
      entry.pins.push(item.text);
    }
  }
}

function isPin(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const codeUnit = text.charCodeAt(i);
    const isDigit = (codeUnit >= 0x30 && codeUnit <= 0x39) || (codeUnit >= 0x61 && codeUnit <= 0x66);
    if (!isDigit) return false;
  }
  return text.length == PIN_DIGITS;
}
