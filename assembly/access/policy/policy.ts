import { AccessConfig, RuleAction } from "../../config/access/access_config";
import { RuleMode, MessageDirection } from "../../config/rules/rule_config";
import { HoldConfig } from "../../config/rules/hold_config";
import { IdentityConfig } from "../../config/rules/identity_config";
import { Properties } from "../../host/properties";
import { RuleInput } from "../../rules/message/rule_input";
import { Caller } from "../../identity/caller";
import { Claims } from "../../rules/claim";
import { ClientConditions } from "./client_conditions";
import { Match } from "../../rules/match/match";
import { Pins } from "./pins";
import { Callers } from "./callers";
import { Rule } from "./rule";
import { RuleIndex } from "./rule_index";
import { RuleSet } from "./rule_set";
import { DecidingKeys } from "../../rules/message/deciding_keys";

/** Rule index that denotes the policy's default. */
export const DEFAULT_RULE: i32 = -1;
/** Rule index that denotes the pins of tool definitions, which deny calls that rules allow. */
export const PIN_RULE: i32 = -2;

/** What is known about the decision before the body arrives. */
export enum Outlook {
  /** Every message is allowed. */
  Allowed,
  /** The decision depends on the messages. */
  Open,
}

/** Traits of a rule that {@link Policy.outlook} needs. */
const SHADOW: u8 = 1;
const ABOUT_ANSWERS: u8 = 2;
const NEEDS_BODY: u8 = 4;
const NEEDS_SERVER: u8 = 8;

/** The access policy: ordered rules, of which the first that applies decides, and a default. */
export class Policy {
  readonly rules: Rule[];
  readonly keys: DecidingKeys;
  readonly clients: ClientConditions;
  /** Whether any rule covers client responses to server requests. */
  readonly rulesAnswers: bool;
  /** Whether rules name tools. */
  readonly namesTools: bool;
  /** Whether decisions depend on the server's name. */
  readonly needsServer: bool;
  readonly claims: Claims;
  readonly pins: Pins;
  private callers: Callers;
  private index: RuleIndex;
  /** The enforced rules, and those of them that deny client responses to server requests. */
  private enforced: RuleSet = new RuleSet();
  private answerDenials: RuleSet = new RuleSet();
  /** The rules in shadow mode, and the result of {@link shadowsAbout}. */
  private shadows: RuleSet = new RuleSet();
  private foundShadows: RuleSet = new RuleSet();
  /** The traits of each rule that {@link outlook} needs, in one array: rules themselves are far apart in memory. */
  private traits: StaticArray<u8>;
  /** The result of {@link outlook} for the caller kept in `callers`. */
  private keptMatches: StaticArray<u8>;
  private keptOutlook: Outlook = Outlook.Open;

  constructor(
    readonly config: AccessConfig,
    identity: IdentityConfig,
    readonly hold: HoldConfig,
  ) {
    const claims = new Claims(identity.jwtPayloadKey);
    const callers = new Callers(claims);
    const keys = new DecidingKeys();
    const clients = new ClientConditions();
    const rules: Rule[] = [];
    for (let i = 0; i < config.rules.length; i++) rules.push(new Rule(config.rules[i], callers, keys, clients));
    this.rules = rules;
    this.keys = keys;
    this.clients = clients;
    this.claims = claims;
    this.pins = new Pins(config.pins);
    this.callers = callers;
    this.index = new RuleIndex(rules);
    this.traits = new StaticArray<u8>(rules.length);
    this.keptMatches = new StaticArray<u8>(rules.length);
    let rulesAnswers = false;
    let namesTools = false;
    let needsServer = !this.pins.isEmpty;
    for (let i = 0; i < rules.length; i++) {
      const traits = this.sort(rules[i], i);
      this.traits[i] = traits;
      if (traits & ABOUT_ANSWERS) rulesAnswers = true;
      if (traits & NEEDS_SERVER) needsServer = true;
      if (rules[i].namesTools) namesTools = true;
    }
    this.rulesAnswers = rulesAnswers;
    this.namesTools = namesTools;
    this.needsServer = needsServer;
  }

  /** Adds the rule of this index to the sets it belongs to. Returns its traits. */
  private sort(rule: Rule, index: i32): u8 {
    const isShadow = rule.mode == RuleMode.Shadow;
    const isAboutAnswers = rule.isAbout(MessageDirection.ServerToClient);
    if (isShadow) this.shadows.add(index);
    else this.enforced.add(index);
    if (isAboutAnswers && !isShadow && rule.action == RuleAction.Deny) this.answerDenials.add(index);
    let traits: u8 = 0;
    if (isShadow) traits |= SHADOW;
    if (isAboutAnswers) traits |= ABOUT_ANSWERS;
    if (rule.needsBody) traits |= NEEDS_BODY;
    if (rule.needsServer) traits |= NEEDS_SERVER;
    return traits;
  }

  /** Whether decisions depend on the caller's address. */
  get needsAddress(): bool {
    return this.callers.needAddress;
  }

  /** Whether decisions are enforced, rather than only recorded (shadow mode). */
  get isEnforced(): bool {
    return this.config.mode == RuleMode.Enforce;
  }

  /** What is known about a request before its body arrives, given the caller and the server in `input`. Writes to
   *  `matches` how each rule matches the caller, one byte per rule, as far as the decision needs it. */
  outlook(caller: Caller, properties: Properties, input: RuleInput, matches: usize): Outlook {
    this.claims.forget();
    const callers = this.callers;
    callers.begin(caller, properties);
    // Most requests come from callers whom the rules match like the previous one.
    if (!this.needsServer && callers.isAsKept) {
      memory.copy(matches, changetype<usize>(this.keptMatches), this.rules.length);
      return this.keptOutlook;
    }
    const outlook = this.findOutlook(input, matches);
    callers.keep();
    memory.copy(changetype<usize>(this.keptMatches), matches, this.rules.length);
    this.keptOutlook = outlook;
    return outlook;
  }

  /** Computes {@link outlook}. */
  private findOutlook(input: RuleInput, matches: usize): Outlook {
    const callers = this.callers;
    let isOpen = false;
    let deciding = DEFAULT_RULE;
    for (let i = 0; i < this.rules.length; i++) {
      const traits = unchecked(this.traits[i]);
      // After the deciding rule, only rules in shadow mode and rules about responses to server requests can have an
      // effect.
      const matters = deciding == DEFAULT_RULE || (traits & (SHADOW | ABOUT_ANSWERS)) != 0;
      const byCaller = matters ? callers.match(i) : Match.No;
      store<u8>(matches + i, <u8>byCaller);
      if (byCaller == Match.No || traits & SHADOW || isOpen) continue;
      const rule = unchecked(this.rules[i]);
      const match = traits & NEEDS_SERVER ? min<i32>(byCaller, rule.matchServer(input)) : byCaller;
      if (match == Match.No) continue;
      if (traits & (ABOUT_ANSWERS | NEEDS_BODY)) isOpen = true;
      else if (rule.applies(match)) deciding = i;
    }
    return isOpen ? Outlook.Open : outlookOf(this.actionOf(deciding, input));
  }

  /** Index of the first enforced rule that applies to the message, or {@link DEFAULT_RULE}. */
  decide(matches: usize, input: RuleInput): i32 {
    const rules = this.index.find(input);
    rules.intersect(this.enforced);
    for (let i = rules.next(0); i >= 0; i = rules.next(i + 1)) {
      if (this.appliesTo(i, matches, input)) return i;
    }
    return DEFAULT_RULE;
  }

  /** The rules in shadow mode that may cover the message: see {@link appliesTo}. Valid until the next call. */
  shadowsAbout(input: RuleInput): RuleSet {
    const found = this.foundShadows;
    found.copy(this.shadows);
    if (!found.isEmpty) found.intersect(this.index.find(input));
    return found;
  }

  /** Whether the rule of this index applies to the message. */
  appliesTo(index: i32, matches: usize, input: RuleInput): bool {
    const rule = unchecked(this.rules[index]);
    const match: i32 = load<u8>(matches + index);
    return match != Match.No && rule.applies(min<i32>(match, rule.matchCall(input)));
  }

  /** Whether some call represented by `input` may be denied to a caller whom the rules match as in `matches`, or to
   *  any caller if `matches` is 0. A use of any element may be denied unless every element is allowed. */
  mayDeny(matches: usize, input: RuleInput): bool {
    const rules = this.index.find(input);
    rules.intersect(this.enforced);
    for (let i = rules.next(0); i >= 0; i = rules.next(i + 1)) {
      const rule = unchecked(this.rules[i]);
      const isAllow = rule.action == RuleAction.Allow;
      const isForAll = rule.sources.length == 0;
      const byCaller: i32 = matches ? load<u8>(matches + i) : isForAll ? Match.Yes : Match.Unknown;
      if (byCaller == Match.No) continue;
      const match = min<i32>(byCaller, rule.matchCall(input));
      if (isAllow && match == Match.Yes) return false;
      if (!isAllow && match != Match.No) return true;
    }
    return this.actionOf(DEFAULT_RULE, input) == RuleAction.Deny;
  }

  /** Whether some server request may be denied to a caller whom the rules match as in `matches`. */
  mayDenyAnswers(matches: usize): bool {
    const rules = this.answerDenials;
    for (let i = rules.next(0); i >= 0; i = rules.next(i + 1)) {
      if (load<u8>(matches + i) != Match.No) return true;
    }
    return false;
  }

  /** The action of the rule of this index. Without a deciding rule, server requests are allowed. */
  actionOf(index: i32, input: RuleInput): RuleAction {
    if (index == PIN_RULE) return RuleAction.Deny;
    if (index != DEFAULT_RULE) return unchecked(this.rules[index]).action;
    return input.isAnswer ? RuleAction.Allow : this.config.defaultAction;
  }
}

/** A request that will be denied must be read too, because its response needs the id. */
function outlookOf(action: RuleAction): Outlook {
  return action == RuleAction.Allow ? Outlook.Allowed : Outlook.Open;
}
