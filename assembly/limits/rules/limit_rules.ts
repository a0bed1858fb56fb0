import { KeyPart, LimitRuleConfig, LimitsConfig, QueueConfig } from "../../config/limits/limits_config";
import { HoldConfig } from "../../config/rules/hold_config";
import { IdentityConfig } from "../../config/rules/identity_config";
import { RuleMode } from "../../config/rules/rule_config";
import { Claims } from "../../rules/claim";
import { DecidingKeys } from "../../rules/message/deciding_keys";
import { LimitRule } from "./limit_rule";
import { SpecialLimit, specialLimitName } from "./special_limit";

/** The limits of a configuration. */
export class LimitRules {
  readonly rules: LimitRule[] = [];
  readonly keys: DecidingKeys = new DecidingKeys();
  readonly claims: Claims;
  /** Requests are held until they are decided. */
  readonly isEnforced: bool;
  /** Whether rules depend on the caller's address, and whether some cover only some addresses. */
  readonly needsAddress: bool;
  readonly namesAddresses: bool;
  readonly needsClient: bool;
  readonly limitsRepeats: bool;
  readonly limitsTokens: bool;
  readonly limitsConcurrency: bool;
  /** Whether rules depend on the server's name. */
  readonly needsServer: bool;
  /** Whether requests may wait. */
  readonly hasQueues: bool;
  /** Whether a rule names streams opened by GET. */
  readonly namesGet: bool;
  /** The pseudo rule of the adaptive limits. */
  readonly adaptive: LimitRule;

  constructor(
    readonly config: LimitsConfig,
    identity: IdentityConfig,
    readonly hold: HoldConfig,
  ) {
    const claims = new Claims(identity.jwtPayloadKey);
    this.claims = claims;
    const isShadow = config.mode == RuleMode.Shadow;
    const adaptive = new LimitRule(adaptiveRule(config.adaptive.mode), claims, isShadow, 0);
    this.adaptive = adaptive;
    let isEnforced = !isShadow && (config.rules.length == 0 || !adaptive.isShadow);
    let needsAddress = false;
    let namesAddresses = false;
    let needsClient = false;
    let limitsRepeats = false;
    let limitsTokens = false;
    let limitsConcurrency = false;
    let namesGet = false;
    let needsServer = false;
    let hasQueues = false;
    let claimCount = 0;
    for (let i = 0; i < config.rules.length; i++) {
      const rule = new LimitRule(config.rules[i], claims, isShadow, claimCount);
      claimCount += rule.claims.length;
      this.rules.push(rule);
      if (!rule.isShadow) isEnforced = true;
      if (rule.needsAddress) needsAddress = true;
      if (rule.namesAddresses) namesAddresses = true;
      if (rule.key.includes(KeyPart.Client)) needsClient = true;
      if (rule.repeats) limitsRepeats = true;
      if (rule.tokens) limitsTokens = true;
      if (rule.concurrency) limitsConcurrency = true;
      if (rule.needsServer) needsServer = true;
      if (rule.namesGet) namesGet = true;
      if (rule.queue) hasQueues = true;
    }
    this.isEnforced = isEnforced;
    this.needsAddress = needsAddress;
    this.namesAddresses = namesAddresses;
    this.needsClient = needsClient;
    this.limitsRepeats = limitsRepeats;
    this.limitsTokens = limitsTokens;
    this.limitsConcurrency = limitsConcurrency;
    this.needsServer = needsServer;
    this.namesGet = namesGet;
    this.hasQueues = hasQueues;
  }

  /** The rule of this index, or the pseudo rule; null if there is none. */
  at(index: i32): LimitRule | null {
    if (index < this.rules.length) return this.rules[index];
    return index == SpecialLimit.Adaptive ? this.adaptive : null;
  }

  /** The rule of this scope; null if the configuration has none. */
  ofScope(scope: u64): LimitRule | null {
    for (let i = 0; i < this.rules.length; i++) {
      if (unchecked(this.rules[i]).scope == scope) return this.rules[i];
    }
    return null;
  }
}

/** A rule whose limit is learned. Requests beyond the limit wait for a short time. */
function adaptiveRule(mode: RuleMode): LimitRuleConfig {
  const config = new LimitRuleConfig();
  config.name = specialLimitName(SpecialLimit.Adaptive);
  config.mode = mode;
  config.queue = new QueueConfig();
  return config;
}
