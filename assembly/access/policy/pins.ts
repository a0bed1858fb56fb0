import { PinMode, PinsConfig } from "../../config/access/pins_config";
import { hexValue } from "../../json/characters";
import { Bytes } from "../../memory/bytes";
import { keyedHash } from "../../memory/keyed_hash";
import { SHA256_SIZE } from "../../memory/sha256";
import { Table } from "../../memory/table";
import { RuleInput } from "../../rules/message/rule_input";

/** Pin number of a server without pins. */
export const NO_PINS: i32 = 0;

/** The tool pins of some servers: an entry of `access.pins`. */
export class ServerPins {
  readonly isEnforced: bool;
  private servers: Bytes[];
  /** Maps the hash of a tool's name to the tool's index plus 1. */
  private tools: Table = new Table();
  private pins: Bytes;
  /** Two values per tool: the hash of the bytes of its last definition, and the {@link definitionHash} of that. */
  private latest: StaticArray<u64>;

  constructor(config: PinsConfig) {
    const count = config.tools.length;
    this.isEnforced = config.mode == PinMode.Enforce;
    this.servers = config.servers.map<Bytes>((name) => Bytes.of(name));
    this.pins = Bytes.ofSize(count * SHA256_SIZE);
    this.latest = new StaticArray<u64>(2 * count);
    for (let i = 0; i < count; i++) {
      const name = Bytes.of(config.tools[i]);
      this.tools.set(keyedHash(name.at, name.length), i + 1);
      decodeHex(config.pins[i], this.pins.at + i * SHA256_SIZE);
    }
  }

  /** Whether the pins cover the server of this name. Pins without server names cover all servers. */
  isAbout(server: usize, length: i32): bool {
    const servers = this.servers;
    for (let i = 0; i < servers.length; i++) {
      if (unchecked(servers[i]).equals(server, length)) return true;
    }
    return servers.length == 0;
  }

  /** The number of a tool in this entry, starting at 1, by the hash of its name; 0 if it has no pin. */
  numberOf(tool: u64): i32 {
    return <i32>this.tools.get(tool);
  }

  /** The {@link definitionHash} of the pin of the tool of this number. */
  hashOf(number: i32): u64 {
    return definitionHash(this.pins.at + (number - 1) * SHA256_SIZE);
  }

  /** The {@link definitionHash} for a definition with this hash of its bytes, if it is the tool's last one;
   *  otherwise 0. */
  recall(number: i32, bytes: u64): u64 {
    const at = 2 * (number - 1);
    return this.latest[at] == bytes ? this.latest[at + 1] : 0;
  }

  /** Remembers the {@link definitionHash} of the tool's last definition. */
  remember(number: i32, bytes: u64, definition: u64): void {
    const at = 2 * (number - 1);
    this.latest[at] = bytes;
    this.latest[at + 1] = definition;
  }
}

/** All tool pins of a policy. */
export class Pins {
  private entries: ServerPins[];

  constructor(config: PinsConfig[]) {
    this.entries = config.map<ServerPins>((entry) => new ServerPins(entry));
  }

  get isEmpty(): bool {
    return this.entries.length == 0;
  }

  /** The number of the pins that cover the server of a call, starting at 1; {@link NO_PINS} if none do. A server
   *  without a name could be any, so enforced pins cover it. */
  numberOf(input: RuleInput): i32 {
    for (let i = 0; i < this.entries.length; i++) {
      const entry = unchecked(this.entries[i]);
      const isAbout = entry.isAbout(input.server, input.serverLength);
      if (isAbout || (input.serverLength == 0 && entry.isEnforced)) return i + 1;
    }
    return NO_PINS;
  }

  /** The pins of this number. */
  at(number: i32): ServerPins {
    return unchecked(this.entries[number - 1]);
  }
}

/** Keyed hash of a definition's digest. Nobody without the key can choose two definitions with the same hash. */
export function definitionHash(digest: usize): u64 {
  return keyedHash(digest, SHA256_SIZE);
}

function decodeHex(text: string, to: usize): void {
  for (let i = 0; i < SHA256_SIZE; i++) {
    const high = hexValue(<u8>text.charCodeAt(2 * i));
    store<u8>(to + i, <u8>((high << 4) | hexValue(<u8>text.charCodeAt(2 * i + 1))));
  }
}
