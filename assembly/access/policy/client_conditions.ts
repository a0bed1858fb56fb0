import { TextMatch } from "../../config/rules/rule_config";
import { hashBytes } from "../../memory/bytes";
import { MATCH_BITS } from "../../rules/message/rule_input";
import { Patterns } from "../../rules/match/pattern";

/** The conditions of a policy on the names of client software. */
export class ClientConditions {
  private conditions: Patterns[] = [];
  /** Hash of the conditions. Distinguishes matches against these conditions from matches against others. */
  hash: u64 = 1;

  get isEmpty(): bool {
    return this.conditions.length == 0;
  }

  /** Adds a condition. Returns its index. */
  add(patterns: Patterns, config: TextMatch): i32 {
    const text = config.values.join("\n") + "\0" + config.notValues.join("\n");
    const bytes = String.UTF8.encode(text);
    this.hash = hashBytes(changetype<usize>(bytes), bytes.byteLength, this.hash);
    return this.conditions.push(patterns) - 1;
  }

  /** How a name matches each condition: two bits each, the first in the lowest bits. */
  matches(at: usize, length: i32): u64 {
    let matches: u64 = 0;
    for (let i = 0; i < this.conditions.length; i++) {
      const match: u64 = this.conditions[i].match(at, length, false);
      matches |= match << (i * MATCH_BITS);
    }
    return matches;
  }
}
