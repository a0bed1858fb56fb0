import { AccessConfig } from "../config/access/access_config";
import { RuleMode } from "../config/rules/rule_config";
import { Metrics } from "../host/metrics";
import { Policies, PolicyMode } from "../store/policies";
import { Store } from "../store/primitives/store";
import { Family, Label, closedValue, familyName, labelName } from "./catalogue";
import { MetricName } from "./metric_name";

const ROLES: string[] = ["server", "client"];

/** The gauges of a role: applied policies by mode, their rules, and configurations that apply an older policy. */
const ENFORCED: i32 = 0;
const SHADOW: i32 = 1;
const RULES: i32 = 2;
const OUTDATED: i32 = 3;
const PER_ROLE: i32 = 4;

/**
 * Records which access policies apply in the whole process, as reported by the instances whose configuration leads. A
 * role that never had a policy has no gauge.
 */
export class PolicyGauges {
  private policies: Policies;
  /** Ids + 1 of the gauges; 0 if not defined yet. */
  private ids: StaticArray<u32> = new StaticArray<u32>(PER_ROLE * 2);
  private name: MetricName = new MetricName();

  /** @param all the store that all plugins share */
  constructor(
    all: Store,
    private metrics: Metrics,
  ) {
    this.policies = new Policies(all);
  }

  /** Records the policy of a group of this role. `access` is null for none; `outdated` is the number of live
   *  configurations that apply another one. */
  record(group: u64, role: string, access: AccessConfig | null, outdated: i32, now: u64): void {
    const number = <u8>ROLES.indexOf(role);
    const isShadow = access != null && access.mode == RuleMode.Shadow;
    const mode = !access ? PolicyMode.None : isShadow ? PolicyMode.Shadow : PolicyMode.Enforce;
    const rules = access ? access.rules.length : 0;
    if (!this.policies.update(group, number, mode, rules, outdated, now)) return;
    // An entry that has expired may belong to another role.
    for (let i: u8 = 0; i < <u8>ROLES.length; i++) this.recordRole(i);
  }

  private recordRole(role: u8): void {
    const policies = this.policies;
    if (!policies.sum(role)) return;
    this.set(role, ENFORCED, policies.enforced);
    this.set(role, SHADOW, policies.shadow);
    this.set(role, RULES, policies.rules);
    this.set(role, OUTDATED, policies.outdated);
  }

  private set(role: u8, which: i32, value: u32): void {
    const index = <i32>role * PER_ROLE + which;
    if (!this.ids[index]) this.ids[index] = this.define(role, which) + 1;
    this.metrics.record(this.ids[index] - 1, value);
  }

  private define(role: u8, which: i32): u32 {
    const name = this.name;
    name.clear();
    name.labelText(labelName(Label.Role), ROLES[role]);
    if (which <= SHADOW) name.labelText(labelName(Label.AccessMode), closedValue(Label.AccessMode, which));
    const family = which <= SHADOW ? Family.AccessPolicy : which == RULES ? Family.AccessRules : Family.AccessOutdated;
    name.text(familyName(family));
    return this.metrics.gauge(name.at, name.length);
  }
}
