import { ConditionConfig, ConditionKey } from "../../config/rules/rule_config";
import { ArgumentPatterns } from "../../rules/match/argument_patterns";
import { Call } from "../../rules/message/call";
import { ClientConditions } from "./client_conditions";
import { Match } from "../../rules/match/match";
import { Patterns } from "../../rules/match/pattern";
import { DecidingKeys, Slot } from "../../rules/message/slots";

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
      this.slots.push(Slot.Params);
      this.slots.push(Slot.Arguments);
      for (let i = 1; i <= config.path.length; i++) this.slots.push(keys.argument(config.path.slice(0, i)));
    }
  }

  /** Whether the condition holds for the message. */
  match(call: Call): Match {
    if (this.key == ConditionKey.ProtocolVersion) return call.matchRevision(this.patterns);
    if (this.key == ConditionKey.ClientName) return call.matchClient(this.patterns, this.client);
    return call.matchArgument(this.slots, this.argument);
  }
}
