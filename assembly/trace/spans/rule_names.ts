import { SpecialRule, specialRuleName } from "../../access/policy/special_rule";
import { PluginConfig } from "../../config/plugin_config";
import { SpecialLimit, specialLimitName } from "../../limits/rules/special_limit";
import { Bytes } from "../../memory/bytes";
import { RejectingRule, Span } from "../../mcp/state/span";

/** The names that stand for rejections without a rule, in the order of {@link SpecialRule} and {@link SpecialLimit}. */
const SPECIAL_RULES: Bytes[] = [];
const SPECIAL_LIMITS: Bytes[] = [];
for (let i: i32 = SpecialRule.Default; i <= SpecialRule.Pin; i++) SPECIAL_RULES.push(Bytes.of(specialRuleName(i)));
for (let i: i32 = SpecialLimit.Refused; i <= SpecialLimit.Adaptive; i++) {
  SPECIAL_LIMITS.push(Bytes.of(specialLimitName(i)));
}

/** The names of the rules that reject requests. */
export class RuleNames {
  private access: Bytes[] = [];
  private limits: Bytes[] = [];

  constructor(config: PluginConfig) {
    const access = config.access;
    const limits = config.limits;
    if (access) this.access = access.rules.map<Bytes>((rule) => Bytes.of(rule.name));
    if (limits) this.limits = limits.rules.map<Bytes>((rule) => Bytes.of(rule.name));
  }

  /** The name of the rule that rejected the operation of a span; null if no rule or more than one did. */
  of(span: Span): Bytes | null {
    const index = span.rule;
    if (span.ruleKind == <u8>RejectingRule.Access) {
      const own = nameAt(this.access, index);
      return own ? own : nameAt(SPECIAL_RULES, index - SpecialRule.Default);
    }
    if (span.ruleKind != <u8>RejectingRule.Limit) return null;
    const own = nameAt(this.limits, index);
    return own ? own : nameAt(SPECIAL_LIMITS, index - SpecialLimit.Refused);
  }
}

/** The name at this index, which may be any number; null if there is none. */
function nameAt(names: Bytes[], index: i32): Bytes | null {
  return <u32>index < <u32>names.length ? names[index] : null;
}
