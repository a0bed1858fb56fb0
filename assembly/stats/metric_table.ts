import { Metrics } from "../host/metrics";
import { Method, TargetKind, methodName } from "../mcp/protocol/methods";
import { Table } from "../memory/table";
import { Family, FamilyType, appendOwnLabels, familyName, familyType } from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels } from "./labels";
import { NOBODY, metricKey } from "./metric_key";
import { MetricName } from "./metric_name";

/** The metrics of one counting unit by their labels, each defined at its first use. Choose a series, then record. */
export class MetricTable {
  /** Metric ids + 1 under what {@link metricKey} packs. */
  private ids: Table = new Table(256);
  private name: MetricName = new MetricName();
  private server: i32 = OTHER_INDEX;
  private method: Method = Method.None;
  private kind: TargetKind = TargetKind.None;
  private target: i32 = OTHER_INDEX;
  /** The caller of an operation, the software of a session's client, or the rule of a decision. */
  private who: i32 = OTHER_INDEX;

  constructor(
    private labels: Labels,
    private metrics: Metrics,
  ) {}

  /** Chooses the series of a server. */
  chooseServer(server: i32): void {
    this.choose(server, Method.None, TargetKind.None, OTHER_INDEX);
  }

  /** Chooses the series of a server, method and target. */
  choose(server: i32, method: Method, kind: TargetKind, target: i32): void {
    this.server = server;
    this.method = method;
    this.kind = kind;
    this.target = target;
    this.who = OTHER_INDEX;
  }

  /** Widens the series to all methods of its target. */
  forgetMethod(): void {
    this.method = Method.None;
    this.who = OTHER_INDEX;
  }

  /** Narrows the series down to a caller, a client's software or a rule; {@link NOBODY}: the label is left out. */
  chooseWho(who: i32): void {
    this.who = who;
  }

  /** Adds to a counter. `first` and `second` are the family's own labels. */
  count(family: Family, first: i32, second: i32, amount: u64): void {
    this.metrics.add(this.metric(family, first, second), amount);
  }

  /** Records into a histogram, or sets a gauge. */
  record(family: Family, first: i32, second: i32, value: u64): void {
    this.metrics.record(this.metric(family, first, second), value);
  }

  private metric(family: Family, first: i32, second: i32): u32 {
    const key = metricKey(family, this.server, this.who, this.method, this.kind, this.target, first, second);
    const known = this.ids.get(key);
    if (known) return <u32>(known - 1);
    const id = this.define(family, first, second);
    this.ids.set(key, <u64>id + 1);
    return id;
  }

  private define(family: Family, first: i32, second: i32): u32 {
    const name = this.name;
    const labels = this.labels;
    name.clear();
    name.labelText("mcp_role", labels.role);
    name.label("mcp_server", labels.servers.label(this.server));
    if (this.method != Method.None) name.labelText("mcp_method_name", methodName(this.method));
    if (this.kind != TargetKind.None) {
      const label = this.kind == TargetKind.Tool ? "gen_ai_tool_name" : "gen_ai_prompt_name";
      name.label(label, labels.targets(this.server, this.kind).label(this.target));
    }
    appendOwnLabels(name, family, first, second);
    if (family == Family.Operations && labels.labelsCaller) {
      name.label("mcp_caller", labels.callers.label(this.who));
    }
    if (family == Family.SessionsStarted && this.who != NOBODY)
      name.label("mcp_client_name", labels.clients.label(this.who));
    if (family == Family.AccessDecisions) name.labelText("mcp_access_rule", labels.rule(this.who));
    name.text(familyName(family));
    switch (familyType(family)) {
      case FamilyType.Histogram:
        return this.metrics.histogram(name.at, name.length);
      case FamilyType.Gauge:
        return this.metrics.gauge(name.at, name.length);
      default:
        return this.metrics.counter(name.at, name.length);
    }
  }
}
