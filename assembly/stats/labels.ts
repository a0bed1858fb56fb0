import { specialLimitName } from "../limits/rules/special_limit";
import { specialRuleName } from "../access/policy/special_rule";
import { CallerLabel } from "../config/plugin_config";
import { Method, TargetKind } from "../mcp/protocol/methods";
import { Bytes } from "../memory/bytes";
import { Table } from "../memory/table";
import { NameList, NumberSet } from "../store/primitives/name_list";
import { Store } from "../store/primitives/store";
import { LabelSet, OTHER_INDEX } from "./label_set";
import { seriesKey } from "./metric_key";

/** Series budget: maximum number of (server, method, target) triples with metrics of their own. */
export const SERIES_LIMIT: i32 = 1024;
/** Maximum number of callers with a label value of their own. */
const CALLER_LIMIT: i32 = 64;
/**
 * Maximum number of rules of `limits`, over all configurations, with a number of their own in what workers publish.
 * With `_OTHER`, as many as a metric's key has room for besides the indices of rules.
 */
export const SHARED_RULE_LIMIT: i32 = 126;
/** Maximum number of client software names with a label value of their own. */
const CLIENT_LIMIT: i32 = 32;

/** The operator's settings for labels. */
export class LabelSettings {
  /** `client` or `server`. */
  role: string = "";
  /** The name of the only server; empty if names are determined for each stream. */
  server: string = "";
  /** Maximum number per server of tools with a label value of their own; the same for prompts. */
  maxTools: i32 = 256;
  maxServers: i32 = 64;
  /** Tools known from the start. */
  tools: string[] = [];
  /** What the label of callers shows. */
  caller: CallerLabel = CallerLabel.None;
  /** Tokens are estimated. */
  tokens: bool = true;
  /** The names of the access policy's rules. */
  rules: string[] = [];
  /** The names of the rules of `limits`. */
  limitRules: string[] = [];
}

/** The label values of one counting unit, all of them bounded in number. */
export class Labels {
  readonly servers: LabelSet;
  readonly callers: LabelSet;
  readonly clients: LabelSet;
  /** The rules of `limits` for which requests have waited. Unlike their indices, their numbers here stay the same
   *  when the configuration changes. */
  readonly sharedRules: LabelSet;
  private tools: Array<LabelSet | null>;
  private prompts: Array<LabelSet | null>;
  private series: NumberSet;
  /** The known results for series: 1 if admitted, 2 if not. */
  private knownSeries: Table = new Table(256);

  constructor(
    private settings: LabelSettings,
    private shared: Store,
  ) {
    this.servers = new LabelSet(settings.maxServers, 0, new NameList(shared, "servers", 0));
    this.callers = new LabelSet(CALLER_LIMIT, 0, new NameList(shared, "callers", settings.caller), true);
    this.clients = new LabelSet(CLIENT_LIMIT, 0, new NameList(shared, "clients", 0));
    this.sharedRules = new LabelSet(SHARED_RULE_LIMIT, 0, new NameList(shared, "limitRules", 0));
    this.tools = new Array<LabelSet | null>(settings.maxServers + 1).fill(null);
    this.prompts = new Array<LabelSet | null>(settings.maxServers + 1).fill(null);
    this.series = new NumberSet(shared, "series", SERIES_LIMIT);
    const server = Bytes.of(settings.server);
    this.servers.admit(server.at, server.length, true);
  }

  /** The value of the label `mcp_role`. */
  get role(): string {
    return this.settings.role;
  }

  /** The value of the label `mcp_access_rule` for a rule's index or a {@link SpecialRule}. */
  rule(index: i32): string {
    const rules = this.settings.rules;
    return index < rules.length ? rules[index] : specialRuleName(index);
  }

  /** The value of the label `mcp_limit_rule` for the index of a rule of `limits` or a {@link SpecialLimit}. */
  limitRule(index: i32): string {
    const rules = this.settings.limitRules;
    return index < rules.length ? rules[index] : specialLimitName(index);
  }

  /** The number, in {@link sharedRules}, of the rule of this index or of a {@link SpecialLimit}. */
  sharedRuleOf(index: i32): i32 {
    const name = Bytes.of(this.limitRule(index));
    return this.sharedRules.admit(name.at, name.length, true);
  }

  /** What the label `mcp_caller` shows. */
  get caller(): CallerLabel {
    return this.settings.caller;
  }

  /** Whether this is the index of a server's label here, including `_OTHER`. */
  hasServer(server: i32): bool {
    return <u32>server < <u32>this.tools.length;
  }

  /** The names of this kind that a server has. */
  targets(server: i32, kind: TargetKind): LabelSet {
    const sets = kind == TargetKind.Tool ? this.tools : this.prompts;
    // A worker with another configuration may have left a server in the store that has no label here.
    if (server >= sets.length) server = OTHER_INDEX;
    const present = sets[server];
    if (present) return present;
    const capacity = this.settings.maxTools;
    const list = new NameList(this.shared, kind == TargetKind.Tool ? "tools" : "prompts", server);
    const set = new LabelSet(capacity, capacity - capacity / 4, list);
    sets[server] = set;
    if (kind == TargetKind.Tool) {
      for (let i = 0; i < this.settings.tools.length; i++) {
        const name = Bytes.of(this.settings.tools[i]);
        set.admit(name.at, name.length, true);
      }
    }
    return set;
  }

  /** Whether this triple may have metrics of its own: it has them already, or the budget is not exhausted. */
  admitSeries(server: i32, method: Method, kind: TargetKind, target: i32): bool {
    const key = seriesKey(server, method, kind, target);
    const known = this.knownSeries.get(key);
    if (known) return known == 1;
    const isAdmitted = this.series.add(key);
    this.knownSeries.set(key, isAdmitted ? 1 : 2);
    return isAdmitted;
  }
}
