import { nearestWord } from "./near_miss";
import { anyOf, quoted } from "./shown";

/** Separates the segments of an attribute's path, since keys may contain dots. */
const NUL = "\0";
const NODE = "xds\0node\0";
const METADATA = "node.metadata";
const OPEN: i32 = 0x7b;
const NAMES: string[] = ["namespace", "workload", "node.id", "node.cluster", METADATA, "cluster", "route"];

/** A piece of a template: literal text, or a placeholder. */
export class TemplatePart {
  constructor(
    /** The literal text, or the placeholder without its braces. */
    readonly text: string,
    /** Paths of attributes for `Properties.findSegments`, of which the first with a value counts. None for literal text. */
    readonly paths: string[],
  ) {}

  get isLiteral(): bool {
    return this.paths.length == 0;
  }

  /** Whether the value is the stream's; else it is the proxy's, and the same for all streams. */
  get isOfStream(): bool {
    return this.paths.length > 0 && !this.paths[0].startsWith(NODE);
  }
}

/** A name that may have placeholders in braces for attributes of the proxy (`{namespace}`) and of the stream (`{route}`). */
export class NameTemplate {
  /** In their order; none where the text is empty. */
  readonly parts: TemplatePart[] = [];
  /** What is wrong with the text; empty where nothing is. */
  fault: string = "";

  constructor(readonly text: string) {
    let at = 0;
    while (at < text.length && this.fault.length == 0) at = this.addPart(at);
  }

  get isEmpty(): bool {
    return this.parts.length == 0;
  }

  /** The name where it has no placeholders, else empty. */
  get literal(): string {
    return this.parts.length == 1 && this.parts[0].isLiteral ? this.text : "";
  }

  /** Adds the part that begins at this index of the text. Returns the index behind it. */
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

/** The paths of a placeholder's attributes; none where it is unknown. */
function pathsOf(name: string): string[] {
  // Istio's names and Consul's; a node's cluster is the service in Consul and Kuma.
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

/** The keys in `.A.B[c.d]` with a NUL before each: a key with dots is in brackets. Empty where there is none, or an empty one,
 *  or one that is not printable ASCII. */
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
function isEnd(unit: i32, isBracket: bool): bool {
  return unit == 0x5d || (!isBracket && (unit == 0x2e || unit == 0x5b));
}

/** A placeholder's name without the keys of its metadata: what a misspelling is compared by. */
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
