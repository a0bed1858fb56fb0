import { RuleAction, RuleConfig } from "../../config/access/access_config";
import { RuleMode, MessageDirection } from "../../config/rules/rule_config";
import { RuleInput, Target } from "../../rules/message/rule_input";
import { Callers } from "./callers";
import { ClientConditions } from "./client_conditions";
import { ConditionRule } from "./condition";
import { Match } from "../../rules/match/match";
import { OperationRule } from "../../rules/operation";
import { DecidingKeys } from "../../rules/message/deciding_keys";
import { Source } from "../../rules/source";

/** A rule of the policy, compiled for matching. */
export class Rule {
  readonly name: string;
  readonly action: RuleAction;
  readonly mode: RuleMode;
  /** One of these must match. Without sources, every caller matches. */
  readonly sources: Source[];
  /** One of these must match. Without operations, see {@link matchUnstated}. */
  readonly operations: OperationRule[] = [];
  /** All of these must match. */
  readonly conditions: ConditionRule[] = [];

  constructor(config: RuleConfig, callers: Callers, keys: DecidingKeys, clients: ClientConditions) {
    this.name = config.name;
    this.action = config.action;
    this.mode = config.mode;
    this.sources = callers.add(config.sources);
    for (let i = 0; i < config.operations.length; i++) this.operations.push(new OperationRule(config.operations[i]));
    for (let i = 0; i < config.conditions.length; i++)
      this.conditions.push(new ConditionRule(config.conditions[i], keys, clients));
  }

  /** Whether the result depends on a message's content. */
  get needsBody(): bool {
    for (let i = 0; i < this.operations.length; i++) {
      if (this.operations[i].needsBody) return true;
    }
    return this.conditions.length > 0;
  }

  /** Whether an operation names servers. */
  get needsServer(): bool {
    for (let i = 0; i < this.operations.length; i++) {
      if (this.operations[i].needsServer) return true;
    }
    return false;
  }

  /** Whether an operation names tools. */
  get namesTools(): bool {
    for (let i = 0; i < this.operations.length; i++) {
      if (this.operations[i].kind == Target.Tool) return true;
    }
    return false;
  }

  /** Whether the rule covers messages of this direction. */
  isAbout(direction: MessageDirection): bool {
    for (let i = 0; i < this.operations.length; i++) {
      if (unchecked(this.operations[i]).direction == direction) return true;
    }
    return this.operations.length == 0 && (direction == MessageDirection.ClientToServer || this.deniesAll);
  }

  /** Whether the rule denies all messages, including client responses to server requests. */
  private get deniesAll(): bool {
    return this.operations.length == 0 && this.action == RuleAction.Deny;
  }

  /** Whether the rule may cover the server, before a message has been read. */
  matchServer(input: RuleInput): Match {
    let best = this.operations.length ? Match.No : Match.Yes;
    for (let i = 0; i < this.operations.length && best != Match.Yes; i++) {
      best = max(best, unchecked(this.operations[i]).matchServer(input));
    }
    return best;
  }

  /** Whether the rule covers this message, for any caller. */
  matchCall(input: RuleInput): Match {
    input.leaveOpen(this.action == RuleAction.Allow);
    const direction = input.isAnswer ? MessageDirection.ServerToClient : MessageDirection.ClientToServer;
    let best = this.operations.length ? Match.No : this.matchUnstated(input);
    for (let i = 0; i < this.operations.length && best != Match.Yes; i++) {
      const operation = unchecked(this.operations[i]);
      if (operation.direction == direction) best = max(best, operation.match(input));
    }
    for (let i = 0; i < this.conditions.length && best != Match.No; i++) {
      best = min(best, unchecked(this.conditions[i]).match(input));
    }
    return best;
  }

  /** Whether a rule without operations covers this message. It covers client responses to server requests only if it
   *  denies everything. */
  matchUnstated(input: RuleInput): Match {
    return input.isAnswer && !this.deniesAll ? Match.No : Match.Yes;
  }

  /** Whether the rule applies: an unknown match never allows and always denies. */
  applies(match: Match): bool {
    return match == Match.Yes || (match == Match.Unknown && this.action == RuleAction.Deny);
  }
}
