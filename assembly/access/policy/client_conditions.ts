import { TextMatch } from "../../config/rules/rule_config";
import { hashBytes } from "../../memory/bytes";
import { MATCH_BITS } from "../../rules/message/call";
import { Patterns } from "../../rules/match/pattern";

/** What a policy says of the names of clients' software. */
export class ClientConditions {
  private conditions: Patterns[] = [];
  /** Tells what was matched against these conditions from what was matched against others. */
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

  /** How a name matches each of them: two bits each, the first lowest. */
  matches(at: usize, length: i32): u64 {
    let matches: u64 = 0;
    for (let i = 0; i < this.conditions.length; i++) {
      const match: u64 = this.conditions[i].match(at, length, false);
      matches |= match << (i * MATCH_BITS);
    }
    return matches;
  }
}
