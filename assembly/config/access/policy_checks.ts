import { coversOperations, coversSources } from "../rules/coverage";
import { MethodScope } from "../rules/method_checks";
import { IdentityConfig } from "../rules/identity_config";
import { PrincipalChecks } from "../rules/principal_checks";
import { ConditionKey, RuleMode } from "../rules/rule_config";
import { lowerCase } from "../values/lower_case";
import { Problems, itemPath } from "../values/problems";
import { quoted } from "../values/shown";
import { AccessConfig, RuleAction, RuleConfig } from "./access_config";
import { PinMode } from "./pins_config";
import { RuleChecks } from "./rule_checks";

const RULES = "access.rules";

/** Checks a policy that was read. Reports what never matches as errors, and what is likely a mistake as warnings. */
export class PolicyChecks {
  constructor(
    private config: AccessConfig,
    private identity: IdentityConfig,
    private problems: Problems,
  ) {}

  check(): void {
    const rules = this.config.rules;
    const checks = new RuleChecks(this.problems);
    const principals = new PrincipalChecks(this.identity, this.problems);
    for (let i = 0; i < rules.length; i++) checks.check(itemPath(RULES, i), rules[i]);
    for (let i = 0; i < rules.length; i++) principals.check(itemPath(RULES, i), rules[i].sources);
    this.checkArgumentCase();
    this.checkReach();
    this.checkEffect();
  }

  /** Reports argument names that differ only in case. They cannot both be decided: a message with one of them could
   *  have the other for a server that ignores case. */
  private checkArgumentCase(): void {
    const rules = this.config.rules;
    const known: string[] = [];
    const lower: string[] = [];
    for (let i = 0; i < rules.length; i++) {
      for (let j = 0; j < rules[i].conditions.length; j++) {
        const condition = rules[i].conditions[j];
        if (condition.key != ConditionKey.Argument) continue;
        for (let depth = 1; depth <= condition.path.length; depth++) {
          const name = "[" + condition.path.slice(0, depth).join("][") + "]";
          const other = lower.indexOf(lowerCase(name));
          if (other < 0) {
            known.push(name);
            lower.push(lowerCase(name));
          } else if (known[other] != name) {
            const path = itemPath(itemPath(RULES, i) + ".when", j) + ".key";
            this.problems.error(path, name + " differs from " + known[other] + " only in case: use one of them");
            break;
          }
        }
      }
    }
  }

  /** Reports rules without effect, because an earlier rule decides everything they cover. */
  private checkReach(): void {
    const rules = this.config.rules;
    for (let i = 1; i < rules.length; i++) {
      if (rules[i].mode == RuleMode.Shadow) continue;
      for (let j = 0; j < i; j++) {
        if (rules[j].mode == RuleMode.Shadow || !coversRule(rules[j], rules[i])) continue;
        const first = "rules[" + j.toString() + "] " + quoted(rules[j].name);
        this.problems.warn(
          itemPath(RULES, i),
          "has no effect: " + first + " already decides everything that this rule covers",
        );
        break;
      }
    }
  }

  /** Reports a policy that decides every message alike. */
  private checkEffect(): void {
    const rules = this.config.rules;
    const action = this.config.defaultAction;
    for (let i = 0; i < rules.length; i++) {
      if (rules[i].action != action && rules[i].mode == RuleMode.Enforce) return;
    }
    if (this.config.mode == RuleMode.Shadow) return;
    if (action == RuleAction.Allow && this.enforcesPins) return;
    const isDeny = action == RuleAction.Deny;
    this.problems.warn(
      "access",
      isDeny ? "no rule allows any message: all are denied" : "no rule denies any message: all pass",
    );
  }

  private get enforcesPins(): bool {
    const pins = this.config.pins;
    for (let i = 0; i < pins.length; i++) {
      if (pins[i].mode == PinMode.Enforce) return true;
    }
    return false;
  }
}

/**
 * Whether the first rule covers every client message that the second one covers. May return false where that is hard to
 * determine.
 */
function coversRule(first: RuleConfig, second: RuleConfig): bool {
  if (first.conditions.length > 0) return false;
  return (
    coversSources(first.sources, second.sources) &&
    coversOperations(first.operations, second.operations, MethodScope.Messages)
  );
}
