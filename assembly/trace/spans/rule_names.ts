import { SpecialRule, specialRuleName } from "../../access/policy/special_rule";
import { PluginConfig } from "../../config/plugin_config";
import { SpecialLimit, specialLimitName } from "../../limits/rules/special_limit";
import { Bytes } from "../../memory/bytes";
import { RejectingRule, Span } from "../../mcp/state/span";

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

  /** The name of the rule that rejected the operation of a span; null where no single one did. */
  of(span: Span): Bytes | null {
    const index = span.rule;
    if (span.ruleKind == <u8>RejectingRule.Access) {
      if (<u32>index < <u32>this.access.length) return this.access[index];
      const isSpecial = index >= <i32>SpecialRule.Default && index <= <i32>SpecialRule.Pin;
      return isSpecial ? Bytes.of(specialRuleName(index)) : null;
    }
    if (span.ruleKind != <u8>RejectingRule.Limit) return null;
    if (<u32>index < <u32>this.limits.length) return this.limits[index];
    const isSpecial = index >= <i32>SpecialLimit.Refused && index <= <i32>SpecialLimit.Adaptive;
    return isSpecial ? Bytes.of(specialLimitName(index)) : null;
  }
}
