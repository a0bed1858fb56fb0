import { MatchChecks } from "../rules/match_checks";
import { CALLER_PART, HoldConfig } from "../rules/hold_config";
import { GET_STREAM, mayBe } from "../rules/method_checks";
import { IdentityConfig } from "../rules/identity_config";
import { PrincipalChecks } from "../rules/principal_checks";
import { DenialForm, RuleMode } from "../rules/rule_config";
import { Problems, itemPath } from "../values/problems";
import { KeyPart, LimitRuleConfig, LimitsConfig } from "./limits_config";
import { coversRule } from "./limits_coverage";

const RULES = "limits.rules";
const TOOL_CALL = "tools/call";

/** The kinds of limits that a rule can have. */
enum LimitKind {
  Requests,
  Tokens,
  Concurrency,
  Repeats,
}

const KIND_NAMES: string[] = ["requests", "tokens", "concurrency", "repeats"];

/**
 * Checks limits that were read. Reports what never matches and what limits nobody as errors, and what is likely a
 * mistake as warnings.
 */
export class LimitsChecks {
  private matches: MatchChecks;
  private principals: PrincipalChecks;

  /** @param estimatesTokens tokens are estimated, so that they can be limited */
  constructor(
    private config: LimitsConfig,
    private identity: IdentityConfig,
    private hold: HoldConfig,
    private estimatesTokens: bool,
    private problems: Problems,
  ) {
    this.matches = new MatchChecks(problems);
    this.principals = new PrincipalChecks(identity, problems);
  }

  check(): void {
    const rules = this.config.rules;
    for (let i = 0; i < rules.length; i++) this.checkRule(itemPath(RULES, i), rules[i]);
    if (rules.length > 0 || this.config.adaptive.mode == RuleMode.Enforce) return;
    this.problems.warn("limits", "no rule limits any request: all pass");
  }

  private checkRule(path: string, rule: LimitRuleConfig): void {
    // A rule also applies if the caller cannot be determined.
    this.matches.checkSources(path, rule.sources, true);
    this.matches.checkOperations(path, rule.operations);
    this.principals.check(path, rule.sources);
    this.checkKinds(path, rule);
    this.checkKey(path + ".key", rule);
    this.checkQueue(path + ".queue", rule);
  }

  private checkKinds(path: string, rule: LimitRuleConfig): void {
    const problems = this.problems;
    if (rule.tokens && !this.estimatesTokens) {
      problems.error(path + ".tokens", "tokens.estimate is false, so tokens cannot be limited");
    }
    if (mayBe(TOOL_CALL, rule.operations)) return;
    const reason = " applies only to " + TOOL_CALL + ", and no operation of the rule covers it";
    if (rule.repeats) problems.error(path + ".repeats", "it" + reason + ", so this never matches");
    if (rule.form == DenialForm.Result) {
      problems.warn(path + ".denial.form", '"result"' + reason + ": the answer is an error");
    }
  }

  /** Checks whether any requests can wait, and as many as a rule says. */
  private checkQueue(path: string, rule: LimitRuleConfig): void {
    const queue = rule.queue;
    if (!queue) return;
    if (isAboutStreams(rule)) {
      this.problems.warn(path, "has no effect: the rule covers only streams opened by GET, which do not wait");
    }
    const streams = <u32>this.hold.maxStreams;
    const isOfCaller = isKeyOfCaller(rule);
    const held = isOfCaller ? max<u32>(streams / CALLER_PART, 1) : streams;
    if (queue.maxLength <= held) return;
    const part = isOfCaller ? " of one caller, a quarter of hold.maxStreams" : ", by hold.maxStreams";
    const text = "a worker holds at most " + held.toString() + " requests" + part + ", so no more can wait";
    this.problems.warn(path + ".maxLength", text);
  }

  /** Checks whether a key distinguishes callers by something that they cannot choose. */
  private checkKey(path: string, rule: LimitRuleConfig): void {
    const identifying = identifyingParts(rule);
    const principal = indexOfPart(rule, KeyPart.Principal);
    if (principal >= 0 && this.identity.principalSources.length == 0) {
      const text = "without principalSources no caller has a principal, so all share one allowance";
      this.problems.error(itemPath(path, principal), text);
    }
    const session = indexOfPart(rule, KeyPart.Session);
    if (session >= 0) this.checkSession(itemPath(path, session), rule);
    const client = indexOfPart(rule, KeyPart.Client);
    if (client >= 0 && identifying.length > 1 && this.uncovered(rule, KeyPart.Client).length) {
      const why = "clients choose their names, and each name has its own allowance: ";
      this.problems.warn(itemPath(path, client), why + "no rule without it limits the same callers and operations");
    }
    if (identifying.length != 1) return;
    if (identifying[0] == KeyPart.Client) {
      const why = "but clients choose their names, and each name has its own allowance";
      this.problems.warn(path, 'only "client" identifies a caller, ' + why);
    } else if (identifying[0] == KeyPart.Address) {
      const why = "but clients can choose it if the proxy reads it from x-forwarded-for";
      const where = " (as Envoy does without use_remote_address)";
      this.problems.warn(path, 'only "address" identifies a caller, ' + why + where);
    }
  }

  /** Opening a session costs nothing, so another rule must limit a caller across all its sessions. */
  private checkSession(path: string, rule: LimitRuleConfig): void {
    const missing = this.uncovered(rule, KeyPart.Session);
    if (missing.length == 0) return;
    const text = "each new session has its own allowance: another rule without session in its key must limit the ";
    this.problems.error(path, text + missing.join(", ") + " of the same callers and operations");
  }

  /** The names of the limits of a rule that no rule without this part in its key imposes on the same requests. */
  private uncovered(rule: LimitRuleConfig, part: KeyPart): string[] {
    const missing: string[] = [];
    for (let i = 0; i < KIND_NAMES.length; i++) {
      if (hasLimit(rule, <LimitKind>i) && !this.isCovered(rule, <LimitKind>i, part)) missing.push(KIND_NAMES[i]);
    }
    return missing;
  }

  private isCovered(rule: LimitRuleConfig, kind: LimitKind, part: KeyPart): bool {
    const rules = this.config.rules;
    for (let i = 0; i < rules.length; i++) {
      const other = rules[i];
      if (indexOfPart(other, part) >= 0) continue;
      if (other.mode == RuleMode.Shadow && rule.mode == RuleMode.Enforce) continue;
      // Each repeat is a request.
      const limits = hasLimit(other, kind) || (kind == LimitKind.Repeats && hasLimit(other, LimitKind.Requests));
      if (limits && coversRule(other, rule)) return true;
    }
    return false;
  }
}

function hasLimit(rule: LimitRuleConfig, kind: LimitKind): bool {
  switch (kind) {
    case LimitKind.Requests:
      return rule.requests != null;
    case LimitKind.Tokens:
      return rule.tokens != null;
    case LimitKind.Concurrency:
      return rule.concurrency > 0;
    default:
      return rule.repeats != null;
  }
}

/** Whether a rule covers only streams opened by GET. */
function isAboutStreams(rule: LimitRuleConfig): bool {
  for (let i = 0; i < rule.operations.length; i++) {
    const methods = rule.operations[i].methods.values;
    if (methods.length != 1 || methods[0] != GET_STREAM) return false;
  }
  return rule.operations.length > 0;
}

/** Whether all requests of one key come from one principal or, without one, one address. */
function isKeyOfCaller(rule: LimitRuleConfig): bool {
  return indexOfPart(rule, KeyPart.Principal) >= 0 || indexOfPart(rule, KeyPart.Address) >= 0;
}

/** The parts of a rule's key that distinguish callers. */
function identifyingParts(rule: LimitRuleConfig): KeyPart[] {
  const parts: KeyPart[] = [];
  for (let i = 0; i < rule.key.length; i++) {
    const part = rule.key[i].part;
    if (part != KeyPart.Tool && part != KeyPart.Server && part != KeyPart.Method) parts.push(part);
  }
  return parts;
}

/** The index of a part in a rule's key; -1 if the key does not have it. */
function indexOfPart(rule: LimitRuleConfig, part: KeyPart): i32 {
  for (let i = 0; i < rule.key.length; i++) {
    if (rule.key[i].part == part) return i;
  }
  return -1;
}
