import { Properties } from "../host/properties";
import { Method, TargetKind } from "../mcp/methods";
import { Table } from "../memory/table";
import { LabelSet, OTHER_INDEX } from "./label_set";
import { Bytes } from "./metric_name";

const COLON: u8 = 0x3a;
const BRACKET_OPEN: u8 = 0x5b;

/** Series budget: (server, method, target) triples that get metrics of their own. */
const SERIES_LIMIT: i32 = 1024;
/** Callers that get a label value of their own. */
const CALLER_LIMIT: i32 = 64;
/** Longest name of a server or caller that gets a label value of its own, in bytes. */
const NAME_LIMIT: i32 = 256;

/** What the operator says of labels. */
export class LabelSettings {
  /** `client` or `server`; empty to go by the direction of the listener. */
  role: string = "";
  /** Empty to go by the upstream cluster. */
  server: string = "";
  /** Tools that get a label value of their own, a server; prompts likewise. */
  maxTools: i32 = 256;
  maxServers: i32 = 64;
  /** Tools known from the start. */
  tools: string[] = [];
  /** Label operations by their caller. */
  caller: bool = false;
}

/** The label values of one plugin instance: who is who, and which names are admitted (all of them bounded). */
export class Labels {
  /** The names that this index stands for in the tables of targets are `servers`'. */
  servers: LabelSet;
  callers: LabelSet = new LabelSet(CALLER_LIMIT, 0);
  private tools: Array<LabelSet | null>;
  private prompts: Array<LabelSet | null>;
  private series: Table = new Table(256);
  private detectedRole: string = "";
  private fixedServer: i32 = OTHER_INDEX;

  constructor(
    private settings: LabelSettings,
    private properties: Properties,
  ) {
    this.servers = new LabelSet(settings.maxServers, 0);
    this.tools = new Array<LabelSet | null>(settings.maxServers + 1).fill(null);
    this.prompts = new Array<LabelSet | null>(settings.maxServers + 1).fill(null);
    const server = new Bytes(settings.server);
    this.fixedServer = this.servers.admit(server.at, server.length, true);
  }

  /** The label `mcp_role`. Asks the host at its first use, which must be within a stream. */
  get role(): string {
    if (this.settings.role.length) return this.settings.role;
    if (!this.detectedRole.length) {
      // envoy.config.core.v3.TrafficDirection: 2 is OUTBOUND.
      const outbound = this.properties.find("xds.listener_direction") && load<u8>(this.properties.at) == 2;
      this.detectedRole = outbound ? "client" : "server";
    }
    return this.detectedRole;
  }

  /** The index of the server that the stream goes to. Asks the host. */
  server(): i32 {
    if (this.fixedServer != OTHER_INDEX) return this.fixedServer;
    return this.properties.find("xds.cluster_name") ? this.admitFound(this.servers) : OTHER_INDEX;
  }

  /** Whether operations are labelled by caller. */
  get labelsCaller(): bool {
    return this.settings.caller;
  }

  /** The index of the stream's caller: its IP address. Asks the host. */
  caller(): i32 {
    if (!this.properties.find("source.address")) return OTHER_INDEX;
    keepAddress(this.properties);
    return this.admitFound(this.callers);
  }

  private admitFound(set: LabelSet): i32 {
    const length = this.properties.length;
    return length > NAME_LIMIT ? OTHER_INDEX : set.admit(this.properties.at, length, true);
  }

  /** The names of this kind that a server has. */
  targets(server: i32, kind: TargetKind): LabelSet {
    const sets = kind == TargetKind.Tool ? this.tools : this.prompts;
    const present = sets[server];
    if (present) return present;
    const capacity = this.settings.maxTools;
    const set = new LabelSet(capacity, capacity - capacity / 4);
    sets[server] = set;
    if (kind == TargetKind.Tool) {
      for (let i = 0; i < this.settings.tools.length; i++) {
        const name = new Bytes(this.settings.tools[i]);
        set.admit(name.at, name.length, true);
      }
    }
    return set;
  }

  /** Whether this triple may have metrics of its own: it has them already, or the budget is not yet spent. */
  admitSeries(server: i32, method: Method, kind: TargetKind, target: i32): bool {
    const key = (((<u64>server) << 32) | ((<u64>method) << 16) | ((<u64>kind) << 12) | (<u64>target)) + 1;
    if (this.series.get(key)) return true;
    if (this.series.size >= SERIES_LIMIT) return false;
    this.series.set(key, 1);
    return true;
  }
}

/** Narrows `address:port` or `[address]:port` down to the address. */
function keepAddress(found: Properties): void {
  let length = found.length;
  while (length > 0 && load<u8>(found.at + length - 1) != COLON) length--;
  // What has no port (a Unix socket's path) stays.
  if (length == 0) return;
  found.length = length - 1;
  if (load<u8>(found.at) != BRACKET_OPEN) return;
  found.at++;
  found.length -= 2;
}
