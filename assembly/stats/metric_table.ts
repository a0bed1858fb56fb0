import { Metrics } from "../host/metrics";
import { Method, TargetKind, methodName } from "../mcp/protocol/methods";
import { Bytes } from "../memory/bytes";
import { Table } from "../memory/table";
import {
  Family,
  FamilyType,
  Label,
  closedValue,
  familyLabels,
  familyName,
  familyType,
  isClosed,
  labelName,
} from "./catalogue";
import { OTHER_INDEX } from "./label_set";
import { Labels, SHARED_RULE_LIMIT } from "./labels";
import { NOBODY, NO_CALLER, metricKey } from "./metric_key";
import { MetricName } from "./metric_name";

/** Added to the shared numbers of rules, to distinguish them from indices of rules. */
const SHARED_RULES: i32 = 128;

if (SHARED_RULES + SHARED_RULE_LIMIT >= NOBODY) ERROR("A shared rule would be nobody.");

/**
 * The metrics of one counting unit by their labels. Each is defined at its first use. Choose a series first, then
 * record.
 */
export class MetricTable {
  /** Metric ids + 1, by {@link metricKey}. */
  private ids: Table = new Table(256);
  private name: MetricName = new MetricName();
  private server: i32 = OTHER_INDEX;
  private method: Method = Method.None;
  private kind: TargetKind = TargetKind.None;
  private target: i32 = OTHER_INDEX;
  private caller: i32 = NO_CALLER;
  /** The client software of a session, or the rule of a decision: of the access policy or of `limits`. */
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
    this.caller = NO_CALLER;
    this.who = OTHER_INDEX;
  }

  /** Widens the series to all methods of its target. */
  forgetMethod(): void {
    this.method = Method.None;
    this.caller = NO_CALLER;
    this.who = OTHER_INDEX;
  }

  /** Narrows the series to a caller; {@link NO_CALLER} omits the label. */
  chooseCaller(caller: i32): void {
    this.caller = caller;
  }

  /** Narrows the series to a client software or a rule; {@link NOBODY} omits the label. */
  chooseWho(who: i32): void {
    this.who = who;
  }

  /** Narrows the series to a rule of `limits`, by its shared number. */
  chooseSharedRule(rule: i32): void {
    this.who = SHARED_RULES + rule;
  }

  /** Adds to a counter. `first` and `second` are the values of the family's own labels. */
  count(family: Family, first: i32, second: i32, amount: u64): void {
    this.metrics.add(this.metric(family, first, second, 0), amount);
  }

  /** Records into a histogram, or sets a gauge. */
  record(family: Family, first: i32, second: i32, value: u64, third: i32 = 0): void {
    this.metrics.record(this.metric(family, first, second, third), value);
  }

  private metric(family: Family, first: i32, second: i32, third: i32): u32 {
    const key = metricKey(
      family,
      this.server,
      this.caller,
      this.who,
      this.method,
      this.kind,
      this.target,
      first,
      second,
      third,
    );
    const known = this.ids.get(key);
    if (known) return <u32>(known - 1);
    const id = this.define(family, first, second, third);
    this.ids.set(key, <u64>id + 1);
    return id;
  }

  private define(family: Family, first: i32, second: i32, third: i32): u32 {
    const name = this.name;
    name.clear();
    let closed = first;
    for (let labels = familyLabels(family); labels; labels &= labels - 1) {
      const label = <Label>ctz(labels);
      if (isClosed(label)) {
        name.labelText(labelName(label), closedValue(label, closed));
        closed = second;
        second = third;
      } else {
        this.append(label);
      }
    }
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

  /** Appends a label that the chosen series determines, if it applies. */
  private append(label: Label): void {
    const labels = this.labels;
    const key = labelName(label);
    const name = this.name;
    switch (label) {
      case Label.Role:
        return name.labelText(key, labels.role);
      case Label.Server:
        return name.label(key, labels.servers.label(this.server));
      case Label.Method:
        if (this.method != Method.None) name.labelText(key, methodName(this.method));
        return;
      case Label.Tool:
        if (this.kind == TargetKind.Tool) name.label(key, this.targetLabel);
        return;
      case Label.Prompt:
        if (this.kind == TargetKind.Prompt) name.label(key, this.targetLabel);
        return;
      case Label.Caller:
        if (this.caller != NO_CALLER) name.label(key, labels.callers.label(this.caller));
        return;
      case Label.ClientName:
        if (this.who != NOBODY) name.label(key, labels.clients.label(this.who));
        return;
      case Label.AccessRule:
        return name.labelText(key, labels.rule(this.who));
      case Label.LimitRule:
        if (this.who >= SHARED_RULES) return name.label(key, labels.sharedRules.label(this.who - SHARED_RULES));
        return name.labelText(key, labels.limitRule(this.who));
    }
  }

  private get targetLabel(): Bytes {
    return this.labels.targets(this.server, this.kind).label(this.target);
  }
}
