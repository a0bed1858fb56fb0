import { ConditionConfig, SCALAR_KINDS, ScalarKind } from "../../config/rules/rule_config";
import { Match } from "./match";
import { Patterns } from "./pattern";

/** What an argument must be and must not be, by kind: servers may turn one kind into another (`"5"` into `5`), so whether a
 *  value of one kind is one of another cannot be told. */
export class ArgumentPatterns {
  private kinds: Patterns[] = [];

  constructor(config: ConditionConfig) {
    for (let kind = 0; kind < SCALAR_KINDS; kind++) this.kinds.push(new Patterns(config.matches[kind]));
  }

  /** Whether a value of this kind, as it is written, is one of the values and none of the others. */
  match(kind: ScalarKind, at: usize, length: i32, isCut: bool): Match {
    const own = this.kinds[kind];
    let value = this.hasValues ? (own.hasValues ? own.matchValues(at, length, isCut) : Match.No) : Match.Yes;
    let others = own.matchOthers(at, length, isCut);
    for (let i = 0; i < SCALAR_KINDS; i++) {
      if (i == kind) continue;
      if (this.kinds[i].hasValues) value = max(value, Match.Unknown);
      if (this.kinds[i].hasOthers) others = min(others, Match.Unknown);
    }
    return min(value, others);
  }

  /** The same of a value that is missing. */
  matchNothing(): Match {
    return this.hasValues ? Match.No : Match.Unknown;
  }

  private get hasValues(): bool {
    for (let i = 0; i < SCALAR_KINDS; i++) {
      if (this.kinds[i].hasValues) return true;
    }
    return false;
  }
}
