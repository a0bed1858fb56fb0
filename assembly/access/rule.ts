import {
  AccessMode,
  ConditionConfig,
  ConditionKey,
  MessageDirection,
  OperationConfig,
  RuleAction,
  RuleConfig,
} from "../config/access/access_config";
import { Properties } from "../host/properties";
import { ArgumentPatterns } from "./argument_patterns";
import { Call, Target } from "./call";
import { Caller } from "./caller";
import { Claims } from "./claim";
import { ClientConditions } from "./client_conditions";
import { Match } from "./match";
import { Patterns } from "./pattern";
import { DecidingKeys, Slot } from "./slots";
import { Source } from "./source";

/** What may be meant by a rule: one of its `to`. */
class OperationRule {
  readonly direction: MessageDirection;
  private methods: Patterns;
  private servers: Patterns;
  /** The target's kind and its patterns. */
  private kind: Target = Target.None;
  private targets: Patterns;

  constructor(config: OperationConfig) {
    this.direction = config.direction;
    this.methods = new Patterns(config.methods);
    this.servers = new Patterns(config.servers);
    this.targets = new Patterns(config.tools);
    if (!config.tools.isEmpty) {
      this.kind = Target.Tool;
    } else if (!config.prompts.isEmpty) {
      this.kind = Target.Prompt;
      this.targets = new Patterns(config.prompts);
    } else if (!config.resources.isEmpty) {
      this.kind = Target.Resource;
      this.targets = new Patterns(config.resources);
    }
  }

  get needsBody(): bool {
    return !this.methods.isEmpty || this.kind != Target.None;
  }

  match(call: Call): Match {
    let match = Match.Yes;
    if (!this.methods.isEmpty) match = call.matchMethod(this.methods);
    if (match != Match.No && this.kind != Target.None) match = min(match, call.matchTarget(this.kind, this.targets));
    return min(match, this.matchServer(call));
  }

  matchServer(call: Call): Match {
    return this.servers.isEmpty ? Match.Yes : call.matchServer(this.servers);
  }
}

class ConditionRule {
  private key: ConditionKey;
  /** Of an argument: where it and what stands around it are kept. */
  private slots: i32[] = [];
  private patterns: Patterns;
  /** Of an argument, those of all kinds. */
  private argument: ArgumentPatterns;
  /** Of the client's name: which of the policy's. */
  private client: i32 = 0;

  constructor(config: ConditionConfig, keys: DecidingKeys, clients: ClientConditions) {
    this.key = config.key;
    this.patterns = new Patterns(config.text);
    this.argument = new ArgumentPatterns(config);
    if (config.key == ConditionKey.ClientName) this.client = clients.add(this.patterns, config.text);
    if (config.key == ConditionKey.Argument) {
      this.slots.push(Slot.Params);
      this.slots.push(Slot.Arguments);
      for (let i = 1; i <= config.path.length; i++) this.slots.push(keys.argument(config.path.slice(0, i)));
    }
  }

  match(call: Call): Match {
    if (this.key == ConditionKey.ProtocolVersion) return call.matchRevision(this.patterns);
    if (this.key == ConditionKey.ClientName) return call.matchClient(this.patterns, this.client);
    return call.matchArgument(this.slots, this.argument);
  }
}

/** A rule of the policy, ready to be matched. */
export class Rule {
  readonly name: string;
  readonly action: RuleAction;
  readonly mode: AccessMode;
  private sources: Source[] = [];
  private operations: OperationRule[] = [];
  private conditions: ConditionRule[] = [];

  constructor(config: RuleConfig, keys: DecidingKeys, clients: ClientConditions, claims: Claims) {
    this.name = config.name;
    this.action = config.action;
    this.mode = config.mode;
    for (let i = 0; i < config.sources.length; i++) this.sources.push(new Source(config.sources[i], claims));
    for (let i = 0; i < config.operations.length; i++) this.operations.push(new OperationRule(config.operations[i]));
    for (let i = 0; i < config.conditions.length; i++)
      this.conditions.push(new ConditionRule(config.conditions[i], keys, clients));
  }

  /** Whether what a message says matters. */
  get needsBody(): bool {
    for (let i = 0; i < this.operations.length; i++) {
      if (this.operations[i].needsBody) return true;
    }
    return this.conditions.length > 0;
  }

  /** Whether it is about messages of this direction. */
  isAbout(direction: MessageDirection): bool {
    for (let i = 0; i < this.operations.length; i++) {
      if (unchecked(this.operations[i]).direction == direction) return true;
    }
    return this.operations.length == 0 && (direction == MessageDirection.ClientToServer || this.deniesAll);
  }

  /** Whether it denies whatever it is, answers to servers too. */
  private get deniesAll(): bool {
    return this.operations.length == 0 && this.action == RuleAction.Deny;
  }

  /** Whether it is about this caller. */
  matchCaller(caller: Caller, properties: Properties): Match {
    let best = this.sources.length ? Match.No : Match.Yes;
    for (let i = 0; i < this.sources.length && best != Match.Yes; i++) {
      best = max(best, unchecked(this.sources[i]).match(caller, properties));
    }
    return best;
  }

  /** Whether it is about the server, as far as no message has been read. */
  matchServer(call: Call): Match {
    let best = this.operations.length ? Match.No : Match.Yes;
    for (let i = 0; i < this.operations.length && best != Match.Yes; i++) {
      best = max(best, unchecked(this.operations[i]).matchServer(call));
    }
    return best;
  }

  /** Whether it is about this message, whoever sends it. */
  matchCall(call: Call): Match {
    const direction = call.isAnswer ? MessageDirection.ServerToClient : MessageDirection.ClientToServer;
    let best = this.operations.length || (call.isAnswer && !this.deniesAll) ? Match.No : Match.Yes;
    for (let i = 0; i < this.operations.length && best != Match.Yes; i++) {
      const operation = unchecked(this.operations[i]);
      if (operation.direction == direction) best = max(best, operation.match(call));
    }
    for (let i = 0; i < this.conditions.length && best != Match.No; i++) {
      best = min(best, unchecked(this.conditions[i]).match(call));
    }
    return best;
  }

  /** Whether it applies: what cannot be told never allows and always denies. */
  applies(match: Match): bool {
    return match == Match.Yes || (match == Match.Unknown && this.action == RuleAction.Deny);
  }
}
