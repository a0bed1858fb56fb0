import { KeyPart, LimitRuleConfig, QueueConfig, RateConfig } from "../../config/limits/limits_config";
import { DenialForm, RuleMode } from "../../config/rules/rule_config";
import { Properties } from "../../host/properties";
import { Caller } from "../../identity/caller";
import { Method } from "../../mcp/protocol/methods";
import { keyedHash, neverZero } from "../../memory/keyed_hash";
import { mix } from "../../memory/bytes";
import { Claim, Claims } from "../../rules/claim";
import { Match } from "../../rules/match/match";
import { RuleInput } from "../../rules/message/rule_input";
import { OperationRule } from "../../rules/operation";
import { Source } from "../../rules/source";
import { Rate } from "../../store/rate";

/** What a rule can limit, in the order in which limits are checked. */
export enum LimitKind {
  Requests,
  Repeats,
  Concurrency,
  Tokens,
}

const KIND_NAMES: string[] = ["requests", "repeats", "concurrency", "tokens"];

/** The name in answers and logs. */
export function limitKindName(kind: LimitKind): string {
  return KIND_NAMES[kind];
}

/** The pseudo method by which a rule names streams opened by GET. */
export const GET_METHOD = "GET";
const LISTEN_METHOD = "subscriptions/listen";

/** A rule of the limits, compiled for matching. */
export class LimitRule {
  readonly name: string;
  /** Whether the rule is in shadow mode and rejects nothing. */
  readonly isShadow: bool;
  /** Distinguishes the rule's allowances from those of other rules. Stays the same when the rule changes. */
  readonly scope: u64;
  readonly requests: Rate | null;
  readonly repeats: Rate | null;
  readonly tokens: Rate | null;
  readonly tokenKinds: u32;
  /** Maximum number of concurrent calls; 0 for no limit. */
  readonly concurrency: u32;
  readonly form: DenialForm;
  /** How requests wait; null if they do not. */
  readonly queue: QueueConfig | null;
  /** The parts of the rule's key, and the claims among them in the same order. */
  readonly key: StaticArray<KeyPart>;
  readonly claims: Claim[] = [];
  /** Index of the first of these claims among the claims of all rules. */
  readonly firstClaim: i32;
  /** Whether the rule names streams by their methods. Such streams hold permits until they end. */
  readonly namesListen: bool;
  readonly namesGet: bool;
  private sources: Source[] = [];
  private operations: OperationRule[] = [];

  /**
   * @param isShadow whether all limits are in shadow mode
   * @param firstClaim number of claims in the rules before
   */
  constructor(
    readonly config: LimitRuleConfig,
    claims: Claims,
    isShadow: bool,
    firstClaim: i32,
  ) {
    const name = String.UTF8.encode(config.name);
    this.name = config.name;
    this.isShadow = isShadow || config.mode == RuleMode.Shadow;
    this.scope = keyedHash(changetype<usize>(name), name.byteLength);
    this.requests = rateOf(config.requests);
    this.repeats = rateOf(config.repeats);
    this.tokens = rateOf(config.tokens);
    this.tokenKinds = config.tokenKinds;
    this.concurrency = config.concurrency;
    this.form = config.form;
    this.queue = isShadow || config.mode == RuleMode.Shadow ? null : config.queue;
    this.firstClaim = firstClaim;
    this.key = new StaticArray<KeyPart>(config.key.length);
    for (let i = 0; i < config.key.length; i++) {
      this.key[i] = config.key[i].part;
      if (config.key[i].part == KeyPart.Claim) this.claims.push(claims.named(config.key[i].claim));
    }
    for (let i = 0; i < config.sources.length; i++) this.sources.push(new Source(config.sources[i], claims));
    for (let i = 0; i < config.operations.length; i++) this.operations.push(new OperationRule(config.operations[i]));
    this.namesListen = this.names(LISTEN_METHOD);
    this.namesGet = this.names(GET_METHOD);
  }

  /** Whether the rule depends on the caller's address. */
  get needsAddress(): bool {
    return this.namesAddresses || this.key.includes(KeyPart.Address);
  }

  /** Whether the rule covers only some addresses. */
  get namesAddresses(): bool {
    const sources = this.config.sources;
    for (let i = 0; i < sources.length; i++) {
      if (!sources[i].ipBlocks.isEmpty) return true;
    }
    return false;
  }

  /** Whether the rule depends on the server's name. */
  get needsServer(): bool {
    const operations = this.config.operations;
    for (let i = 0; i < operations.length; i++) {
      if (!operations[i].servers.isEmpty) return true;
    }
    return false;
  }

  /** The scope of the allowances of one kind. */
  scopeOf(kind: LimitKind): u64 {
    return mix(this.scope ^ (<u64>kind));
  }

  /** Identifies the permits of this key. */
  permitOf(key: u64): u64 {
    return this.scopeOf(LimitKind.Concurrency) ^ key;
  }

  /** The first kind of limit that the rule has. */
  get firstKind(): LimitKind {
    if (this.requests) return LimitKind.Requests;
    if (this.repeats) return LimitKind.Repeats;
    return this.concurrency ? LimitKind.Concurrency : LimitKind.Tokens;
  }

  /** Whether the rule covers this caller. */
  matchCaller(caller: Caller, properties: Properties): Match {
    let best = this.sources.length ? Match.No : Match.Yes;
    for (let i = 0; i < this.sources.length && best != Match.Yes; i++) {
      best = max(best, unchecked(this.sources[i]).match(caller, properties));
    }
    return best;
  }

  /** Whether the rule covers this request, for any caller. `method` is that of the request. What cannot be
   *  determined is covered. */
  covers(input: RuleInput, method: Method): bool {
    const mustBeNamed = isUnlimited(method);
    if (this.operations.length == 0) return !mustBeNamed;
    for (let i = 0; i < this.operations.length; i++) {
      if (mustBeNamed && this.config.operations[i].methods.values.length == 0) continue;
      if (unchecked(this.operations[i]).match(input) != Match.No) return true;
    }
    return false;
  }

  /** Whether requests of this method hold a permit of the rule. */
  limitsConcurrency(method: Method): bool {
    return this.concurrency > 0 && (method != Method.SubscriptionsListen || this.namesListen);
  }

  private names(method: string): bool {
    const operations = this.config.operations;
    for (let i = 0; i < operations.length; i++) {
      if (operations[i].methods.values.includes(method)) return true;
    }
    return false;
  }
}

/**
 * Whether requests of this method are limited only by rules that name it. A client that may not start, or give up,
 * would break or cost more.
 */
function isUnlimited(method: Method): bool {
  switch (method) {
    case Method.Initialize:
    case Method.Ping:
    case Method.ServerDiscover:
    case Method.TasksCancel:
      return true;
    default:
      return false;
  }
}

/** The key of the line that waits for this permit, or for other allowances of the same rule and key. */
export function lineOf(permit: u64): u64 {
  return neverZero(mix(permit));
}

function rateOf(config: RateConfig | null): Rate | null {
  return config ? new Rate(config.amount, config.periodMs, config.burst) : null;
}
