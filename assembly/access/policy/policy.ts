import { AccessConfig, RuleAction } from "../../config/access/access_config";
import { RuleMode, MessageDirection } from "../../config/rules/rule_config";
import { HoldConfig } from "../../config/rules/hold_config";
import { IdentityConfig } from "../../config/rules/identity_config";
import { Properties } from "../../host/properties";
import { Call } from "../../rules/message/call";
import { Caller } from "../../identity/caller";
import { Claims } from "../../rules/claim";
import { ClientConditions } from "./client_conditions";
import { Match } from "../../rules/match/match";
import { Pins } from "./pins";
import { Rule } from "./rule";
import { DecidingKeys } from "../../rules/message/slots";

/** Stands for the policy's default among the rules' indices. */
export const DEFAULT_RULE: i32 = -1;
/** Stands likewise for the pins of tools' definitions, which deny calls that rules allow. */
export const PIN_RULE: i32 = -2;

/** What can be said of a request before its body. */
export enum Outlook {
  /** Whatever it says, it is allowed. */
  Allowed,
  /** Its messages decide. */
  Open,
}

/** Who may call what: ordered rules, of which the first that applies decides, and a default. */
export class Policy {
  readonly rules: Rule[] = [];
  readonly keys: DecidingKeys = new DecidingKeys();
  readonly clients: ClientConditions = new ClientConditions();
  /** The rules in shadow mode. */
  readonly shadowRules: i32[] = [];
  /** Whether anything is said of what servers ask clients. */
  readonly rulesAnswers: bool;
  /** Whether rules name tools. */
  readonly namesTools: bool;
  readonly claims: Claims;
  readonly pins: Pins;

  constructor(
    readonly config: AccessConfig,
    identity: IdentityConfig,
    readonly hold: HoldConfig,
  ) {
    this.claims = new Claims(identity.jwtPayloadKey);
    this.pins = new Pins(config.pins);
    let rulesAnswers = false;
    let namesTools = false;
    for (let i = 0; i < config.rules.length; i++) {
      const rule = new Rule(config.rules[i], this.keys, this.clients, this.claims);
      this.rules.push(rule);
      if (rule.mode == RuleMode.Shadow) this.shadowRules.push(i);
      if (rule.isAbout(MessageDirection.ServerToClient)) rulesAnswers = true;
      if (rule.namesTools) namesTools = true;
    }
    this.rulesAnswers = rulesAnswers;
    this.namesTools = namesTools;
  }

  /** Whether decisions are carried out. */
  get isEnforced(): bool {
    return this.config.mode == RuleMode.Enforce;
  }

  /** What can be said before the body, of a request of this caller to the server that `call` names. Leaves at `matches`, a
   *  byte for each rule, how it matches the caller, as far as that can matter. */
  outlook(caller: Caller, properties: Properties, call: Call, matches: usize): Outlook {
    this.claims.forget();
    let isOpen = false;
    let deciding = DEFAULT_RULE;
    for (let i = 0; i < this.rules.length; i++) {
      const rule = unchecked(this.rules[i]);
      const isShadow = rule.mode == RuleMode.Shadow;
      const isAboutAnswers = rule.isAbout(MessageDirection.ServerToClient);
      // Behind the rule that decides requests, only those matter that are in shadow mode, or about answers to servers.
      const matters = isShadow || isAboutAnswers || deciding == DEFAULT_RULE;
      const byCaller = matters ? rule.matchCaller(caller, properties) : Match.No;
      store<u8>(matches + i, <u8>byCaller);
      const match = min<i32>(byCaller, rule.matchServer(call));
      if (match == Match.No || isShadow || isOpen) continue;
      if (isAboutAnswers || rule.needsBody) isOpen = true;
      else if (rule.applies(match)) deciding = i;
    }
    return isOpen ? Outlook.Open : outlookOf(this.actionOf(deciding, call));
  }

  /** The index of the first rule that is enforced and applies to the message, or {@link DEFAULT_RULE}. */
  decide(matches: usize, call: Call): i32 {
    for (let i = 0; i < this.rules.length; i++) {
      if (unchecked(this.rules[i]).mode == RuleMode.Enforce && this.appliesTo(i, matches, call)) return i;
    }
    return DEFAULT_RULE;
  }

  /** Whether the rule of this index applies to the message. */
  appliesTo(index: i32, matches: usize, call: Call): bool {
    const rule = unchecked(this.rules[index]);
    const match: i32 = load<u8>(matches + index);
    return match != Match.No && rule.applies(min<i32>(match, rule.matchCall(call)));
  }

  /** Whether a call for which `call` stands may be denied to a caller whom the rules match as `matches` says; 0 for some
   *  caller, whoever. A use of any element may be denied if not each element is allowed. */
  mayDeny(matches: usize, call: Call): bool {
    for (let i = 0; i < this.rules.length; i++) {
      const rule = unchecked(this.rules[i]);
      const isAllow = rule.action == RuleAction.Allow;
      const isForAll = rule.sources.length == 0;
      const byCaller: i32 = matches ? load<u8>(matches + i) : isForAll ? Match.Yes : Match.Unknown;
      if (rule.mode != RuleMode.Enforce || byCaller == Match.No) continue;
      const match = min<i32>(byCaller, rule.matchCall(call));
      if (isAllow && match == Match.Yes) return false;
      if (!isAllow && match != Match.No) return true;
    }
    return this.actionOf(DEFAULT_RULE, call) == RuleAction.Deny;
  }

  /** Whether something that servers ask may be denied to a caller whom the rules match as `matches` says. */
  mayDenyAnswers(matches: usize): bool {
    for (let i = 0; i < this.rules.length; i++) {
      const rule = unchecked(this.rules[i]);
      if (rule.mode != RuleMode.Enforce || rule.action != RuleAction.Deny || load<u8>(matches + i) == Match.No)
        continue;
      if (rule.isAbout(MessageDirection.ServerToClient)) return true;
    }
    return false;
  }

  /** What the rule of this index says. Where no rule decides, what servers ask is allowed. */
  actionOf(index: i32, call: Call): RuleAction {
    if (index == PIN_RULE) return RuleAction.Deny;
    if (index != DEFAULT_RULE) return unchecked(this.rules[index]).action;
    return call.isAnswer ? RuleAction.Allow : this.config.defaultAction;
  }
}

/** A request that is to be denied must be read too: its answer needs its id. */
function outlookOf(action: RuleAction): Outlook {
  return action == RuleAction.Allow ? Outlook.Allowed : Outlook.Open;
}
