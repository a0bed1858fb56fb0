import { NameTemplate, TemplatePart } from "../config/values/name_template";
import { Level, Log } from "../host/log";
import { Properties } from "../host/properties";
import { Bytes } from "../memory/bytes";
import { keyedHash } from "../memory/keyed_hash";
import { ServerKey } from "./keys";

/** The maximum length of a composed name in bytes; longer ones are cut. */
const NAME_LIMIT: i32 = 1024;
/** The buffer for the composed name. */
const NAME: usize = heap.alloc(NAME_LIMIT);

/** A piece of a name: constant bytes, or the value of a stream attribute if `part` is not null. */
class NamePiece {
  constructor(
    readonly bytes: Bytes,
    readonly part: TemplatePart | null,
  ) {}
}

/** Identifies the server to which a stream goes. */
export class Servers {
  /** The name of the server that {@link resolve} found, `length` bytes; empty if it is unknown. Valid until the next host
   *  call. */
  at: usize = 0;
  length: i32 = 0;
  /** Whether the name is that of the upstream cluster because a placeholder of the configured name has no value for the
   *  current stream. */
  isFallback: bool = false;
  /** The configured name with the proxy's own attributes filled in; null before the first stream. If it is more than one
   *  constant piece, the name is composed for each stream. */
  private pieces: NamePiece[] | null = null;
  /** Whether an attribute of the proxy has no value. This does not change. */
  private isIncomplete: bool = false;
  private hasWarned: bool = false;

  /** @param template the configured name; empty to use the upstream cluster's name. */
  constructor(
    private template: NameTemplate,
    private properties: Properties,
    private log: Log,
  ) {}

  /** The key of the server to which the current stream goes; the key of an empty name if it is unknown. Reads the proxy's
   *  attributes from the host once, and the stream's attributes each time. */
  resolve(): ServerKey {
    this.length = 0;
    this.isFallback = false;
    if (this.template.isEmpty || !this.compose()) {
      this.isFallback = !this.template.isEmpty;
      const properties = this.properties;
      if (properties.find("xds.cluster_name")) {
        this.at = properties.at;
        this.length = properties.length;
      }
    }
    return keyedHash(this.at, this.length);
  }

  /** Sets the current name to the configured one. False if a placeholder has no value. */
  private compose(): bool {
    const pieces = this.pieces || this.prepare();
    if (this.isIncomplete) return false;
    const first = unchecked(pieces[0]);
    if (pieces.length == 1 && !first.part) {
      this.at = first.bytes.at;
      this.length = first.bytes.length;
      return true;
    }
    let length: i32 = 0;
    for (let i = 0; i < pieces.length; i++) {
      const piece = unchecked(pieces[i]);
      const part = piece.part;
      if (!part) length = append(length, piece.bytes.at, piece.bytes.length);
      else if (this.find(part)) length = append(length, this.properties.at, this.properties.length);
      else return false;
    }
    this.at = NAME;
    this.length = length;
    return true;
  }

  /** Fills in the proxy's attributes, which are accessible only during a stream's callbacks. */
  private prepare(): NamePiece[] {
    const parts = this.template.parts;
    const pieces: NamePiece[] = [];
    this.pieces = pieces;
    let length: i32 = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (part.isOfStream) {
        if (length) pieces.push(new NamePiece(Bytes.copy(NAME, length), null));
        pieces.push(new NamePiece(Bytes.of(""), part));
        length = 0;
      } else if (part.isLiteral) {
        const text = Bytes.of(part.text);
        length = append(length, text.at, text.length);
      } else if (this.find(part)) {
        length = append(length, this.properties.at, this.properties.length);
      } else {
        this.isIncomplete = true;
        return pieces;
      }
    }
    if (length) pieces.push(new NamePiece(Bytes.copy(NAME, length), null));
    return pieces;
  }

  /** Finds the value of a placeholder, and warns once if it has none. A value that is not text counts as none. */
  private find(part: TemplatePart): bool {
    const properties = this.properties;
    for (let i = 0; i < part.paths.length; i++) {
      if (properties.findSegments(part.paths[i]) && isText(properties.at, properties.length)) return true;
    }
    if (!this.hasWarned) {
      this.hasWarned = true;
      const text = "server: {" + part.text + "} has no value here: mcp_server is the upstream cluster's name";
      this.log.write(Level.Warn, text);
    }
    return false;
  }
}

/** Appends bytes to a name of `length` bytes, up to the limit. Returns the new length. */
function append(length: i32, at: usize, count: i32): i32 {
  const kept = min(count, NAME_LIMIT - length);
  memory.copy(NAME + length, at, kept);
  return length + kept;
}

/** Whether bytes contain no control characters. The host's encodings of numbers, booleans and structures contain some. */
function isText(at: usize, length: i32): bool {
  for (let i = 0; i < length; i++) {
    if (load<u8>(at + i) < 0x20) return false;
  }
  return true;
}
