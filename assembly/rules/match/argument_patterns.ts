import { ConditionConfig, SCALAR_KINDS, ScalarKind } from "../../config/rules/rule_config";
import { Match } from "./match";
import { Patterns } from "./pattern";

/**
 * The values that an argument must and must not have, by JSON type. Servers may convert one type into another (`"5"`
 * into `5`), so a value of one type may or may not equal one of another.
 */
export class ArgumentPatterns {
  private kinds: Patterns[] = [];

  constructor(config: ConditionConfig) {
    for (let kind = 0; kind < SCALAR_KINDS; kind++) this.kinds.push(new Patterns(config.matches[kind]));
  }

  /** Whether a value of this type, as written, is one of the allowed values and none of the excluded ones. */
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

  /** The result for a missing value: no if it must have one of some values, otherwise unknown. */
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
