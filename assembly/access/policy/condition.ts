import { ConditionConfig, ConditionKey } from "../../config/rules/rule_config";
import { ArgumentPatterns } from "../../rules/match/argument_patterns";
import { RuleInput } from "../../rules/message/rule_input";
import { ClientConditions } from "./client_conditions";
import { Match } from "../../rules/match/match";
import { Patterns } from "../../rules/match/pattern";
import { DecidingKeys, MemberSlot } from "../../rules/message/deciding_keys";

/** A condition of a rule: one element of its `when`. */
export class ConditionRule {
  private key: ConditionKey;
  /** For an argument: the slots of the members on the path to it, its own last. */
  private slots: i32[] = [];
  private patterns: Patterns;
  /** For an argument: the patterns of all JSON types. */
  private argument: ArgumentPatterns;
  /** For the client's name: the index among the policy's conditions on names. */
  private client: i32 = 0;

  constructor(config: ConditionConfig, keys: DecidingKeys, clients: ClientConditions) {
    this.key = config.key;
    this.patterns = new Patterns(config.text);
    this.argument = new ArgumentPatterns(config);
    if (config.key == ConditionKey.ClientName) this.client = clients.add(this.patterns, config.text);
    if (config.key == ConditionKey.Argument) {
      this.slots.push(MemberSlot.Params);
      this.slots.push(MemberSlot.Arguments);
      for (let i = 1; i <= config.path.length; i++) this.slots.push(keys.argument(config.path.slice(0, i)));
    }
  }

  /** Whether the condition holds for the message. */
  match(input: RuleInput): Match {
    if (this.key == ConditionKey.ProtocolVersion) return input.matchRevision(this.patterns);
    if (this.key == ConditionKey.ClientName) return input.matchClient(this.patterns, this.client);
    return input.matchArgument(this.slots, this.argument);
  }
}
