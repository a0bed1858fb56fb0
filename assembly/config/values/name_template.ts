import { nearestWord } from "./near_miss";
import { anyOf, quoted } from "./shown";

/** Separates the segments of an attribute's path, because keys may contain dots. */
const NUL = "\0";
const NODE = "xds\0node\0";
const METADATA = "node.metadata";
const OPEN: i32 = 0x7b;
const NAMES: string[] = ["namespace", "workload", "node.id", "node.cluster", METADATA, "cluster", "route"];

/** A part of a template: literal text, or a placeholder. */
export class TemplatePart {
  constructor(
    /** The literal text, or the placeholder without its braces. */
    readonly text: string,
    /** Paths of attributes for `Properties.findSegments`. The first one with a value is used. Empty for literal
     *  text. */
    readonly paths: string[],
  ) {}

  get isLiteral(): bool {
    return this.paths.length == 0;
  }

  /** Whether the value belongs to the stream; otherwise it belongs to the proxy, and is the same for all streams. */
  get isOfStream(): bool {
    return this.paths.length > 0 && !this.paths[0].startsWith(NODE);
  }
}

/**
 * A name that may contain placeholders in braces for attributes of the proxy (`{namespace}`) and of the stream
 * (`{route}`).
 */
export class NameTemplate {
  /** The parts in their order; none if the text is empty. */
  readonly parts: TemplatePart[] = [];
  /** What is wrong with the text; empty if it is valid. */
  fault: string = "";

  constructor(readonly text: string) {
    let at = 0;
    while (at < text.length && this.fault.length == 0) at = this.addPart(at);
  }

  get isEmpty(): bool {
    return this.parts.length == 0;
  }

  /** The name if it has no placeholders; otherwise empty. */
  get literal(): string {
    return this.parts.length == 1 && this.parts[0].isLiteral ? this.text : "";
  }

  /** Adds the part that begins at this index of the text. Returns the index after it. */
  private addPart(at: i32): i32 {
    const text = this.text;
    if (text.charCodeAt(at) == OPEN) {
      const end = text.indexOf("}", at);
      if (end < 0) this.fault = 'missing "}"';
      else this.addPlaceholder(text.slice(at + 1, end));
      return end + 1;
    }
    const open = text.indexOf("{", at);
    const end = open < 0 ? text.length : open;
    const literal = text.slice(at, end);
    if (literal.includes("}")) this.fault = 'unexpected "}"';
    this.parts.push(new TemplatePart(literal, []));
    return end;
  }

  private addPlaceholder(name: string): void {
    const paths = pathsOf(name);
    if (paths.length) {
      this.parts.push(new TemplatePart(name, paths));
      return;
    }
    const near = nearestWord(headOf(name), NAMES);
    this.fault =
      "unknown placeholder " +
      quoted("{" + name + "}") +
      (near.length
        ? "; did you mean " + quoted(shownPlaceholder(near)) + "?"
        : ", expected " + anyOf(shownPlaceholders()));
  }
}

/** The paths of a placeholder's attributes; none if it is unknown. */
function pathsOf(name: string): string[] {
  // Istio's names and Consul's. A node's cluster is the service in Consul and Kuma.
  if (name == "namespace") return [NODE + "metadata\0NAMESPACE", NODE + "metadata\0namespace"];
  if (name == "workload") return [NODE + "metadata\0WORKLOAD_NAME", NODE + "cluster"];
  if (name == "node.id") return [NODE + "id"];
  if (name == "node.cluster") return [NODE + "cluster"];
  if (name == "cluster") return ["xds\0cluster_name"];
  if (name == "route") return ["xds\0route_name"];
  if (!name.startsWith(METADATA)) return [];
  const keys = keysOf(name.slice(METADATA.length));
  return keys.length ? [NODE + "metadata" + keys] : [];
}

/**
 * The keys in `.A.B[c.d]` with a NUL before each. A key with dots is in brackets. Empty if there are no keys, or if one
 * is empty or not printable ASCII.
 */
function keysOf(text: string): string {
  let keys = "";
  let at = 0;
  while (at < text.length) {
    const isBracket = text.charCodeAt(at) == 0x5b;
    if (!isBracket && text.charCodeAt(at) != 0x2e) return "";
    const start = ++at;
    while (at < text.length && !isEnd(text.charCodeAt(at), isBracket)) {
      if (<u32>(text.charCodeAt(at++) - 0x20) > 0x5e) return "";
    }
    if (at == start || (isBracket && at == text.length)) return "";
    keys += NUL + text.slice(start, at);
    if (isBracket) at++;
  }
  return keys;
}

/** Whether a key ends before this character. */
function isEnd(codeUnit: i32, isBracket: bool): bool {
  return codeUnit == 0x5d || (!isBracket && (codeUnit == 0x2e || codeUnit == 0x5b));
}

/** A placeholder's name without the metadata keys, used to find the nearest known name. */
function headOf(name: string): string {
  const dot = name.indexOf(".");
  const end = dot < 0 ? -1 : name.indexOf(".", dot + 1);
  return end < 0 ? name : name.slice(0, end);
}

function shownPlaceholder(name: string): string {
  return "{" + name + (name == METADATA ? ".KEY}" : "}");
}

function shownPlaceholders(): string[] {
  return NAMES.map<string>((name) => shownPlaceholder(name));
}
