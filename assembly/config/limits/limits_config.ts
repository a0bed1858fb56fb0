import { DenialForm, OperationConfig, RuleMode, SourceConfig } from "../rules/rule_config";

/** Claims in the keys of all rules together, at most. */
export const KEY_CLAIMS_LIMIT: i32 = 16;

/** What distinguishes those who have an allowance each: a part of a rule's `key`. */
export enum KeyPart {
  Principal,
  /** The name of the client's software. */
  Client,
  Session,
  Address,
  Tool,
  Server,
  Method,
  /** A claim of a verified JWT. */
  Claim,
}

/** The names of the parts, except for a claim, which is an object. */
export const KEY_PARTS: string[] = ["principal", "client", "session", "address", "tool", "server", "method"];

export class KeyPartConfig {
  part: KeyPart = KeyPart.Principal;
  /** Of a claim: its path. */
  claim: string[] = [];
}

/** So much in each period, and at most so much at once. */
export class RateConfig {
  amount: u32 = 1;
  periodMs: u64 = 1000;
  burst: u32 = 1;
}

/** How requests wait that a rule does not admit at once. */
export class QueueConfig {
  /** The longest time in milliseconds. */
  maxWaitMs: u32 = 2000;
  /** Requests that wait for each key on each worker, at most. */
  maxLength: u32 = 100;
}

/** The limits that adapt to what servers can do. */
export class AdaptiveConfig {
  mode: RuleMode = RuleMode.Shadow;
}

/** One rule of `limits`: docs/shaping.md says what the fields do. */
export class LimitRuleConfig {
  name: string = "";
  mode: RuleMode = RuleMode.Enforce;
  /** One of them must hold; none: whoever it is. */
  sources: SourceConfig[] = [];
  /** One of them must hold; none: all that clients ask, except for the handshake, `ping` and cancellations. */
  operations: OperationConfig[] = [];
  /** Those who differ in a part have an allowance each. None: all share one. */
  key: KeyPartConfig[] = [];
  /** Calls; null for no limit, as for the others. */
  requests: RateConfig | null = null;
  /** Estimated tokens of these kinds: a bit for each {@link TokenKind}. */
  tokens: RateConfig | null = null;
  tokenKinds: u32 = 0;
  /** Calls at one time; 0 for no limit. */
  concurrency: u32 = 0;
  /** Calls of one tool with the same arguments. */
  repeats: RateConfig | null = null;
  /** Null where requests do not wait. */
  queue: QueueConfig | null = null;
  /** What a limited request is answered with. */
  form: DenialForm = DenialForm.Error;
}

/** The configuration's `limits`. */
export class LimitsConfig {
  mode: RuleMode = RuleMode.Enforce;
  /** All that apply to a request must admit it. */
  rules: LimitRuleConfig[] = [];
  adaptive: AdaptiveConfig = new AdaptiveConfig();
  /** Keys that have an allowance of their own, of all rules together. */
  maxKeys: i32 = 65_536;
}
