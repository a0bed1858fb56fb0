import { PinMode, PinsConfig } from "../../config/access/pins_config";
import { hexValue } from "../../json/characters";
import { Bytes } from "../../memory/bytes";
import { keyedHash } from "../../memory/keyed_hash";
import { SHA256_SIZE } from "../../memory/sha256";
import { Table } from "../../memory/table";
import { Call } from "../../rules/message/call";

/** Returned where no pins are about a server. */
export const NO_PINS: i32 = 0;

/** The pins of some servers: an entry of `access.pins`. */
export class ServerPins {
  readonly isEnforced: bool;
  private servers: Bytes[];
  /** The index of each tool, plus 1, by the hash of its name. */
  private tools: Table = new Table();
  private pins: Bytes;
  /** For each tool the hash of the bytes of the definition that came last, and what stands for the definition. */
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

  /** Whether they are about the server of this name. They are about all where they name none. */
  isAbout(server: usize, length: i32): bool {
    const servers = this.servers;
    for (let i = 0; i < servers.length; i++) {
      if (unchecked(servers[i]).equals(server, length)) return true;
    }
    return servers.length == 0;
  }

  /** The number of a tool among them, from 1 on, by the hash of its name; 0 where it has no pin. */
  numberOf(tool: u64): i32 {
    return <i32>this.tools.get(tool);
  }

  /** The hash of the pin of the tool of this number, as {@link definitionHash} makes it. */
  hashOf(number: i32): u64 {
    return definitionHash(this.pins.at + (number - 1) * SHA256_SIZE);
  }

  /** What stands for the definition of these bytes, by their hash, if it is the one that came last; else 0. */
  recall(number: i32, bytes: u64): u64 {
    const at = 2 * (number - 1);
    return this.latest[at] == bytes ? this.latest[at + 1] : 0;
  }

  /** Remembers it. */
  remember(number: i32, bytes: u64, definition: u64): void {
    const at = 2 * (number - 1);
    this.latest[at] = bytes;
    this.latest[at + 1] = definition;
  }
}

/** All pins of a policy. */
export class Pins {
  private entries: ServerPins[];

  constructor(config: PinsConfig[]) {
    this.entries = config.map<ServerPins>((entry) => new ServerPins(entry));
  }

  get isEmpty(): bool {
    return this.entries.length == 0;
  }

  /** The number of the pins of the server that a call goes to, from 1 on; {@link NO_PINS} where it has none. A server without a
   *  name could be any: it counts as one of those whose pins are enforced. */
  numberOf(call: Call): i32 {
    for (let i = 0; i < this.entries.length; i++) {
      const entry = unchecked(this.entries[i]);
      const isAbout = entry.isAbout(call.server, call.serverLength);
      if (isAbout || (call.serverLength == 0 && entry.isEnforced)) return i + 1;
    }
    return NO_PINS;
  }

  /** The pins of this number. */
  at(number: i32): ServerPins {
    return unchecked(this.entries[number - 1]);
  }
}

/** What stands for a definition with this digest: nobody who lacks the key can choose two with one hash. */
export function definitionHash(digest: usize): u64 {
  return keyedHash(digest, SHA256_SIZE);
}

function decodeHex(text: string, to: usize): void {
  for (let i = 0; i < SHA256_SIZE; i++) {
    const high = hexValue(<u8>text.charCodeAt(2 * i));
    store<u8>(to + i, <u8>((high << 4) | hexValue(<u8>text.charCodeAt(2 * i + 1))));
  }
}
