import { HoldConfig } from "../rules/hold_config";
import { IdentityConfig } from "../rules/identity_config";
import { MethodScope } from "../rules/method_checks";
import { OperationReader } from "../rules/operation_reader";
import { DENIAL_FORMS, RULE_MODES } from "../rules/rule_config";
import { RuleNames } from "../rules/rule_names";
import { SourceReader } from "../rules/source_reader";
import { JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";
import { KeyReader } from "./key_reader";
import { LimitsChecks } from "./limits_checks";
import { KEY_CLAIMS_LIMIT, KeyPart, LimitRuleConfig, LimitsConfig } from "./limits_config";
import { readQueue } from "./queue_reader";
import { RateReader } from "./rate_reader";

const MIN_KEYS: i32 = 64;
const MAX_KEYS: i32 = 1_048_576;
/** Maximum number of rules. Each has a label value of its own. */
const MAX_RULES: i32 = 64;
/** Maximum number of limits on tokens and concurrency in all rules. An operation keeps a record for each. */
const MAX_CARRIED: i32 = 16;
const MAX_CONCURRENCY: i32 = 100_000;

const FIELDS: string[] = ["mode", "rules", "adaptive", "maxKeys"];
const RULE_FIELDS: string[] = [
  "name",
  "mode",
  "from",
  "to",
  "key",
  "requests",
  "tokens",
  "concurrency",
  "repeats",
  "queue",
  "denial",
];
const ADAPTIVE_FIELDS: string[] = ["mode"];
const DENIAL_FIELDS: string[] = ["form"];

/**
 * Reads `limits`. Everything that is not understood is an error here: if ignored, it could admit what was meant to be
 * limited.
 */
export class LimitsReader {
  private config: LimitsConfig = new LimitsConfig();
  private rates: RateReader;
  private isSound: bool = false;

  constructor(private problems: Problems) {
    this.rates = new RateReader(problems);
  }

  read(value: JsonValue): LimitsConfig {
    const before = this.problems.errors.length;
    if (this.problems.isObject("limits", value)) {
      for (let i = 0; i < value.items.length; i++) this.readField(value.names[i], value.items[i]);
    }
    this.isSound = this.problems.errors.length == before;
    return this.config;
  }

  /** Checks what was read. Called after all sections have been read. */
  check(identity: IdentityConfig, hold: HoldConfig, estimatesTokens: bool): void {
    // A section with errors is not checked, because the defaults in place of the invalid values would be checked
    // instead.
    if (this.isSound) new LimitsChecks(this.config, identity, hold, estimatesTokens, this.problems).check();
  }

  private readField(name: string, value: JsonValue): void {
    const config = this.config;
    const path = "limits." + name;
    if (name == "mode") config.mode = this.problems.word(path, value, RULE_MODES, config.mode);
    else if (name == "rules") this.readRules(path, value);
    else if (name == "adaptive") this.readAdaptive(path, value);
    else if (name == "maxKeys") config.maxKeys = this.problems.integer(path, value, MIN_KEYS, MAX_KEYS, config.maxKeys);
    else this.problems.refused("limits", name, FIELDS);
  }

  private readRules(path: string, value: JsonValue): void {
    const problems = this.problems;
    if (!problems.isArray(path, "an array of rules", value)) return;
    problems.atMost(path, MAX_RULES, "rules", value);
    const names = new RuleNames(problems);
    let carried = 0;
    let claims = 0;
    for (let i = 0; i < value.items.length; i++) {
      const at = itemPath(path, i);
      const rule = new LimitRuleConfig();
      this.config.rules.push(rule);
      if (problems.isObject(at, value.items[i])) this.readRule(at, value.items[i], rule, names);
      names.add(at, rule.name);
      if (rule.tokens) carried++;
      if (rule.concurrency > 0) carried++;
      for (let j = 0; j < rule.key.length; j++) if (rule.key[j].part == KeyPart.Claim) claims++;
    }
    this.checkTotal(path, MAX_CARRIED, "limits on tokens and concurrency", carried);
    this.checkTotal(path, KEY_CLAIMS_LIMIT, "claims in keys", claims);
  }

  /** Reports if all rules together have more than `most` of something. */
  private checkTotal(path: string, most: i32, what: string, total: i32): void {
    if (total <= most) return;
    this.problems.error(path, "expected at most " + most.toString() + " " + what + ", got " + total.toString());
  }

  private readRule(path: string, value: JsonValue, rule: LimitRuleConfig, names: RuleNames): void {
    const problems = this.problems;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = path + "." + name;
      if (name == "name") rule.name = names.read(path, item);
      else if (name == "mode") rule.mode = problems.word(at, item, RULE_MODES, rule.mode);
      else if (name == "from") new SourceReader(problems).readAll(at, item, rule.sources);
      else if (name == "to") new OperationReader(problems, MethodScope.Limited).readAll(at, item, rule.operations);
      else if (name == "key") new KeyReader(problems).readAll(at, item, rule.key);
      else if (name == "requests") rule.requests = this.rates.readRequests(at, item);
      else if (name == "tokens") rule.tokens = this.rates.readTokens(at, item);
      else if (name == "repeats") rule.repeats = this.rates.readRepeats(at, item);
      else if (name == "concurrency") rule.concurrency = problems.integer(at, item, 1, MAX_CONCURRENCY, 1);
      else if (name == "queue") rule.queue = readQueue(at, item, problems);
      else if (name == "denial") this.readDenial(at, item, rule);
      else problems.refused(path, name, RULE_FIELDS);
    }
    if (rule.tokens) rule.tokenKinds = this.rates.tokenKinds;
    if (!value.names.includes("name")) names.miss(path);
    if (!value.names.includes("key")) {
      problems.error(path + ".key", "expected an array of parts, [] for one allowance that all share");
    }
    if (!(rule.requests || rule.tokens || rule.repeats || rule.concurrency)) {
      problems.error(path, "expected requests, tokens, concurrency or repeats");
    }
  }

  private readAdaptive(path: string, value: JsonValue): void {
    const problems = this.problems;
    if (!problems.isObject(path, value)) return;
    const adaptive = this.config.adaptive;
    for (let i = 0; i < value.items.length; i++) {
      if (value.names[i] == "mode")
        adaptive.mode = problems.word(path + ".mode", value.items[i], RULE_MODES, adaptive.mode);
      else problems.refused(path, value.names[i], ADAPTIVE_FIELDS);
    }
  }

  private readDenial(path: string, value: JsonValue, rule: LimitRuleConfig): void {
    const problems = this.problems;
    if (!problems.isObject(path, value)) return;
    for (let i = 0; i < value.items.length; i++) {
      if (value.names[i] == "form") rule.form = problems.word(path + ".form", value.items[i], DENIAL_FORMS, rule.form);
      else problems.refused(path, value.names[i], DENIAL_FIELDS);
    }
  }
}
