import { Problems, itemPath } from "../values/problems";
import { quoted } from "../values/shown";
import { lowerCase } from "../values/lower_case";
import { AccessConfig, RuleAction } from "./access_config";
import { IdentityConfig, PrincipalSource } from "../rules/identity_config";
import { RuleMode, ConditionKey } from "../rules/rule_config";
import { coversRule } from "./coverage";
import { RuleChecks } from "./rule_checks";

const RULES = "access.rules";

/** Checks a policy that was read: reports as errors what never matches, and as warnings what is likely a mistake. */
export class PolicyChecks {
  constructor(
    private config: AccessConfig,
    private identity: IdentityConfig,
    private problems: Problems,
  ) {}

  check(): void {
    const rules = this.config.rules;
    const checks = new RuleChecks(this.problems);
    for (let i = 0; i < rules.length; i++) checks.check(itemPath(RULES, i), rules[i]);
    this.checkPrincipals();
    this.checkArgumentCase();
    this.checkReach();
    this.checkEffect();
  }

  /** Principals need a source. Certificates have URIs: without a scheme, as Istio writes principals, none matches. */
  private checkPrincipals(): void {
    const sources = this.identity.principalSources;
    const isUri = !sources.includes(PrincipalSource.Jwt);
    const rules = this.config.rules;
    for (let i = 0; i < rules.length; i++) {
      for (let j = 0; j < rules[i].sources.length; j++) {
        const source = rules[i].sources[j];
        const path = itemPath(itemPath(RULES, i) + ".from", j) + ".source";
        if (sources.length == 0 && !(source.principals.isEmpty && source.trustDomains.isEmpty)) {
          this.problems.error(path, "without principalSources no caller has a principal, so this never matches");
        }
        if (!isUri) continue;
        this.checkUris(path + ".principals", source.principals.values);
        this.checkUris(path + ".notPrincipals", source.principals.notValues);
      }
    }
  }

  private checkUris(path: string, principals: string[]): void {
    for (let i = 0; i < principals.length; i++) {
      if (principals[i].startsWith("*") || principals[i].includes("://")) continue;
      const text = 'expected a principal like "spiffe://cluster.local/ns/*", got ' + quoted(principals[i]);
      this.problems.error(itemPath(path, i), text + ", which never matches");
    }
  }

  /** Names that differ in case only cannot both be decided: a message that has one of them could have the other for a server
   *  that ignores case. */
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

  /** Reports rules behind another one that decides all they are about. */
  private checkReach(): void {
    const rules = this.config.rules;
    for (let i = 1; i < rules.length; i++) {
      if (rules[i].mode == RuleMode.Shadow) continue;
      for (let j = 0; j < i; j++) {
        if (rules[j].mode == RuleMode.Shadow || !coversRule(rules[j], rules[i])) continue;
        const first = "rules[" + j.toString() + "] " + quoted(rules[j].name);
        this.problems.warn(itemPath(RULES, i), "it has no effect: " + first + " decides all that it is about");
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
    const isDeny = action == RuleAction.Deny;
    this.problems.warn(
      "access",
      isDeny ? "no rule allows a message: all are denied" : "no rule denies a message: all pass",
    );
  }
}
