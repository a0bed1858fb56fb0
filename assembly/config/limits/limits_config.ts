import { DenialForm, OperationConfig, RuleMode, SourceConfig } from "../rules/rule_config";

/** Maximum number of claims in the keys of all rules together. */
export const KEY_CLAIMS_LIMIT: i32 = 16;

/** A part of a rule's `key`, which distinguishes separate allowances. */
export enum KeyPart {
  Principal,
  /** The name of the client software. */
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
  /** For a claim: its path. */
  claim: string[] = [];
}

/** An allowance of `amount` per period, and at most `burst` at once. */
export class RateConfig {
  amount: u32 = 1;
  periodMs: u64 = 1000;
  burst: u32 = 1;
}

/** How requests wait if a rule does not admit them at once. */
export class QueueConfig {
  /** Maximum wait in milliseconds. */
  maxWaitMs: u32 = 2000;
  /** Maximum number of requests that wait for each key on each worker. */
  maxLength: u32 = 100;
}

/** The limits that adapt to what servers can process. */
export class AdaptiveConfig {
  mode: RuleMode = RuleMode.Shadow;
}

/** One rule of `limits`. docs/shaping.md explains the fields. */
export class LimitRuleConfig {
  name: string = "";
  mode: RuleMode = RuleMode.Enforce;
  /** One of them must match; if empty, the rule covers all callers. */
  sources: SourceConfig[] = [];
  /** One of them must match; if empty, the rule covers all client requests, except for the handshake, `ping` and
   *  cancellations. */
  operations: OperationConfig[] = [];
  /** Requests that differ in a part have separate allowances. If empty, all share one. */
  key: KeyPartConfig[] = [];
  /** Limit on requests; null for none. */
  requests: RateConfig | null = null;
  /** Limit on estimated tokens of the kinds in `tokenKinds`, one bit for each {@link TokenKind}; null for none. */
  tokens: RateConfig | null = null;
  tokenKinds: u32 = 0;
  /** Maximum number of concurrent calls; 0 for no limit. */
  concurrency: u32 = 0;
  /** Limit on calls of one tool with the same arguments; null for none. */
  repeats: RateConfig | null = null;
  /** Null if requests do not wait. */
  queue: QueueConfig | null = null;
  /** The form of the answer to a limited request. */
  form: DenialForm = DenialForm.Error;
}

/** The configuration's `limits`. */
export class LimitsConfig {
  mode: RuleMode = RuleMode.Enforce;
  /** All rules that cover a request must admit it. */
  rules: LimitRuleConfig[] = [];
  adaptive: AdaptiveConfig = new AdaptiveConfig();
  /** Maximum number of keys with an allowance of their own, of all rules together. */
  maxKeys: i32 = 65_536;
}
