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

  constructor(config: PinsConfig) {
    const count = config.tools.length;
    this.isEnforced = config.mode == PinMode.Enforce;
    this.servers = config.servers.map<Bytes>((name) => Bytes.of(name));
    this.pins = Bytes.ofSize(count * SHA256_SIZE);
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

  /** The hash of the pin of a tool, by the hash of its name, as {@link definitionHash} makes it; 0 where the tool has none. */
  hashOf(tool: u64): u64 {
    const index = <i32>this.tools.get(tool);
    return index ? definitionHash(this.pins.at + (index - 1) * SHA256_SIZE) : 0;
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
